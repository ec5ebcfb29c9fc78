"""The rule route-health-check."""

from typing import Any

import pytest
from policy_cases import SERVICE, judge, labels, platform, service

from policies.rules.health import ROUTE_HEALTH_CHECK


def routed(edge: str, healthcheck: Any) -> dict[str, Any]:
    props = service(healthcheck=healthcheck)
    props["labels"] = labels(environment="dev", app="web", edge=edge)
    return props


@pytest.mark.parametrize(
    ("edge", "healthcheck"),
    [
        ('{"port": 80, "check": "/healthz"}', None),
        ('{"port": 80, "check": null}', {"tests": ["CMD", "true"]}),
        ('{"port": 80, "check": "/healthz"}', {"tests": ["NONE"]}),
    ],
)
def test_a_check_by_docker_or_by_the_edge_is_enough(edge: str, healthcheck: Any) -> None:
    assert judge(ROUTE_HEALTH_CHECK, SERVICE, routed(edge, healthcheck)) == []


@pytest.mark.parametrize("edge", ['{"port": 80}', '{"check": null}', '{"check": ""}', "[]", "no"])
@pytest.mark.parametrize("healthcheck", [None, {}, {"tests": []}, {"tests": ["NONE"]}])
def test_routes_without_any_check_are_refused(edge: str, healthcheck: Any) -> None:
    (message,) = judge(ROUTE_HEALTH_CHECK, SERVICE, routed(edge, healthcheck))
    assert "app web" in message
    assert "`apps.web.health.http`" in message


def test_a_service_without_routes_needs_no_check() -> None:
    assert judge(ROUTE_HEALTH_CHECK, SERVICE, platform("control", healthcheck=None)) == []
