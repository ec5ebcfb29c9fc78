"""From a stack's raw configuration to `Settings`, with every error in the user's own words."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from horcrux.settings.checks import SettingsError, check
from horcrux.settings.environment import Settings
from horcrux.settings.fields import shown_size
from horcrux.settings.release_checks import Finding

KINDS = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
BOUNDS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
}
SMALLEST_SIZE = 1 << 20  # bounds from here on are sizes, which people write as 4M


def parse(raw: Mapping[str, Any], environment: str, where: str = "the configuration") -> Settings:
    """The settings in `raw` (keys without the prefix `horcrux:`).

    Raises SettingsError with all errors at once; `where` names the file in its message.
    """
    try:
        settings = Settings.model_validate(dict(raw))
    except ValidationError as error:
        raise SettingsError(where, [_finding(e) for e in error.errors()]) from None
    findings = check(settings, environment)
    if findings:
        raise SettingsError(where, findings)
    return settings


def _finding(error: ErrorDetails) -> Finding:
    """One of pydantic's errors as (path, what is wrong and what to do)."""
    location = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        return _path(location), "is not a setting" + _suggestion(location)
    return _path(location), _what(error)


def _what(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    shown = _shown(error.get("input"))
    if kind == "missing":
        return "is required"
    if kind in KINDS:
        return f"{shown} is not {KINDS[kind]}"
    if kind == "literal_error":
        return f"{shown} is not one of {context['expected']}"
    if kind == "value_error":
        return str(context["error"])
    if kind in BOUNDS:
        return _out_of_bounds(error["input"], *BOUNDS[kind], context)
    return f"{shown}: {error['msg'][0].lower()}{error['msg'][1:]}"


def _out_of_bounds(value: Any, key: str, word: str, context: Mapping[str, Any]) -> str:
    bound = context[key]
    if bound >= SMALLEST_SIZE:
        return f"{shown_size(value)} is too little; it must be {word} {shown_size(bound)}"
    return f"{_shown(value)} is out of range; it must be {word} {bound:g}"


def _path(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".") or "settings"


def _shown(value: Any) -> str:
    """The value as a person wrote it; long or structured ones only by their kind."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…'"


def _suggestion(location: tuple[int | str, ...]) -> str:
    known = _keys_at(location[:-1])
    close = get_close_matches(str(location[-1]), known, n=1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; there are: {', '.join(known)}" if known else ""


def _keys_at(location: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at a path has."""
    kind: Any = Settings
    for part in location:
        kind = _inside(_bare(kind), str(part))
    kind = _bare(kind)
    return list(kind.model_fields) if _is_model(kind) else []


def _inside(kind: Any, part: str) -> Any:
    """The type of a model's field, or of a mapping's or a list's elements."""
    if _is_model(kind):
        field = kind.model_fields.get(part)
        return field.annotation if field else None
    if get_origin(kind) is dict:
        return get_args(kind)[1]
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def _bare(kind: Any) -> Any:
    """X of `X | None`."""
    if get_origin(kind) is UnionType:
        return next(inner for inner in get_args(kind) if inner is not type(None))
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
