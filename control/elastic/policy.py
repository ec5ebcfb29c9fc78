"""By what rules an app gets more or fewer tasks: the label `horcrux.elastic` of its service, read.

`{"min": 1, "max": 10, "target": {"requests_per_second": 50}, "scale_to_zero": seconds or null,
"cooldown": 60, "schedule": [{"at": "08:30", "days": ["mon"] or null, "min": 4, "max": 12 or null}],
"timezone": "Europe/Berlin"}`. What it may hold is checked where settings are; here it is only read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

Kind = Literal["requests_per_second", "cpu", "latency_p95", "queue"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
COOLDOWN_SECONDS = 60.0


@dataclass(frozen=True)
class Entry:
    """Other bounds from a time of day on, `at` in minutes since midnight, on some days (0: Monday)."""

    at: int
    days: tuple[int, ...]
    min: int
    max: int | None = None


@dataclass(frozen=True)
class Policy:
    """`kind` and `target`: what is held for each task; times are in seconds."""

    min: int
    max: int
    kind: Kind
    target: float
    scale_to_zero: float | None = None
    cooldown: float = COOLDOWN_SECONDS
    schedule: tuple[Entry, ...] = ()
    timezone: str = "UTC"


class PolicyError(ValueError):
    """A label cannot be used; the message says what is wrong with it."""


def read(raw: Mapping[str, Any]) -> Policy:
    """The label's JSON as a policy. Raises PolicyError."""
    try:
        kind, target = _target(raw["target"])
        sleeps = raw.get("scale_to_zero")
        return Policy(
            int(raw.get("min", 1)),
            int(raw["max"]),
            kind,
            target,
            None if sleeps is None else float(sleeps),
            float(raw.get("cooldown", COOLDOWN_SECONDS)),
            tuple(_entry(entry) for entry in raw.get("schedule") or ()),
            ZoneInfo(raw.get("timezone") or "UTC").key,
        )
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise PolicyError(f"cannot be used ({error!r}); write it by apps.APP.elastic") from None


def _target(raw: Mapping[str, Any]) -> tuple[Kind, float]:
    """Raises ValueError unless there is exactly one that is known, and above 0."""
    named = [kind for kind in KINDS if raw.get(kind) is not None]
    if len(named) != 1:
        raise ValueError(f"target: {dict(raw)!r} is not exactly one of {', '.join(KINDS)}")
    value = float(raw[named[0]])
    if not value > 0:
        raise ValueError(f"target: {named[0]} of {value} is not above 0")
    return named[0], value


def _entry(raw: Mapping[str, Any]) -> Entry:
    hour, _, minute = str(raw["at"]).partition(":")
    days = tuple(DAYS.index(day) for day in raw.get("days") or DAYS)
    most = raw.get("max")
    return Entry(
        int(hour) * 60 + int(minute), days, int(raw["min"]), None if most is None else int(most)
    )
