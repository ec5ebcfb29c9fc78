"""`deploy` and its older forms → replicas, limits, reserve, placement."""

import re
from typing import Any

from horcrux.compose_import.context import Context
from horcrux.compose_import.draft import Draft
from horcrux.compose_import.values import listed, mapping, number, scalar, size_in_bytes
from horcrux.settings import App
from horcrux.settings.environment import Settings
from horcrux.settings.fields import NAME, shown_size

MOST_REPLICAS = 500  # what the settings take at most
LEAST_MEMORY = 4 << 20  # likewise
HOST = re.compile(r"(manager|worker)-[1-9][0-9]*")
CONSTRAINT = re.compile(r"node\.(hostname|labels\.(?P<label>[^\s=!]+))\s*==\s*(?P<value>\S+)")
LIMITS = App.model_fields["limits"].default
RESERVE = App.model_fields["reserve"].default
HOST_MEMORY = Settings().hosts.memory


def add_deploy(draft: Draft, service: dict[str, Any], context: Context) -> None:
    """How many tasks, how large, and where."""
    path = f"{draft.path}.deploy"
    deploy = mapping(service.get("deploy"), path)
    for value, where in (
        (service.get("scale"), f"{draft.path}.scale"),
        (deploy.get("replicas"), f"{path}.replicas"),
    ):
        if value is not None:
            draft.app["replicas"] = min(int(number(value, where)), MOST_REPLICAS)
    if deploy.get("mode") == "global":
        what = "one task on every host is not to be had"
        context.notes.add(f"{path}.mode", f"{what}; set apps.{draft.name}.replicas")
    _add_resources(draft, service, mapping(deploy.get("resources"), f"{path}.resources"), context)
    _add_placement(draft, mapping(deploy.get("placement"), f"{path}.placement"), context)


def _add_resources(
    draft: Draft, service: dict[str, Any], resources: dict[str, Any], context: Context
) -> None:
    path = f"{draft.path}.deploy.resources"
    limits = _amounts(service, draft.path, cpus="cpus", memory="mem_limit")
    limits |= _amounts(mapping(resources.get("limits"), f"{path}.limits"), f"{path}.limits")
    reserve = _amounts(service, draft.path, cpus="", memory="mem_reservation")
    given = mapping(resources.get("reservations"), f"{path}.reservations")
    reserve |= _amounts(given, f"{path}.reservations")
    if not limits and not reserve:
        return
    at_most = {key: limits.get(key, getattr(LIMITS, key)) for key in ("cpus", "memory")}
    sure = {key: reserve.get(key, getattr(RESERVE, key)) for key in ("cpus", "memory")}
    for key, amount in at_most.items():
        if key in limits and key not in reserve:
            sure[key] = min(sure[key], amount)
        elif sure[key] > amount:
            at_most[key] = sure[key]
            what = f"apps.{draft.name}.limits.{key} is as much, for it cannot be less"
            context.notes.add(f"{path}.reservations", what)
    if at_most["memory"] > HOST_MEMORY:
        what = f"is more than the {shown_size(HOST_MEMORY)} of a host; raise hosts.memory"
        context.notes.add(f"{path}.limits.memory", what)
    draft.app["limits"] = _shown(at_most)
    if sure != {"cpus": RESERVE.cpus, "memory": RESERVE.memory}:
        draft.app["reserve"] = _shown(sure)


def _amounts(
    given: dict[str, Any], path: str, cpus: str = "cpus", memory: str = "memory"
) -> dict[str, Any]:
    """cpus and memory as far as they are given under these keys; 0 means no limit to Compose."""
    found: dict[str, Any] = {}
    if given.get(cpus) is not None:
        found["cpus"] = number(given[cpus], f"{path}.{cpus}")
    if given.get(memory) is not None:
        amount = size_in_bytes(given[memory], f"{path}.{memory}")
        found["memory"] = max(amount, LEAST_MEMORY) if amount else 0
    return {key: amount for key, amount in found.items() if amount}


def _shown(amounts: dict[str, Any]) -> dict[str, Any]:
    return {"cpus": amounts["cpus"], "memory": shown_size(amounts["memory"])}


def _add_placement(draft: Draft, placement: dict[str, Any], context: Context) -> None:
    path = f"{draft.path}.deploy.placement"
    place: dict[str, Any] = {}
    for i, item in enumerate(listed(placement.get("constraints"), f"{path}.constraints")):
        where = f"{path}.constraints[{i}]"
        text = scalar(item, where)
        found = CONSTRAINT.fullmatch(text.strip())
        if found and found["label"] and NAME.fullmatch(found["label"]):
            place.setdefault("labels", {})[found["label"]] = found["value"]
            what = (
                f"needs a host with the label {found['label']}={found['value']}; set hosts.labels"
            )
        elif found and not found["label"] and HOST.fullmatch(found["value"]):
            place["host"] = found["value"]
            what = f"needs a host {found['value']}; see hosts.managers and hosts.workers"
        else:
            what = (
                f"{text!r} cannot be said; hosts are called manager-1, worker-1 and so on: "
                f"set apps.{draft.name}.placement"
            )
        context.notes.add(where, what)
    if placement.get("preferences"):
        context.notes.add(f"{path}.preferences", "is not carried over; tasks are spread anyway")
    if place:
        draft.app["placement"] = place
