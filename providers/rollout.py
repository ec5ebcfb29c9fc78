"""A release on its way: healthy first, then traffic, then the old one drained and parked.

One resource per app, and its state is the app's list of releases. `docker.Service`s come and go
around it: a new release's service is made, without tasks, before this resource is updated; Pulumi lets
go of the old one after, and from then on it is this resource's to keep, or to remove. Between two
releases control walks (see horcrux/cluster/walk.py); this resource waits for how that ends. Whatever
interrupts an update, the next one begins again from what the Swarm says.
"""

import json
import time
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers import history
from providers.delegate import Delegate

COMPARED = (
    "service",
    "release",
    "replicas",
    "elastic",
    "routed",
    "labels",
    "keep",
    "access",
    "auth",
)

# What drift is held against; see horcrux/cluster/drift.py.
DECLARED = (
    "environment",
    "app",
    "service",
    "replicas",
    "elastic",
    "strategy",
    "labels",
)


class Rollout(Resource, module="horcrux", name="Rollout"):
    """`number` is the current release's; `history` lists releases, see providers/history.py.

    `parked`: services of releases that are kept to go back to. `spec`: the current service as it was made,
    as JSON.
    """

    number: pulumi.Output[int]
    history: pulumi.Output[list[dict[str, Any]]]
    parked: pulumi.Output[list[str]]
    spec: pulumi.Output[str]

    def __init__(
        self, name: str, plan: dict[str, pulumi.Input[Any]], opts: pulumi.ResourceOptions
    ) -> None:
        """`plan`: environment, app, service, release (hash), image, replicas, elastic (its bounds, or
        None), labels (the service's), routed, strategy, walk (surge, steps, analysis, smoke; JSON: Pulumi
        knows floats only), keep, drain, start_timeout (seconds), settings (the app's, as data),
        access, and auth (to pull images)."""
        props = {**plan, "number": None, "history": None, "parked": None, "spec": None}
        super().__init__(Delegate("providers.rollout"), name, props, opts)
        told = {key: plan[key] for key in DECLARED}
        self.declared = pulumi.Output.all(**told, spec=self.spec, parked=self.parked)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The app's first release, or the first that this state knows of."""
    return props["app"], _released(props, [], {})


def update(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The next release, or the same one with other settings."""
    return _released(new, old.get("history") or [], old)


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether anything that runs, or is remembered, is another; or the cluster is not as it was left."""
    return _declared_otherwise(old, new) or _drifted(old)


def delete(props: dict[str, Any]) -> None:
    """The app goes: no more requests, those under way may finish; then all of its releases."""
    from horcrux.cluster import parking, services, traffic, walk
    from providers.serving import drained

    client = _client(props)
    last = walk.find(client, props["app"])
    if last and not last.over:
        walk.abort(client, props["app"], last, by="pulumi")
    there = services.of_app(client, props["environment"], props["app"])
    if props["routed"]:
        traffic.set_weights(client, props["environment"], props["app"], {})
        traffic.settle(client, float(props["drain"]), drained(there))
    for service in there:
        client.remove_service(service)
    traffic.remove(client, props["app"])
    parking.remove_secrets(client, props["environment"], props["app"])


def _declared_otherwise(old: dict[str, Any], new: dict[str, Any]) -> bool:
    changed = any(old.get(k) != new.get(k) for k in COMPARED)
    return changed or _remembered(old["settings"]) != _remembered(new["settings"])


def _remembered(settings: dict[str, Any]) -> dict[str, Any]:
    """An app's settings but for the way that it is released, which changes nothing that runs."""
    return {k: v for k, v in settings.items() if k != "strategy"}


def _drifted(props: dict[str, Any]) -> bool:
    """An update that was killed, or somebody by hand, may have left something else than what was declared."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from horcrux.cluster import drift, traffic

    try:
        client = _client(props)
        return bool(drift.of_app(client, props))
    except (DockerException, RequestException, traffic.EdgeError, OSError):
        return False  # a cluster that cannot be reached is not repaired by a rollout


def _released(
    plan: dict[str, Any], before: list[dict[str, Any]], old: dict[str, Any]
) -> dict[str, Any]:
    """Lead the app to what the plan says; the outputs."""
    from horcrux.cluster import parking, services, traffic, walk
    from horcrux.docker_api import Access
    from providers.takeover import hold, lead, others_serving

    client = _client(plan)
    last = walk.find(client, plan["app"])
    if last and not last.over and last.plan["new"] != plan["service"]:
        last = walk.abort(client, plan["app"], last, by="pulumi up")
    same = old.get("release") == plan["release"] and old.get("service") == plan["service"]
    # An update that was killed may have led to another release, which serves now.
    known = same and (plan["strategy"] == "recreate" or not others_serving(client, plan))
    if known:
        number = int(before[0]["number"])
        gap = before[0].get("gap")
        hold(client, plan, old, number)
    else:
        number, gap = lead(client, plan, before, last)
    entry = {k: plan[k] for k in history.ENTRY} | {"number": number}
    entry |= {"at": before[0].get("at") if known else time.time(), "gap": gap}
    releases = history.recorded(before, entry, _walked(last))
    parked = history.parked(releases, int(plan["keep"]))
    access = Access.of(plan["access"])
    there = parking.clear(client, access, plan["environment"], plan["app"], plan["service"], parked)
    # The head of the list is the present release, whose number counts where it served before.
    numbers = {e["service"]: int(e["number"]) for e in reversed(releases)}
    named = {service: numbers[service] for service in (plan["service"], *parked)}
    traffic.set_numbers(client, plan["app"], named)
    made = services.existing(client, plan["service"])["Spec"]
    spec = json.dumps({**made, "TaskTemplate": services.template(made)}, sort_keys=True)
    return {
        **plan,
        "number": number,
        "history": releases,
        "parked": there,
        "spec": spec,
    }


def _walked(last: Any) -> dict[str, Any] | None:
    """The list's entry of the release that control led to last, whether it took over or not."""
    if last is None or not last.over:
        return None
    plan = last.plan
    ended = {} if last.outcome == "promoted" else {"outcome": last.outcome, "reason": last.reason}
    return {
        "number": plan["number"],
        "release": plan["release"],
        "service": plan["new"],
        "image": plan["image"],
        "settings": plan["settings"],
        "strategy": plan["strategy"],
        "at": plan["began"],
        **ended,
    }


def _client(props: dict[str, Any]) -> Any:
    from horcrux.docker_api import Access, connect

    return connect(Access.of(props["access"]))
