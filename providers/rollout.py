"""A release on its way: healthy first, then traffic, then the old one drained.

One resource per app, and its state is the app's list of releases. `docker.Service`s come and go
around it: a new release's service is made before this resource is updated, the old one's is removed
after. Whatever interrupts an update, the next one begins again from what the Swarm says.
"""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

KEPT = 10  # releases that `horcrux rollback` can go back to
FAILURES = 3  # tasks that may fail in a row before a release is given up: one may be bad luck
EDGE_SECONDS = 60  # edges follow within two seconds; a host that boots takes half a minute
ROLLBACK_SECONDS = 120
POLL_SECONDS = 0.25
COMPARED = ("service", "release", "replicas", "routed", "access", "settings")


class Rollout(Resource, module="horcrux", name="Rollout"):
    """`number` is the current release's; `history` lists releases, the newest first."""

    number: pulumi.Output[int]
    history: pulumi.Output[list[dict[str, Any]]]

    def __init__(
        self, name: str, plan: dict[str, pulumi.Input[Any]], opts: pulumi.ResourceOptions
    ) -> None:
        """`plan`: environment, app, service, release (hash), image, replicas, routed, strategy, drain,
        start_timeout (seconds), settings (the app's, as data) and access."""
        props = {**plan, "number": None, "history": None}
        super().__init__(Delegate("providers.rollout"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The app's first release."""
    _roll(props, _number(props, []), known=False)
    return props["app"], _recorded(props, [])


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether anything that runs, or is remembered, is another; or an update was left half done."""
    return _declared_otherwise(old, new) or _left_half_done(old)


def _left_half_done(props: dict[str, Any]) -> bool:
    """An update that was killed, or failed, may have left traffic or tasks with another release."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from horcrux.cluster import services, traffic

    try:
        client = _client(props)
        parked = props["replicas"] and not services.replicas(client, props["service"])
        there = traffic.weights(client, props["app"]) if props["routed"] else {}
        return bool(parked or (props["routed"] and list(there) != [props["service"]]))
    except (DockerException, RequestException, traffic.EdgeError, OSError):
        return False  # a cluster that cannot be reached is not repaired by a rollout


def _declared_otherwise(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Whether anything that runs, or is remembered, is another."""
    return any(old.get(k) != new.get(k) for k in COMPARED)


def update(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The next release, or the same one with other settings."""
    history = old.get("history") or []
    _roll(new, _number(new, history), known=old.get("release") == new["release"])
    return _recorded(new, history)


def delete(props: dict[str, Any]) -> None:
    """The app goes: no more requests, those under way may finish."""
    from horcrux.cluster import traffic

    client = _client(props)
    if props["routed"]:
        traffic.set_weights(client, props["environment"], props["app"], {})
        traffic.settle(client, float(props["drain"]), _drained(set(), props["service"]))
    traffic.remove(client, props["app"])


def _recorded(props: dict[str, Any], history: list[dict[str, Any]]) -> dict[str, Any]:
    """The outputs: the same release, described anew, or one more."""
    number = _number(props, history)
    entry = {k: props[k] for k in ("release", "service", "image", "settings")}
    former = [h for h in history if int(h["number"]) != number]
    return {**props, "number": number, "history": [{"number": number, **entry}, *former][:KEPT]}


def _number(props: dict[str, Any], history: list[dict[str, Any]]) -> int:
    """A release gets a number when it is another than the one before."""
    if not history:
        return 1
    same = history[0]["release"] == props["release"]
    return int(history[0]["number"]) + (0 if same else 1)


def _roll(plan: dict[str, Any], number: int, *, known: bool) -> None:
    """`known`: this release serves already; what changes is its scale or the rules around it."""
    from horcrux.cluster import traffic

    client = _client(plan)
    before: dict[str, int] = {}
    _started(client, plan)
    try:
        _healthy(client, plan, known)
        if plan["routed"]:
            before = _shift(client, plan, number)
        else:  # no edge looks at it; it tells which release is current
            share = {plan["service"]: 100}
            traffic.set_weights(
                client, plan["environment"], plan["app"], share, {plan["service"]: number}
            )
    except Exception:
        if not known:  # there is nothing to go back to, and its tasks serve
            _put_back(client, plan)
        raise
    if before:
        traffic.set_weights(client, plan["environment"], plan["app"], {plan["service"]: 100})
        traffic.settle(client, EDGE_SECONDS)


def _started(client: Any, plan: dict[str, Any]) -> None:
    """What a failed attempt put back or parked at zero tasks is put forward again."""
    from horcrux.cluster import services

    services.return_to(client, plan["service"], plan["release"])
    services.scale(client, plan["service"], int(plan["replicas"]))


def _healthy(client: Any, plan: dict[str, Any], known: bool) -> None:
    import time

    from horcrux.cluster import tasks
    from horcrux.docker_api import Access

    wanted, limit = int(plan["replicas"]), float(plan["start_timeout"])
    former = {t["ID"] for t in tasks.of_release(client, plan["service"], plan["release"]).failed}
    deadline = time.monotonic() + limit
    while True:
        found = tasks.of_release(client, plan["service"], plan["release"])
        if found.healthy >= wanted:
            return
        new_failures = [t for t in found.failed if t["ID"] not in former]
        late = time.monotonic() > deadline
        if len(new_failures) >= FAILURES or late:
            reason = (
                f"is not healthy after {limit:.0f} s"
                if late
                else f"failed {len(new_failures)} times"
            )
            why = tasks.explain(client, Access.of(plan["access"]), plan["service"], found)
            raise RuntimeError(
                f"{plan['app']}: release {plan['release']} {reason}\n{why}\n{_consequence(plan, known)}"
            )
        time.sleep(POLL_SECONDS)


def _consequence(plan: dict[str, Any], known: bool) -> str:
    serving = "Its healthy tasks still serve" if known else "What ran before, if anything, serves"
    return f"{serving}. Mend apps.{plan['app']} and run `pulumi up` again."


def _shift(client: Any, plan: dict[str, Any], number: int) -> dict[str, int]:
    """Requests go to the new release once every edge finds it well; then the old ones are drained.

    The old ones are returned. An attempt that was interrupted after the new one got its requests
    must not take them away again.
    """
    from horcrux.cluster import traffic

    environment, app, service = plan["environment"], plan["app"], plan["service"]
    now = traffic.weights(client, app)
    before = {s: w for s, w in now.items() if s != service}
    start = now.get(service, 0) if before else 100
    traffic.set_weights(client, environment, app, {**before, service: start}, {service: number})
    wanted = int(plan["replicas"])

    def well(edges: dict[str, dict[str, Any]]) -> bool:
        return all(e["releases"].get(service, {}).get("up", 0) >= wanted for e in edges.values())

    if not traffic.settle(client, EDGE_SECONDS, well):
        raise traffic.EdgeError(
            f"{app}: its tasks are healthy, but the edges' own check (health.http, port) fails: "
            f"compare apps.{app}.port and apps.{app}.health with what the app listens on"
        )
    if before:
        traffic.set_weights(client, environment, app, {**dict.fromkeys(before, 0), service: 100})
        traffic.settle(client, float(plan["drain"]), _drained(set(before), service))
    return before


def _drained(old: set[str], current: str) -> Any:
    """Whether no request is under way at the old releases (all but the current one, when none is named)."""

    def drained(edges: dict[str, dict[str, Any]]) -> bool:
        names = old or {current}
        return all(
            e["releases"].get(n, {}).get("sessions", 0) == 0 for e in edges.values() for n in names
        )

    return drained


def _put_back(client: Any, plan: dict[str, Any]) -> None:
    """A release that failed gets no requests and no tasks; the one before carries on."""
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    from horcrux.cluster import services, traffic

    try:
        if plan["strategy"] == "recreate":
            services.roll_back(client, plan["service"])
            return
        others = {
            s: w for s, w in traffic.weights(client, plan["app"]).items() if s != plan["service"]
        }
        if others:
            traffic.set_weights(
                client, plan["environment"], plan["app"], dict.fromkeys(others, 100)
            )
        services.scale(client, plan["service"], 0)
    except (DockerException, RequestException, RuntimeError) as error:
        import sys

        print(f"{plan['app']}: could not be put back: {error}", file=sys.stderr)


def _client(props: dict[str, Any]) -> Any:
    from horcrux.docker_api import Access, connect

    return connect(Access.of(props["access"]))
