"""Edits of a stack file that keep everything else in it, comments included."""

from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from horcrux.settings.stack_file import PREFIX, path_of

INDENT = 2


def set_value(text: str, path: list[str], value: Any) -> str:
    """The stack file's text with the setting at `path` set; None takes it away.

    Where the file extends another one, None is written: what that one says is taken away as well.
    """
    yaml = YAML()
    yaml.indent(mapping=INDENT, sequence=INDENT * 2, offset=INDENT)
    yaml.preserve_quotes = True
    yaml.width = 4096
    document = yaml.load(text) or {}
    place = document.setdefault("config", {})
    *parents, last = [f"{PREFIX}{path[0]}", *path[1:]]
    for key in parents:
        if not isinstance(place.get(key), dict):
            place[key] = {}
        place = place[key]
    if value is None and f"{PREFIX}extends" not in document["config"]:
        place.pop(last, None)
    else:
        place[last] = value
    out = StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def get_value(text: str, path: list[str]) -> Any:
    """The setting at `path` of a stack file's text; None where there is none."""
    place = (YAML().load(text) or {}).get("config") or {}
    for key in [f"{PREFIX}{path[0]}", *path[1:]]:
        place = place.get(key) if isinstance(place, dict) else None
    return place


def forget_salt(project: Path, environment: str) -> None:
    """Take away what Pulumi noted of the passphrase, when no secret in the file depends on it."""
    path = path_of(project, environment)
    text = path.read_text()
    if "secure:" not in text:
        lines = text.splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("encryptionsalt:")))


class StackEdit:
    """A change of a stack file that can be taken back when what it asks for does not work."""

    def __init__(self, project: Path, environment: str) -> None:
        self._path = path_of(project, environment)
        self._before = self._written = self._path.read_text()
        self._former: list[tuple[list[str], Any]] = []

    def set(self, path: list[str], value: Any) -> None:
        """Set one setting; None takes it away."""
        text = self._path.read_text()
        self._former.append((path, get_value(text, path)))
        self._write(set_value(text, path, value))

    def undo(self) -> None:
        """Put the settings back as they were; what others wrote into the file meanwhile stays."""
        text = self._path.read_text()
        if text == self._written:
            self._write(self._before)
            return
        for path, value in reversed(self._former):
            text = set_value(text, path, value)
        self._write(text)

    def _write(self, text: str) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(text)
        part.replace(self._path)
        self._written = text
