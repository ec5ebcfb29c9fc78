"""The rule memory-limit."""

from typing import Any

import pytest
from policy_cases import CONTAINER, SERVICE, changed, host, judge, labels, service

from policies.rules.memory import MEMORY_LIMIT

LIMIT = "taskSpec.resources.limits.memoryBytes"


def test_services_and_hosts_with_a_limit_pass() -> None:
    assert judge(MEMORY_LIMIT, SERVICE, service()) == []
    assert judge(MEMORY_LIMIT, CONTAINER, host()) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [(LIMIT, 0), (LIMIT, None), ("taskSpec.resources", {}), ("taskSpec.resources.limits", {})],
)
def test_a_service_without_a_limit_is_refused(path: str, value: Any) -> None:
    (message,) = judge(MEMORY_LIMIT, SERVICE, changed(service(), path, value))
    assert "app web" in message
    assert "`apps.web.limits.memory`" in message


@pytest.mark.parametrize("role", ["manager", "worker"])
def test_a_host_without_a_limit_is_refused(role: str) -> None:
    (message,) = judge(MEMORY_LIMIT, CONTAINER, host(role, memory=0))
    assert "`hosts.memory`" in message


def test_a_container_that_is_no_host_needs_no_limit() -> None:
    props = host(memory=None, labels=labels(environment="dev", role="registry"))
    assert judge(MEMORY_LIMIT, CONTAINER, props) == []
