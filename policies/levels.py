"""How strictly each rule is enforced in this environment: the setting `policies`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pulumi
from pulumi_policy import EnforcementLevel

from horcrux.settings import SettingsError
from horcrux.settings.stack_file import from_pulumi
from policies.rules import RULES, SETTINGS_ID

LEVELS = {
    level.value: level
    for level in (
        EnforcementLevel.MANDATORY,
        EnforcementLevel.ADVISORY,
        EnforcementLevel.DISABLED,
    )
}


@dataclass(frozen=True)
class Levels:
    """By id: (level, reason) where it differs from the default; and what is wrong with that."""

    changed: Mapping[str, tuple[EnforcementLevel, str]]
    problems: tuple[str, ...] = ()


def read(project: Path) -> Levels:
    """The levels that the stack's configuration asks for.

    `project` is where `stacks/` is: an environment that extends another inherits its policies.
    Raises nothing: what cannot be read is a problem, which the pack reports as a violation.
    """
    config = pulumi.Config("horcrux")
    try:
        if config.get("extends"):
            everything = pulumi.runtime.get_config_env()
            settings = from_pulumi(everything, project, pulumi.get_stack())
            return parse({name: one.model_dump() for name, one in settings.policies.items()})
        return parse(config.get_object("policies"))
    except SettingsError as error:
        return Levels({}, (f"policies: cannot be read, for {error}",))
    except pulumi.ConfigTypeError:
        return Levels({}, (f"policies: is not a mapping; {_shape('ID')}",))


def parse(raw: Any) -> Levels:
    """The levels in `raw`: {id: {level, reason}}, where any part may be JSON in a string."""
    given = _from_json(raw)
    if given is None:
        return Levels({})
    if not isinstance(given, Mapping):
        return Levels({}, (f"policies: is not a mapping; {_shape('ID')}",))
    changed: dict[str, tuple[EnforcementLevel, str]] = {}
    problems: list[str] = []
    for name, value in given.items():
        found = _entry(str(name), _from_json(value))
        if isinstance(found, str):
            problems.append(found)
        else:
            changed[str(name)] = found
    return Levels(changed, tuple(problems))


def _entry(name: str, value: Any) -> tuple[EnforcementLevel, str] | str:
    """One entry's level and reason, or what is wrong with it."""
    ids = sorted(rule.id for rule in RULES)
    if name == SETTINGS_ID:
        return f"policies.{name}: is always mandatory; take it out"
    if name not in ids:
        close = get_close_matches(name, ids, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        return f"policies.{name}: there is no such policy; {guess}there are {', '.join(ids)}"
    if not isinstance(value, Mapping):
        return f"policies.{name}: is not a mapping; {_shape(name)}"
    level = LEVELS.get(str(value.get("level")))
    if level is None:
        return f"policies.{name}.level: is none of {', '.join(LEVELS)}; {_shape(name)}"
    return level, str(value.get("reason") or "")


def _from_json(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _shape(name: str) -> str:
    return f"write policies: {{{name}: {{level: {'|'.join(LEVELS)}, reason: WHY}}}}"
