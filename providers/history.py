"""An app's list of releases: their numbers, and which of them can be gone back to. Pure.

The newest first, but the one that serves always at the head. An entry that was never promoted carries
`outcome` and `reason`.
"""

from collections.abc import Sequence
from typing import Any

KEPT = 10  # releases that are remembered
GIVEN_UP = 5  # beside them, releases that were tried and did not take over
ENTRY = ("release", "service", "image", "settings", "strategy")
Entry = dict[str, Any]


def next_number(history: Sequence[Entry], walk: dict[str, Any] | None) -> int:
    """The number of the next release; `walk`: the plan of the last one, which may have failed unrecorded."""
    known = [int(entry["number"]) for entry in history]
    if walk:
        known.append(int(walk["number"]))
    return max(known, default=0) + 1


def recorded(history: Sequence[Entry], entry: Entry, failed: Entry | None = None) -> list[Entry]:
    """The list with `entry` at its head, and what was tried and given up before it."""
    number = int(entry["number"])
    others = {int(e["number"]): e for e in [*history, *([failed] if failed else [])]}
    others.pop(number, None)
    rest = [others[n] for n in sorted(others, reverse=True)]
    good = [e for e in rest if not e.get("outcome")][: KEPT - 1]
    bad = [e for e in rest if e.get("outcome")][:GIVEN_UP]
    return [entry, *(e for e in rest if e in good or e in bad)]


def parked(history: Sequence[Entry], keep: int) -> list[str]:
    """The services of the last `keep` releases that served before the present one."""
    current = history[0]["service"]
    good = [e["service"] for e in history[1:] if not e.get("outcome") and e["service"] != current]
    return list(dict.fromkeys(good))[:keep]
