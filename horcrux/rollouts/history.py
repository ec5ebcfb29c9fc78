"""An app's releases as the state remembers them: which one to go back to, and what that would set. Pure."""

from collections.abc import Sequence
from typing import Any

from horcrux.exits import Exit, HorcruxError
from horcrux.settings import App

# How the next release is made is no part of an earlier one.
RELEASING = ("strategy", "surge", "smoke", "canary", "keep")
Entry = dict[str, Any]


def named(app: str, history: Sequence[Entry], release: str) -> Entry:
    """The release that people call rN. Raises HorcruxError."""
    for entry in history:
        if f"r{entry['number']}" == release:
            return entry
    there = ", ".join(f"r{entry['number']}" for entry in history) or "none"
    raise HorcruxError(f"{app} has no release {release}; there are: {there}", Exit.USAGE)


def earlier(app: str, history: Sequence[Entry], release: str | None) -> Entry:
    """The release to go back to; default: the last one that served before this one. Raises HorcruxError."""
    if release is None:
        served = [entry for entry in history[1:] if not entry.get("outcome")]
        if not served:
            raise HorcruxError(f"{app} has had one release only", Exit.USAGE)
        return served[0]
    entry = named(app, history, release)
    if entry.get("outcome"):
        raise HorcruxError(
            f"{app} {release} never served: {entry.get('reason') or entry['outcome']}; "
            "to try it once more: horcrux deploy",
            Exit.USAGE,
        )
    return entry


def as_settings(entry: Entry, now: App) -> dict[str, Any]:
    """What the stack file must say of the app for this release to run; `now`: what it says."""
    kept = {k: v for k, v in entry["settings"].items() if k not in RELEASING}
    declared = now.model_dump(mode="json", exclude_defaults=True, include=set(RELEASING))
    return {**kept, **declared, "image": entry["image"]}
