"""The label `horcrux.edge` of a service, by which its app tells the edges what it needs.

JSON: `{"port": 8080, "routes": [["host", "/path"]], "check": "/healthz", "body_limit": bytes,
"rate_limit": requests per second, "timeout": seconds, "tunnel_timeout": seconds, "sticky": whether clients
stay with the release that they got, "tester": header by which one chooses a release, "sleeps": whether a
request waits for a task, "hold": for how many seconds}`, all but `port` and `routes` optional.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

EDGE = "horcrux.edge"
# The least that each limit may be, and the most that HAProxy can count (timers end at 24.8 days).
LIMITS = {
    "body_limit": (0, 2**53),
    "rate_limit": (1, 2**31),
    "timeout": (1, 2_147_483),
    "tunnel_timeout": (1, 2_147_483),
    "hold": (1, 3600),
}
SWITCHES = ("sticky", "sleeps")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
PATH = re.compile(r"/[A-Za-z0-9._~%/-]*")
CHECK = re.compile(r"/[!-~]*")
HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,62}")


class BadLabelError(ValueError):
    """A service's labels cannot be used; the message names the service and what is wrong."""


def app_rules(raw: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The rules in a `horcrux.edge` label's JSON; None where there are none that can be used."""
    try:
        return None if raw is None else _checked(raw, BadLabelError)
    except BadLabelError:
        return None


def rules_of(service: Mapping[str, Any]) -> dict[str, Any]:
    """The `horcrux.edge` label, checked to be what the renderer can use."""
    name = service["Spec"]["Name"]

    def bad(what: str) -> BadLabelError:
        return BadLabelError(f"service {name}: label {EDGE}: {what}")

    try:
        raw = json.loads(service["Spec"]["Labels"][EDGE])
    except (ValueError, TypeError, RecursionError) as error:
        raise _not_json(bad, error) from None
    return _checked(raw, bad)


def _not_json(bad: Callable[[str], BadLabelError], error: Exception) -> BadLabelError:
    return bad(f"is not the JSON that the edge reads ({error!r})")


def _checked(raw: Any, bad: Callable[[str], BadLabelError]) -> dict[str, Any]:
    try:
        routes = [(str(host).lower(), str(path)) for host, path in raw["routes"]]
        rules: dict[str, Any] = {
            "port": raw["port"],
            "routes": [(h, _trimmed(p)) for h, p in routes],
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _not_json(bad, error) from None
    if not whole(rules["port"], 1, 65535):
        raise bad(f"{rules['port']!r} is not a port")
    for host, path in rules["routes"]:
        if not HOST.fullmatch(host) or not PATH.fullmatch(path):
            raise bad(f"{host + path!r} is not a route")
    return rules | _limits(raw, bad) | _choices(raw, bad)


def _limits(raw: Any, bad: Callable[[str], BadLabelError]) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    if raw.get("check") is not None:
        if not isinstance(raw["check"], str) or not CHECK.fullmatch(raw["check"]):
            raise bad(f"{raw['check']!r} is not a path to check")
        rules["check"] = raw["check"]
    for key, (least, most) in LIMITS.items():
        if raw.get(key) is not None:
            if not whole(raw[key], least, raw[key]):
                raise bad(f"{key}: {raw[key]!r} is not a whole number from {least} on")
            rules[key] = min(raw[key], most)
    return rules


def _choices(raw: Any, bad: Callable[[str], BadLabelError]) -> dict[str, Any]:
    rules: dict[str, Any] = {}
    if raw.get("tester") is not None:
        if not isinstance(raw["tester"], str) or not HEADER.fullmatch(raw["tester"]):
            raise bad(f"{raw['tester']!r} is not the name of a header")
        rules["tester"] = raw["tester"]
    for key in SWITCHES:
        if raw.get(key) is not None:
            if not isinstance(raw[key], bool):
                raise bad(f"{key}: {raw[key]!r} is not true or false")
            rules[key] = raw[key]
    return rules


def whole(value: Any, low: int, high: int) -> bool:
    """Whether it is a whole number within bounds."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _trimmed(path: str) -> str:
    return "/" + path.strip("/")
