"""Reading stack files: `stacks/Pulumi.<environment>.yaml`, laid over the one that it extends."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from horcrux.settings.checks import SettingsError
from horcrux.settings.environment import Settings
from horcrux.settings.parse import parse

PREFIX = "horcrux:"
SECRETS = "secrets"  # values of secrets, encrypted by Pulumi: never part of Settings


def path_of(project: Path, environment: str) -> Path:
    """The stack file of an environment."""
    return project / "stacks" / f"Pulumi.{environment}.yaml"


def environments(project: Path) -> list[str]:
    """The environments that have a stack file."""
    return sorted(p.name[7:-5] for p in (project / "stacks").glob("Pulumi.*.yaml"))


def read(project: Path, environment: str) -> Settings:
    """The settings of an environment from its files. Raises SettingsError."""
    return from_config(_config_of(path_of(project, environment)), project, environment)


def from_pulumi(config: Mapping[str, str], project: Path, environment: str) -> Settings:
    """The settings from what Pulumi hands a program: text values, structured ones as JSON."""
    return from_config({k: _value(v) for k, v in config.items()}, project, environment)


def from_config(config: Mapping[str, Any], project: Path, environment: str) -> Settings:
    """The settings from a stack's `config:` section, and from the files that it extends."""
    merged = _extended(_own(config), project, (environment,))
    return parse(merged, environment, f"stacks/Pulumi.{environment}.yaml")


def _own(config: Mapping[str, Any]) -> dict[str, Any]:
    """What is Horcrux's in a `config:` section, without the prefix and without secrets."""
    own = {k.removeprefix(PREFIX): v for k, v in config.items() if str(k).startswith(PREFIX)}
    own.pop(SECRETS, None)
    return own


def _extended(raw: dict[str, Any], project: Path, seen: tuple[str, ...]) -> dict[str, Any]:
    base = raw.get("extends")
    if not isinstance(base, str):
        return raw
    where = f"stacks/Pulumi.{seen[-1]}.yaml"
    if base in seen:
        raise SettingsError(
            where, [("extends", f"goes round in a circle: {' → '.join((*seen, base))}")]
        )
    path = path_of(project, base)
    if not path.exists():
        there = ", ".join(environments(project)) or "none"
        raise SettingsError(
            where, [("extends", f"there is no stacks/{path.name}; there are {there}")]
        )
    below = _extended(_own(_config_of(path)), project, (*seen, base))
    merged: dict[str, Any] = _laid_over(below, raw)
    return merged


def _laid_over(below: Any, above: Any) -> Any:
    """Mappings are merged key by key (null takes a key away); anything else is replaced."""
    if not isinstance(above, dict):
        return above
    below = below if isinstance(below, dict) else {}
    merged = {**below, **{k: _laid_over(below.get(k), v) for k, v in above.items()}}
    return {k: v for k, v in merged.items() if v is not None or k not in above}


def _config_of(path: Path) -> dict[str, Any]:
    where = f"stacks/{path.name}"
    try:
        document = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise SettingsError(
            where, [("file", "is not there; `horcrux env list` shows what is")]
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(where, [("file", f"is not YAML: {error}")]) from None
    config = (document or {}).get("config") if isinstance(document, dict | None) else None
    return config if isinstance(config, dict) else {}


def _value(text: str) -> Any:
    if text[:1] in ("{", "["):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return text
