"""A resource's properties as plain values, where what a preview cannot know is UNKNOWN.

Pulumi hands a pack properties that raise as soon as an unknown one is touched, which would leave
everything else about the resource unjudged. Rules judge what is known; the rest is judged during
the update, before the resource is made, when it is known.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Final, TypeAlias

from pulumi_policy.proxy import UnknownValueError


class Unknown(Enum):
    """The type of UNKNOWN, so that a type checker can tell it from a value."""

    VALUE = "not known during preview"


UNKNOWN: Final = Unknown.VALUE
Value: TypeAlias = Any  # None, a scalar, a list or a mapping of Values, or UNKNOWN


def plain(value: Any) -> Value:
    """`value` without Pulumi's wrappers, to any depth."""
    if isinstance(value, Mapping):
        return {key: _at(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_at(value, index) for index in range(len(value))]
    return value


def _at(container: Any, key: Any) -> Value:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def at(value: Value, *path: str) -> Value:
    """What is at `path`: None if there is nothing, UNKNOWN if that cannot be known."""
    for key in path:
        if not isinstance(value, dict):
            return UNKNOWN if value is UNKNOWN else None
        value = value.get(key)
    return value


def items(value: Value, *path: str) -> list[Value]:
    """The elements of the list at `path`; none if it is not there or not known."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def number(value: Value) -> int | None:
    """A whole number; None for anything else. Pulumi sends numbers as floats."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)


def label(value: Value, name: str) -> Value:
    """The value of a label in the properties `value`: None if it is not there, or UNKNOWN."""
    labels = at(value, "labels")
    if labels is UNKNOWN:
        return UNKNOWN
    unsure = False
    for one in items(value, "labels"):
        if at(one, "label") == name:
            return at(one, "value")
        unsure = unsure or at(one, "label") is UNKNOWN
    return UNKNOWN if unsure else None
