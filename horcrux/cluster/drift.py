"""What runs of an app, held against what was declared at its last update."""

import json
from typing import Any

import docker

from horcrux.cluster import services, traffic, walk


def of_app(client: docker.APIClient, declared: dict[str, Any]) -> list[str]:
    """A sentence for each difference, or that a walk is under way; `declared`: a Rollout's properties."""
    app, service = declared["app"], declared["service"]
    found = services.of_app(client, declared["environment"], app)
    labels = traffic.labels(client, app)
    walking = walk.of_labels(labels)
    if walking and not walking.over:
        return [f"r{walking.plan['number']} is on its way"]
    if service not in found:
        return [f"its service {service} is gone"]
    told = []
    shares = {s: w for s, w in traffic.weights_of(labels).items() if w}
    if set(shares) != {service}:
        listed = ", ".join(sorted(shares)) or "nobody"
        told.append(f"requests go to {listed}, not to {service}")
    told += _scale(declared, found[service])
    spec = declared.get("spec")
    recreated = declared["strategy"] == "recreate"
    made = json.loads(spec)["TaskTemplate"] if spec else None
    if made and not recreated and services.template(found[service]["Spec"]) != made:
        told.append(f"the specification of {service} was changed")
    if (found[service]["Spec"].get("Labels") or {}) != declared["labels"]:
        told.append(f"the labels of {service} were changed")
    kept = {service, *(declared.get("parked") or ())}
    told += [f"{name} is no release that is kept" for name in sorted(found.keys() - kept)]
    told += [
        f"{name}, which is kept, has tasks"
        for name in sorted(found.keys() & kept - {service})
        if services.wanted_tasks(found[name])
    ]
    return told


def _scale(declared: dict[str, Any], service: dict[str, Any]) -> list[str]:
    now, elastic = services.wanted_tasks(service), declared.get("elastic")
    if elastic:
        least = 0 if elastic["sleeps"] else int(elastic["min"])
        if not least <= now <= int(elastic["max"]):
            return [f"{now} tasks are wanted, outside {least} to {int(elastic['max'])}"]
    elif now != int(declared["replicas"]):
        return [f"{now} tasks are wanted, not {int(declared['replicas'])}"]
    return []
