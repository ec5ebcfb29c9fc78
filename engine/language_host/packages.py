"""The packages of a program's environment, and the plugins that they ask the engine for."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from engine.language_host.environment import Environment

NO_PLUGIN = ("pulumi-policy", "pulumi-esc-sdk")


class Package(TypedDict):
    """An installed package; `plugin` is its pulumi-plugin.json."""

    name: str
    version: str
    direct: bool
    plugin: dict[str, Any] | None


class Plugin(TypedDict):
    """A provider plugin, in the words of the engine's request."""

    kind: str
    name: str
    version: str
    server: str
    parameterization: dict[str, Any] | None


def packages(environment: Environment) -> list[Package]:
    """Return the packages that are installed in `environment`."""
    found: list[Package] = json.loads(environment.output("-c", _script()))
    return found


def plugins(found: list[Package]) -> Iterator[Plugin]:
    """Return the provider plugins that belong to the packages `found`."""
    for package in found:
        name = package["name"]
        by_name = name.startswith("pulumi-") and name not in NO_PLUGIN
        info = package["plugin"] or {"resource": by_name}
        version = info.get("version") or plugin_version(package["version"])
        if info.get("resource") and version:
            yield {
                "kind": "resource",
                "name": info.get("name") or name.removeprefix("pulumi-"),
                "version": "v" + version.removeprefix("v"),
                "server": info.get("server") or "",
                "parameterization": info.get("parameterization"),
            }


def plugin_version(text: str) -> str | None:
    """Translate PEP 440 to semver ("1.2a4" to "1.2.0-alpha.4"); None where that cannot be done."""
    shape = r"(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?(?:\.(post\d+))?(?:\.(dev\d+))?"
    found = re.fullmatch(shape, text)
    if not found:
        return None
    release, phase, number, post, dev = found.groups()
    name = {"a": "alpha", "b": "beta", "rc": "rc"}.get(phase or "")
    before = f"-{name}.{number}" if name else ""
    build = f"+{post or ''}{dev or ''}" if post or dev else ""
    return release + ".0" * (2 - release.count(".")) + before + build


@cache
def _script() -> str:
    return Path(__file__).with_name("list_packages.py").read_text(encoding="utf-8")
