"""The rules odd-managers and environment-label."""

import pytest
from policy_cases import CONTAINER, VOLUME, host, judge, judge_stack, labels, volume

from policies.rules.labels import ENVIRONMENT_LABEL
from policies.rules.managers import ODD_MANAGERS
from policies.views import LABELLED


def managers(count: int) -> list[str]:
    hosts = [(CONTAINER, host()) for _ in range(count)]
    others = [(CONTAINER, host("worker")), (CONTAINER, host("worker")), (VOLUME, volume())]
    return judge_stack(ODD_MANAGERS, [*hosts, *others])


@pytest.mark.parametrize("count", [0, 1, 3, 5, 7])
def test_an_odd_number_of_managers_passes_and_so_does_a_stack_without_any(count: int) -> None:
    assert managers(count) == []


@pytest.mark.parametrize("count", [2, 4, 6])
def test_an_even_number_of_managers_is_refused(count: int) -> None:
    (message,) = managers(count)
    assert f"`hosts.managers` to {count - 1} or {count + 1}" in message


@pytest.mark.parametrize("kind", LABELLED)
def test_every_kind_of_docker_object_names_its_environment(kind: str) -> None:
    assert judge(ENVIRONMENT_LABEL, kind, {"labels": labels(environment="dev")}) == []
    for without in ({}, {"labels": labels(app="web")}, {"labels": labels(environment="")}):
        (message,) = judge(ENVIRONMENT_LABEL, kind, without)
        assert "horcrux.environment" in message


def test_what_cannot_carry_labels_needs_none() -> None:
    assert judge(ENVIRONMENT_LABEL, "docker:index/remoteImage:RemoteImage", {}) == []
