"""Health: the edge sends requests only where it is known that they are answered."""

import json
from collections.abc import Iterator

from policies.known import UNKNOWN, Value, at, items
from policies.rule import Rule
from policies.views import SERVICE, Resource


def check(resource: Resource) -> Iterator[str]:
    """A service with routes is checked by Docker, by the edge, or by both."""
    edge = resource.label("edge")
    health = at(resource.container, "healthcheck")
    if edge is None or UNKNOWN in (edge, health, at(health, "tests")):
        return
    if not _checks(health) and not _checked_by_edge(edge):
        yield (
            f"{resource.title} has routes but no health check: the edge would send requests to "
            "tasks that cannot answer, and a broken release would go live; set "
            f"{resource.setting('health.http', 'a health check where it is declared')}"
        )


def _checks(health: Value) -> bool:
    """Whether Docker runs a test. ["NONE"] switches the image's own off."""
    tests = items(health, "tests")
    return bool(tests) and tests[0] != "NONE"


def _checked_by_edge(label: Value) -> bool:
    try:
        routes = json.loads(label)
    except (TypeError, ValueError):
        return False
    return bool(at(routes, "check"))


ROUTE_HEALTH_CHECK = Rule(
    id="route-health-check",
    title="Every app with routes has a health check.",
    remedy="`apps.APP.health`",
    kinds=(SERVICE,),
    check=check,
)
