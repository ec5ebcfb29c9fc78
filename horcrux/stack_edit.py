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
        self._before = self._path.read_text()

    def set(self, path: list[str], value: Any) -> None:
        """Set one setting; None takes it away."""
        self._write(set_value(self._path.read_text(), path, value))

    def undo(self) -> None:
        """Put the file back as it was."""
        self._write(self._before)

    def _write(self, text: str) -> None:
        part = self._path.with_suffix(".part")
        part.write_text(text)
        part.replace(self._path)
