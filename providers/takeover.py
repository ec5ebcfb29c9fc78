"""How an app's next release takes over, and how the present one is held to what was declared."""

import json
import sys
from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from horcrux.cluster import gap, services, traffic, walk
from horcrux.cluster.walk import Walk
from providers import history
from providers.prefetch import prefetched
from providers.serving import EDGE_SECONDS, Trouble, consequence, healthy, serve


def lead(
    client: docker.APIClient, plan: dict[str, Any], before: list[dict[str, Any]], last: Walk | None
) -> tuple[int, float | None]:
    """From the release that serves, if one does, to the plan's; its number, and seconds without any."""
    app, service = plan["app"], plan["service"]
    number = history.next_number(before, last.plan if last else None)
    prefetched(client, plan)
    if plan["strategy"] == "recreate":
        return number, _begin(client, plan, number)
    services.existing(client, service)
    walked = last if last and last.plan["new"] == service else None
    under_way = walked if walked and not walked.over else None
    serving = others_serving(client, plan)
    if under_way is None and serving:
        _renewed(client, plan)  # an earlier attempt may have made it with other labels
        under_way = walk.begin(client, app, _asked(client, plan, number, serving))
    if under_way:
        _end(client, plan, under_way)
        number = int(under_way.plan["number"])
    elif walked and walked.outcome == "promoted":  # the update was killed after that
        number = int(walked.plan["number"])
    elif not traffic.weights(client, app).get(service):
        return number, _begin(client, plan, number)
    hold(client, plan, {}, number)
    return number, None


def others_serving(client: docker.APIClient, plan: dict[str, Any]) -> dict[str, int]:
    """The app's other services that requests go to, with their weights."""
    weights = traffic.weights(client, plan["app"])
    return {
        s: w for s, w in weights.items() if s != plan["service"] and w and services.find(client, s)
    }


def _renewed(client: docker.APIClient, plan: dict[str, Any]) -> None:
    """What of a service is not its tasks': as it is declared now."""
    services.relabel(client, plan["service"], plan["labels"])
    services.authorize(client, plan["service"], plan["auth"])


def _asked(
    client: docker.APIClient, plan: dict[str, Any], number: int, serving: dict[str, int]
) -> dict[str, Any]:
    """What control is asked to do. An old release that sleeps is woken: it is to be compared with."""
    old = max(serving, key=lambda s: serving[s])
    if not services.replicas(client, old):
        services.scale(client, old, _wanted(plan, 0))
    return {
        **json.loads(plan["walk"]),
        "strategy": plan["strategy"],
        "new": plan["service"],
        "release": plan["release"],
        "image": plan["image"],
        "settings": plan["settings"],
        "number": number,
        "old": old,
        "old_number": traffic.numbers(client, plan["app"]).get(old),
        "replicas": _wanted(plan, services.replicas(client, old)),
        "routed": plan["routed"],
        "drain": int(plan["drain"]),
        "start_timeout": int(plan["start_timeout"]),
    }


def _end(client: docker.APIClient, plan: dict[str, Any], walking: Walk) -> None:
    """Wait until control has led from the old release to the new one; raises what the user is to be told."""
    app, number = plan["app"], walking.plan["number"]
    trouble = Trouble(client, plan)
    walking = walk.await_end(client, app, walking, trouble.look)
    if walking.outcome == "rolled-back":
        raise RuntimeError(
            f"{app}: r{number} was rolled back: {walking.reason}\nr{walking.plan['old_number']} serves. "
            f"Mend apps.{app}, or take the change back, and run `pulumi up` again."
        )
    if walking.outcome == "failed":
        raise RuntimeError(
            f"{app}: release {plan['release']} {walking.reason}\n{trouble.told}\n"
            f"{consequence(plan, known=False)}"
        )


def _wanted(plan: dict[str, Any], now: int) -> int:
    """How many tasks the app is to have, which has `now`."""
    elastic = plan.get("elastic")
    if not elastic:
        return int(plan["replicas"])
    return min(max(now, int(elastic["min"])), int(elastic["max"]))


def _begin(client: docker.APIClient, plan: dict[str, Any], number: int) -> float | None:
    """A release with none before it, or in its place: started, healthy, and given all requests."""
    services.return_to(client, plan["service"], plan["release"])
    before = traffic.weights(client, plan["app"])
    now = services.replicas(client, plan["service"])
    services.scale(client, plan["service"], _wanted(plan, now))
    try:
        healthy(client, plan, known=False)
        serve(client, plan, number)
    except Exception:
        _put_back(client, plan, before)
        raise
    traffic.set_weights(
        client, plan["environment"], plan["app"], {plan["service"]: 100}, {plan["service"]: number}
    )
    recreated = plan["strategy"] == "recreate"
    return gap.of_release(client, plan["service"], plan["release"]) if recreated else None


def hold(client: docker.APIClient, plan: dict[str, Any], old: dict[str, Any], number: int) -> None:
    """The release that serves, as it was made and as it is declared now: nothing is begun anew.

    `old`: what the state knows of it, if it does.
    """
    service = plan["service"]
    if old.get("spec") and plan["strategy"] != "recreate":
        made = json.loads(old["spec"])
        services.restore(client, {**made, "Labels": plan["labels"]}, plan["auth"])
    services.existing(client, service)
    services.relabel(client, service, plan["labels"])
    if old.get("auth") != plan["auth"]:
        services.authorize(client, service, plan["auth"])
    now = services.replicas(client, service)
    asleep = (plan.get("elastic") or {}).get("sleeps") and now == 0
    if not asleep:
        services.scale(client, service, _wanted(plan, now))
        healthy(client, plan, known=True)
        serve(client, plan, number)
    if traffic.weights(client, plan["app"]) != {service: 100}:
        share = {service: 100}
        traffic.set_weights(client, plan["environment"], plan["app"], share, {service: number})
        if plan["routed"]:
            traffic.settle(client, EDGE_SECONDS)


def _put_back(client: docker.APIClient, plan: dict[str, Any], before: dict[str, int]) -> None:
    """A release that failed gets no tasks, or is changed back; requests go where they went `before`."""
    service = plan["service"]
    try:
        if plan["strategy"] == "recreate" and services.has_before(client, service):
            services.roll_back(client, service)
            return
        services.scale(client, service, 0)
        if before and before != traffic.weights(client, plan["app"]):
            traffic.set_weights(client, plan["environment"], plan["app"], before)
    except (DockerException, RequestException, RuntimeError) as error:
        print(f"{plan['app']}: could not be put back: {error}", file=sys.stderr)
