"""How an environment's apps are: their tasks, the release that is on its way, what is not as declared."""

from collections.abc import Mapping
from typing import Any

import docker

from horcrux.cluster import drift, tasks, traffic, walk
from horcrux.cluster.walk import Walk
from horcrux.context import Outputs
from horcrux.report.units import plain
from horcrux.rollouts import words
from horcrux.rollouts.look import share

Problem = dict[str, str]
Services = Mapping[str, dict[str, Any]]


def of_app(
    name: str, outputs: Outputs, client: docker.APIClient, services: Services
) -> tuple[dict[str, Any], list[Problem]]:
    """One app, and what is wrong with it."""
    release, environment = outputs.release(name), outputs.project.environment
    service = services.get(release["service"])
    healthy = tasks.of_release(client, release["service"], release["release"]) if service else None
    desired = service["Spec"]["Mode"]["Replicated"]["Replicas"] if service else 0
    labels = traffic.labels(client, name)
    walking = walk.of_labels(labels)
    app = {
        "name": name,
        "release": f"r{outputs.values['releases'][name]['number']}",
        "image": release["image"],
        "replicas": {"desired": desired, "healthy": healthy.healthy if healthy else 0},
        "urls": outputs.values["urls"].get(name, []),
        "walk": _walk(walking, traffic.weights_of(labels)),
    }
    if healthy is None:
        remedy = f"pulumi up --refresh -s {environment}"
        return app, [problem(f"app {name}: its service {release['service']} is gone", remedy)]
    problems = []
    if healthy.healthy < desired:
        why = tasks.explain(client, outputs.access, release["service"], healthy)
        what = (
            f"app {name}: {healthy.healthy} of {desired} tasks are healthy; {why.splitlines()[0]}"
        )
        problems.append(problem(what, f"horcrux logs {name}"))
    return app, [*problems, *_drift(name, outputs, client, walking)]


def strays(outputs: Outputs, services: Services) -> list[Problem]:
    """Services of apps that the last update did not declare."""
    remedy = (
        f"wait for an update that is under way, or: pulumi up -s {outputs.project.environment}; "
        "if it stays: docker service rm, on a manager"
    )
    return [
        problem(f"the service {name} is of the app {app}, which is not declared", remedy)
        for name, service in sorted(services.items())
        if (app := (service["Spec"].get("Labels") or {}).get("horcrux.app"))
        and app not in outputs.values["releases"]
    ]


def problem(what: str, remedy: str) -> Problem:
    """Something that is wrong, and what to do."""
    return {"what": what, "remedy": remedy}


def _drift(
    name: str, outputs: Outputs, client: docker.APIClient, walking: Walk | None
) -> list[Problem]:
    """What runs otherwise than it was declared; while a release is on its way, nothing is."""
    told = outputs.values["releases"][name]
    if walking and not walking.over:
        return []
    if walking and all(e["number"] != walking.plan["number"] for e in told["history"]):
        what = f"app {name}: {words.ending(walking)}; the update that began it has not ended"
        remedy = f"wait for it; if it is no more: horcrux release resume {name}"
        return [problem(what, remedy)]
    declared = told.get("declared")  # an older Horcrux did not tell it
    found = drift.of_app(client, declared) if declared else []
    remedy = f"pulumi up -s {outputs.project.environment}"
    return [problem(f"app {name}: {plain(sentence)}", remedy) for sentence in found]


def _walk(walking: Walk | None, weights: Mapping[str, int]) -> dict[str, Any] | None:
    if walking is None or walking.over:
        return None
    plan, progress = walking.plan, walking.progress
    percent = share(weights, plan["new"])
    return {
        "release": words.number(walking),
        "before": words.old_number(walking),
        "strategy": plan["strategy"],
        "weight": percent,
        "step": int(progress.get("step") or 0) + 1,
        "steps": len(plan.get("steps") or ()) or None,
        "phase": progress.get("phase"),
        "paused": bool(progress.get("paused")),
        "since": plan["began"],
        "text": words.brief(walking, percent),
    }
