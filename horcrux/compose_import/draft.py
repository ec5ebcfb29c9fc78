"""An app in the making: what its service became so far, and what is decided at the end."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from horcrux.compose_import.known_images import Known, known_image
from horcrux.compose_import.notes import ComposeError

SECRET_FILES = "/run/secrets"  # noqa: S105 (a folder)


@dataclass
class SecretUse:
    """A secret of an app: where it comes from (equal origins are one secret), and what to tell."""

    origin: tuple[str, str]
    path: str
    becomes: str
    hint: str = ""
    file_before: str = ""  # if the file is called otherwise now


@dataclass
class Draft:
    """One service on its way to an app."""

    service: str
    name: str
    app: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, SecretUse] = field(default_factory=dict)
    wants: dict[str, str] = field(default_factory=dict)  # services to bind to, and from which path
    aliases: dict[str, str] = field(default_factory=dict)  # other names of services, from `links`
    secret_paths: set[str] = field(default_factory=set)  # variables that are no variables any more

    @property
    def path(self) -> str:
        """Where the service stands in the Compose file."""
        return f"services.{self.service}"

    @property
    def image(self) -> str:
        """The image's name alone: `postgres` of `docker.io/library/postgres:15@sha256:…`."""
        reference = str(self.app.get("image", "")).partition("@")[0]
        return reference.rpartition("/")[2].partition(":")[0]

    @property
    def known(self) -> Known:
        """What is known of the image."""
        return known_image(self.image)

    def replace_text(self, old: str, new: str) -> None:
        """Follow something that is called otherwise now through environment and commands."""
        self.app = {
            key: _replaced(value, old, new) if key in REPLACED_IN else value
            for key, value in self.app.items()
        }


REPLACED_IN = ("env", "command", "entrypoint", "health")


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, old, new) for inner in value]
    return whole_words_replaced(value, old, new) if isinstance(value, str) else value


def whole_words_replaced(text: str, old: str, new: str) -> str:
    """`old` replaced where it is not part of a longer name."""
    parts, rest = "", text
    while old in rest:
        before, _, rest = rest.partition(old)
        inside = _in_name((parts + before)[-1:]) or _in_name(rest[:1])
        parts += before + (old if inside else new)
    return parts + rest


def _in_name(character: str) -> bool:
    return character.isalnum() or (character != "" and character in "_-")


def by_service(drafts: Iterable[Draft]) -> dict[str, Draft]:
    """The drafts by the names of their services."""
    return {draft.service: draft for draft in drafts}


def required(found: Draft | None, path: str, service: str) -> Draft:
    """The draft, or an error about a service that is not there."""
    if found is None:
        raise ComposeError(path, f"there is no service {service!r}; correct the name")
    return found
