"""An app's releases, each with what it does now: serves, comes, is kept, or was given up. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from horcrux.cluster.walk import Walk
from horcrux.report.units import NOTHING, plain
from horcrux.rollouts.look import share

DIGEST = 12  # characters of a digest that are as good as unique among an app's images


@dataclass(frozen=True)
class Known:
    """What state and cluster tell of an app's releases.

    `tasks`: {SERVICE: {"desired", "healthy"}} of the services that there are.
    """

    history: Sequence[Mapping[str, Any]]
    parked: Sequence[str]
    weights: Mapping[str, int]
    walk: Walk | None
    tasks: Mapping[str, Mapping[str, int]]


def rows(known: Known) -> list[dict[str, Any]]:
    """A row for each release, the newest first; the JSON of `release list`."""
    entries = [dict(entry) for entry in known.history]
    walk = known.walk
    if walk and all(entry["number"] != walk.plan["number"] for entry in entries):
        entries.append(_entry(walk))
    entries.sort(key=lambda entry: int(entry["number"]), reverse=True)
    return [_row(entry, known) for entry in entries]


def doing(row: Mapping[str, Any]) -> str:
    """A row's state for people: `canary 25 %`, `serving 75 %`, `parked`."""
    if row["state"] == "coming":
        return f"{row['strategy']} {row['share']} %"
    return f"serving {row['share']} %" if row["state"] == "serving" else str(row["state"])


def short(image: str) -> str:
    """An image without its registry, and with as much of its digest as tells it apart."""
    name, _, digest = plain(image).partition("@")
    last = name.rpartition("/")[2]
    kind, _, value = digest.partition(":")
    return f"{last}@{value[:DIGEST]}" if kind and ":" not in last else last or NOTHING


def _entry(walk: Walk) -> dict[str, Any]:
    """What the plan tells of a release that the state does not know yet."""
    plan = walk.plan
    return {
        "number": plan["number"],
        "release": plan["release"],
        "service": plan["new"],
        "image": plan.get("image") or "",
        "settings": plan.get("settings") or {},
        "strategy": plan["strategy"],
        "at": plan["began"],
    }


def _row(entry: Mapping[str, Any], known: Known) -> dict[str, Any]:
    service, state = entry["service"], _state(entry, known)
    serves = state in ("current", "serving", "coming")
    walk = known.walk
    given_up = walk if walk and _outcome(entry, walk) else None
    return {
        "number": int(entry["number"]),
        "release": entry["release"],
        "at": entry.get("at"),
        "image": entry["image"],
        "strategy": entry.get("strategy"),
        "service": service,
        "state": state,
        "share": share(known.weights, service) if serves else None,
        "tasks": dict(known.tasks[service]) if serves and service in known.tasks else None,
        "reason": entry.get("reason") or (given_up.reason if given_up else None),
    }


def _state(entry: Mapping[str, Any], known: Known) -> str:
    service, walk, current = entry["service"], known.walk, known.history[0]
    if outcome := entry.get("outcome") or _outcome(entry, walk):
        return str(outcome).replace("-", " ")
    own = walk is not None and walk.plan["number"] == entry["number"]
    under_way = walk is not None and not walk.over
    if own and under_way:
        return "coming"
    if own or entry["number"] == current["number"]:
        serves = "serving" if under_way else "current"
        # A release may have taken over before the state was told.
        return serves if known.weights.get(service) else "not serving"
    if service == current["service"]:
        return f"the same as r{current['number']}"
    return "parked" if service in known.parked else "not kept"


def _outcome(entry: Mapping[str, Any], walk: Walk | None) -> str | None:
    """How the release's own walk ended, when it was given up."""
    if walk is None or walk.plan["number"] != entry["number"] or walk.outcome == "promoted":
        return None
    return walk.outcome
