"""Compose's ways to write values: durations, sizes, command lines, lists that may be mappings."""

import math
import re
import shlex
from typing import Any, NamedTuple

from horcrux.compose_import.notes import ComposeError
from horcrux.settings.fields import size

UNIT_SECONDS = {
    "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0,
}  # fmt: skip
DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:us|µs|ms|s|m|h|d))+")
DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|µs|ms|s|m|h|d)")
NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
LONGEST_SECONDS = 86400  # what the settings take at most


class Entry(NamedTuple):
    """One `KEY: value` or `KEY=value`, and where it stands. The value None means: from outside."""

    key: str
    value: str | None
    path: str


def seconds(value: Any, path: str) -> int:
    """Whole seconds of `1m30s`, `500ms` or `10`: rounded up, and what the settings take at most."""
    text = scalar(value, path)
    if NUMBER.fullmatch(text):
        total = float(text)
    elif DURATION.fullmatch(text):
        total = sum(float(n) * UNIT_SECONDS[unit] for n, unit in DURATION_PART.findall(text))
    else:
        raise ComposeError(path, f"{text!r} is not a duration; write it as 1m30s")
    # 1.1 s in floats is a little more than it should be, and must not become 2 of 1.000000001.
    return int(min(max(math.ceil(round(total, 6)), 1), LONGEST_SECONDS))


def number(value: Any, path: str) -> float:
    """A number that is not negative."""
    text = scalar(value, path)
    if not NUMBER.fullmatch(text):
        raise ComposeError(path, f"{text!r} is not a number; write it as 0.5")
    return float(text)


def size_in_bytes(value: Any, path: str) -> int:
    """Bytes of `512m`, `1gb` or `1073741824`."""
    text = scalar(value, path)
    try:
        return size(text)
    except ValueError as error:
        raise ComposeError(path, str(error)) from None


def words(value: Any, path: str) -> list[str]:
    """A command line as its words; text is split as a shell would split it."""
    if isinstance(value, list):
        return [scalar(word, f"{path}[{i}]") for i, word in enumerate(value)]
    try:
        return shlex.split(scalar(value, path)) if value is not None else []
    except ValueError as error:
        what = f"is not a command line ({error}); correct the quotes, or write it as a list"
        raise ComposeError(path, what) from None


def entries(value: Any, path: str) -> list[Entry]:
    """What Compose takes as a mapping or as a list of `KEY=value`."""
    if isinstance(value, dict):
        return [
            Entry(str(k), None if v is None else scalar(v, f"{path}.{k}"), f"{path}.{k}")
            for k, v in value.items()
        ]
    found = []
    for i, item in enumerate(listed(value, path)):
        key, equals, text = scalar(item, f"{path}[{i}]").partition("=")
        found.append(Entry(key, text if equals else None, f"{path}.{key}"))
    return found


def listed(value: Any, path: str) -> list[Any]:
    """A list; one plain value stands for a list of one, nothing for an empty one."""
    if isinstance(value, dict):
        raise ComposeError(path, "is a mapping where Compose has a list")
    return value if isinstance(value, list) else [] if value is None else [value]


def mapping(value: Any, path: str) -> dict[str, Any]:
    """A mapping; nothing stands for an empty one."""
    if not isinstance(value, dict | None):
        raise ComposeError(path, "is not a mapping, as Compose has it here")
    return {str(key): inner for key, inner in (value or {}).items()}


def scalar(value: Any, path: str) -> str:
    """One plain value, as text."""
    if isinstance(value, dict | list) or value is None:
        kind = (
            "nothing" if value is None else f"a {'list' if isinstance(value, list) else 'mapping'}"
        )
        raise ComposeError(path, f"is {kind} where Compose has a plain value")
    return str(value)


def flag(value: Any) -> bool:
    """Whether a switch is on."""
    return str(value).lower() in ("true", "yes", "on", "1")
