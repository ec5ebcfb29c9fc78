"""What an edge must know of one app, read from the labels of its services.

A service takes part when it carries `horcrux.app` and `horcrux.edge` (see edge_label.py). Which of an app's
services are in play stands in the Swarm config `horcrux-traffic-APP`, label `horcrux.weights`:
`{"SERVICE": weight}`, weights 0-10000; a release's share is its part of their sum. A service that is not a
release (no label `horcrux.release`) needs no such config: the newest one gets all.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from control.edge_label import EDGE, BadLabelError, rules_of, whole
from control.elastic.policy import PolicyError, read
from control.rollouts.walk import walk_of

APP, RELEASE = "horcrux.app", "horcrux.release"
PAGE = "horcrux.page"  # in place of the app: a page of the platform's own, such as the portal
WEIGHTS, ELASTIC = "horcrux.weights", "horcrux.elastic"
TRAFFIC_PREFIX = "horcrux-traffic-"
FULL_WEIGHT = 100
MOST_WEIGHT = 10_000  # so that a share can be told to a hundredth of a percent
HOLD_SECONDS = 30  # for which a request waits for an app that sleeps; a task starts in some seconds
FEWEST_SLOTS = 4
ON_EVERY_MANAGER = 7  # the most that there are: the one routed service without a number is control
MOST_SLOTS = 1024  # HAProxy's start grows with the square: 1,024 cost nothing, 100,000 five minutes
OF_RELEASE = ("port", "routes", "check", "tester")  # not of the whole app; routes are put together
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


@dataclass(frozen=True)
class Release:
    """One service that is in play: its tasks are checked, and requests may go to it."""

    service: str
    port: int
    weight: int
    slots: int  # how many tasks the edge has room for before it must reload
    check: str | None = None
    tester: str | None = None


@dataclass(frozen=True)
class Backend:
    """An app at the edge: where its requests come from, go to, and what is allowed.

    `releases`: in the order in which they came. `main`: the one that serves those who are in no experiment.
    """

    app: str
    routes: tuple[tuple[str, str], ...]
    releases: tuple[Release, ...]
    main: str
    body_limit: int | None = None
    rate_limit: int | None = None
    timeout: int = 60
    tunnel_timeout: int = 3600
    sticky: bool = False
    sleeps: bool = False
    hold: int = HOLD_SECONDS


def backends(
    services: Sequence[Mapping[str, Any]], configs: Sequence[Mapping[str, Any]]
) -> tuple[list[Backend], list[str]]:
    """The backends, sorted by app, and a sentence for each service that had to be left out.

    `services` and `configs` are what the Docker API lists.
    """
    weights, problems = _weights(configs)
    coming = _coming(configs)
    apps: dict[str, list[tuple[Mapping[str, Any], dict[str, Any]]]] = {}
    for service in sorted(services, key=lambda s: str(s.get("CreatedAt", "")), reverse=True):
        labels = service["Spec"].get("Labels") or {}
        name = labels.get(APP, labels.get(PAGE))
        if name is None or EDGE not in labels:
            continue
        try:
            app, rules = _app(service, name), rules_of(service)
        except BadLabelError as error:
            problems.append(str(error))
            continue
        apps.setdefault(app, []).append((service, rules))
    found: list[Backend] = []
    taken: dict[tuple[str, str], str] = {}
    for app in sorted(apps):
        backend = _backend(app, apps[app], weights.get(app), coming.get(app))
        routes = tuple(r for r in backend.routes if taken.setdefault(r, app) == app)
        problems += [
            f"{app}: {host}{path} is a route of {taken[host, path]} already; it stays there"
            for host, path in backend.routes
            if (host, path) not in routes
        ]
        found.append(Backend(**{**backend.__dict__, "routes": routes}))
    return found, problems


def _backend(
    app: str,
    candidates: list[tuple[Mapping[str, Any], dict[str, Any]]],
    weights: dict[str, int] | None,
    coming: str | None,
) -> Backend:
    newest = candidates[0][0]["Spec"]["Name"]
    plain = [s["Spec"]["Name"] for s, _ in candidates if RELEASE not in s["Spec"]["Labels"]]
    chosen = weights if weights is not None else dict.fromkeys(plain[:1], FULL_WEIGHT)
    in_order = [*reversed(candidates)]
    # One that was parked and comes again is older than the one it takes over from.
    in_order.sort(key=lambda c: c[0]["Spec"]["Name"] == coming)
    playing = [(s, rules) for s, rules in in_order if s["Spec"]["Name"] in chosen]
    slots = max((_slots(service) for service, _ in playing), default=FEWEST_SLOTS)
    releases = [
        Release(
            service["Spec"]["Name"],
            rules["port"],
            chosen[service["Spec"]["Name"]],
            slots,
            rules.get("check"),
            rules.get("tester"),
        )
        for service, rules in playing
    ]
    weighty = [r.service for r in releases if r.weight]
    main = weighty[0] if weighty else releases[-1].service if releases else newest
    rules = next(rules for service, rules in candidates if service["Spec"]["Name"] == main)
    told = {k: v for k, v in rules.items() if k not in OF_RELEASE}
    return Backend(app, tuple(sorted(set(rules["routes"]))), tuple(releases), main, **told)


def _slots(service: Mapping[str, Any]) -> int:
    """Room for twice the tasks, in powers of two, so that small changes of scale reload nothing.

    An elastic app has as much as it may ever need: a reload takes the counters that it is scaled by.
    """
    mode = service["Spec"].get("Mode", {})
    replicas = mode.get("Replicated", {}).get(
        "Replicas", ON_EVERY_MANAGER if "Global" in mode else 1
    )
    slots = FEWEST_SLOTS
    while slots < min(max(2 * replicas, _most(service)), MOST_SLOTS):
        slots *= 2
    return slots


def _most(service: Mapping[str, Any]) -> int:
    """How many tasks the service may be given for its load."""
    try:
        policy = read(json.loads(service["Spec"]["Labels"].get(ELASTIC, "null")))
    except (PolicyError, ValueError, OverflowError, RecursionError):
        return 0
    return max([policy.max, *(entry.max or 0 for entry in policy.schedule)])


def _app(service: Mapping[str, Any], app: str) -> str:
    name = service["Spec"]["Name"]
    for value in (name, app):
        if not NAME.fullmatch(value):
            raise BadLabelError(f"service {name!r}: {value!r} cannot be a name at the edge")
    return app


def _weights(configs: Sequence[Mapping[str, Any]]) -> tuple[dict[str, dict[str, int]], list[str]]:
    weights: dict[str, dict[str, int]] = {}
    problems: list[str] = []
    for config in configs:
        name = config["Spec"]["Name"]
        if not name.startswith(TRAFFIC_PREFIX):
            continue
        try:
            raw = json.loads(config["Spec"]["Labels"][WEIGHTS])
            if not all(whole(w, 0, MOST_WEIGHT) for w in raw.values()):
                raise ValueError("weights are whole numbers from 0 to 10000")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            problems.append(f"config {name}: label {WEIGHTS} cannot be read ({error!r})")
            continue
        weights[name.removeprefix(TRAFFIC_PREFIX)] = raw
    return weights, problems


def _coming(configs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The release that each app's walk leads to."""
    found = {c["Spec"]["Name"]: walk_of(c["Spec"].get("Labels") or {}) for c in configs}
    return {
        name.removeprefix(TRAFFIC_PREFIX): walk.plan.new
        for name, walk in found.items()
        if walk and name.startswith(TRAFFIC_PREFIX)
    }
