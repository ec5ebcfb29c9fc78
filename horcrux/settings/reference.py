"""What stack files may say, for editors (`schema`) and for people (`markdown`).

Both are generated from the models and committed: docs/stack.schema.json and docs/settings.md.
A file that extends another may leave required settings out and take others away with null, so the
schema allows both and leaves such errors to `parse`: what it marks in an editor is wrong indeed.
"""

from copy import deepcopy
from difflib import get_close_matches
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from horcrux.settings.environment import Settings
from horcrux.settings.fields import shown_size
from horcrux.settings.tables import section_text
from horcrux.settings.tree import ROOT, Node, resolved, sections

ANYTHING = {"description": "A setting of another program, which Horcrux does not read."}
TOP = {
    "encryptionsalt": ("string", "The salt of the stack's passphrase. Pulumi writes it."),
    "secretsprovider": ("string", "What encrypts the stack's secrets. Pulumi writes it."),
    "encryptedkey": ("string", "The encrypted data key of the stack. Pulumi writes it."),
    "environment": (["array", "object"], "Pulumi ESC environments that the stack imports."),
}
SECRETS = "Values of secrets, encrypted by Pulumi: APP → NAME. Set with `horcrux secrets set`."


class UnknownSectionError(LookupError):
    """A section that the settings do not have."""


class _Plain(GenerateJsonSchema):
    """Without titles made of field names: a title always says what kind of value it is."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a whole stack file, `stacks/Pulumi.<environment>.yaml`."""
    settings = _settings()
    config = {f"horcrux:{key}": node for key, node in settings["properties"].items()}
    config["horcrux:secrets"] = {"type": "object", "description": SECRETS}
    models = settings["$defs"]
    listed = {
        node["items"].get("$ref", "").rpartition("/")[2]
        for model in models.values()
        for node in model["properties"].values()
        if "items" in node
    }
    definitions = {
        name: _relaxed(model, keep_required=name in listed) for name, model in models.items()
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Horcrux stack file",
        "description": "The settings of one environment, and what Pulumi keeps beside them.",
        "type": "object",
        "properties": {
            "config": {
                "type": ["object", "null"],
                "description": settings["description"],
                "properties": {key: _nullable(_relaxed(node)) for key, node in config.items()},
                "patternProperties": {"^(?!horcrux:)": ANYTHING},
                "additionalProperties": False,
            },
            **{key: {"type": kind, "description": text} for key, (kind, text) in TOP.items()},
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def markdown(section: str | None = None) -> str:
    """The reference of all settings, of a section and those below it, or of a single setting.

    A section is named as `apps` or `apps.health`, a setting as `apps.image`.
    Raises UnknownSectionError, which names the nearest ones.
    """
    root = _settings()
    known = sections(root)
    if section is None:
        return "\n".join([TITLE, *(section_text(path, known[path], root) for path in known)])
    below = [path for path in known if path == section or path.startswith(f"{section}.")]
    if below:
        return "\n".join(section_text(path, known[path], root) for path in below)
    parent, _, key = section.rpartition(".")
    parent = parent or ROOT
    if parent in known and key in known[parent].model["properties"]:
        return section_text(parent, known[parent], root, only=key)
    raise UnknownSectionError(_unknown(section, list(known)))


TITLE = """# Settings

What `stacks/Pulumi.<environment>.yaml` may say. Every key of the first table is written under
`config:` with the prefix `horcrux:`; unknown keys are errors. This page is generated from the
models in `horcrux/settings` by `horcrux docs --all`.
"""


def _unknown(section: str, known: list[str]) -> str:
    close = get_close_matches(section, known, n=3)
    close = close or [path for path in known if path.endswith(f".{section}")]
    help_ = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(known)}"
    return f"{section!r} is not a section of the settings; {help_}"


def _settings() -> Node:
    """The JSON Schema of the settings, with sizes as people write them."""
    root = Settings.model_json_schema(schema_generator=_Plain)
    models = [*root["$defs"].values(), root]
    for model in models:
        model.pop("title", None)
        for node in model["properties"].values():
            _tidy(node)
    untouched = deepcopy(root)
    for model in models:
        for node in model["properties"].values():
            if "default" in node:
                node["default"] = _default(node["default"], node, untouched)
    return root


def _tidy(node: Node) -> None:
    """A lower bound where JSON Schema has it, and mappings that refuse badly named keys."""
    if "ge" in node:
        node["minimum"] = max(node.pop("ge"), node.get("minimum", 0))
    if "patternProperties" in node:
        node["additionalProperties"] = False
        for inner in node["patternProperties"].values():
            _tidy(inner)


def _default(value: Any, node: Node, root: Node) -> Any:
    """A default without what is the default of an inner setting anyway, and with 256M for bytes."""
    if node.get("title") == "size":
        return shown_size(value)
    inner = resolved(node, root)
    if not isinstance(value, dict) or "properties" not in inner:
        return value
    fields = inner["properties"]
    shown = {key: _default(v, fields[key], root) for key, v in value.items()}
    return {
        key: v
        for key, v in shown.items()
        if "default" not in fields[key] or v != _default(fields[key]["default"], fields[key], root)
    }


def _relaxed(node: Node, keep_required: bool = False) -> Node:
    """The same, for files that are laid over others: nothing is required, null takes a key away.

    What stands in a list is replaced as a whole, so there required settings stay required.
    """
    node = deepcopy(node)
    if not keep_required:
        node.pop("required", None)
    for inner in ("properties", "patternProperties"):
        if inner in node:
            node[inner] = {key: _nullable(_relaxed(value)) for key, value in node[inner].items()}
    return node


def _nullable(node: Node) -> Node:
    """A schema that takes null too."""
    if {"type": "null"} in node.get("anyOf", ()):
        return node
    about: Node = {key: node[key] for key in ("default", "description") if key in node}
    return {"anyOf": [{k: v for k, v in node.items() if k not in about}, {"type": "null"}], **about}
