"""Reads the YAML of a Compose file: every plain value as the text that it was written as.

YAML 1.1, which PyYAML speaks, makes a number of `22:22` and a truth value of `no`; Compose speaks
YAML 1.2. Text serves both: what needs a number converts it where its meaning is known.
"""

from typing import Any

import yaml

from horcrux.compose_import.notes import ComposeError
from horcrux.compose_import.values import mapping

KEPT_TAGS = ("tag:yaml.org,2002:null", "tag:yaml.org,2002:merge")
FLATTEN = "`docker compose config` prints a file without it; import that"


class _Loader(yaml.SafeLoader):
    """SafeLoader that knows null and merge keys, and leaves all other plain scalars text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own name and shape)
        first: [(tag, regexp) for tag, regexp in resolvers if tag in KEPT_TAGS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load(text: str) -> dict[str, Any]:
    """The Compose file as data, with a mapping `services` of mappings. Raises ComposeError."""
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        # Not the error's own text: it quotes the line, which may hold a secret.
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ComposeError(
            f"line {line}", f"is not YAML ({error.problem}); correct it there"
        ) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise ComposeError("file", "is not YAML; give a Compose file") from None
    if not isinstance(document, dict) or not isinstance(document.get("services"), dict):
        raise ComposeError(
            "services",
            "is missing or not a mapping; give a Compose file of version 2 or later, "
            "which lists its containers under `services:`",
        )
    services = document["services"]
    if not services:
        raise ComposeError("services", "is empty; there is nothing to import")
    document["services"] = {
        str(name): mapping(service, f"services.{name}") for name, service in services.items()
    }
    return document
