"""`${VARIABLE:-default}` in a Compose file's values, as Compose reads them."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from horcrux.compose_import.notes import ComposeError

START = re.compile(r"\$(?:(?P<escaped>\$)|(?P<plain>[A-Za-z_][A-Za-z0-9_]*)|(?P<braces>\{))")
INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])(.*))?", re.DOTALL)


class Missing(NamedTuple):
    """A variable that a value needs and that is neither set nor has a default."""

    path: str
    variable: str


def interpolated(node: Any, path: str, variables: Mapping[str, str], missing: list[Missing]) -> Any:
    """The same data with all variables in its texts replaced; missing ones, as nothing, are listed.

    Keys stay as they are, as with Compose.
    """
    if isinstance(node, dict):
        return {
            key: interpolated(value, f"{path}.{key}".removeprefix("."), variables, missing)
            for key, value in node.items()
        }
    if isinstance(node, list):
        return [
            interpolated(value, _item_path(path, i, value), variables, missing)
            for i, value in enumerate(node)
        ]
    if not isinstance(node, str):
        return node
    try:
        text, unset = substitute(node, variables)
    except ValueError as error:
        raise ComposeError(path, f"{error}; write $$ for a dollar sign of its own") from None
    missing += [Missing(path, variable) for variable in unset]
    return text


def _item_path(path: str, i: int, value: Any) -> str:
    """`environment.KEY` for an element `KEY=value`: the path that it has in a mapping, too."""
    if path.endswith(".environment") and isinstance(value, str):
        return f"{path}.{value.partition('=')[0]}"
    return f"{path}[{i}]"


def substitute(text: str, variables: Mapping[str, str]) -> tuple[str, list[str]]:
    """A text with its variables replaced, and the names of those that are missing.

    Raises ValueError for braces that do not close or that hold something else.
    """
    done, unset, position = "", [], 0
    while found := START.search(text, position):
        done += text[position : found.start()]
        position = found.end()
        if found["escaped"]:
            done += "$"
            continue
        inside = found["plain"]
        if not inside:
            end = _closing(text, position)
            inside, position = text[position:end], end + 1
        value, more = _value(inside, variables)
        done += value
        unset += more
    return done + text[position:], unset


def _closing(text: str, start: int) -> int:
    """Where the brace that is open at `start` closes."""
    depth = 1
    for i in range(start, len(text)):
        if text[i] == "}":
            depth -= 1
        elif text.startswith("${", i):
            depth += 1
        if depth == 0:
            return i
    raise ValueError("has a ${ without its }")


def _value(inside: str, variables: Mapping[str, str]) -> tuple[str, list[str]]:
    """What `NAME`, `NAME:-default`, `NAME?message` or `NAME+other` stands for."""
    found = INSIDE.fullmatch(inside)
    if not found:
        raise ValueError("has a ${…} that is not a variable")
    name, operator, rest = found[1], found[2] or "", found[3] or ""
    value = variables.get(name)
    there = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return substitute(rest, variables) if there else ("", [])
    if there:
        return value or "", []
    return substitute(rest, variables) if operator.endswith("-") else ("", [name])
