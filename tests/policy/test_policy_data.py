"""The rules protected-data and data-on-one-host."""

import pytest
from policy_cases import SERVICE, VOLUME, changed, judge, labels, service, volume

from policies.rules.data import DATA_ON_ONE_HOST, PROTECTED_DATA

CONSTRAINTS = "taskSpec.placement.constraints"


def test_a_protected_data_volume_passes() -> None:
    assert judge(PROTECTED_DATA, VOLUME, volume(), protect=True) == []


def test_a_data_volume_that_an_update_could_delete_is_refused() -> None:
    (message,) = judge(PROTECTED_DATA, VOLUME, volume())
    assert "protect=True" in message
    assert "volume thing" in message


def test_other_volumes_need_no_protection() -> None:
    assert judge(PROTECTED_DATA, VOLUME, volume("cache")) == []
    assert judge(PROTECTED_DATA, VOLUME, volume(labels=labels(environment="dev"))) == []


@pytest.mark.parametrize("constraint", ["node.hostname==manager-1", "node.id == 9o2jhd0a8w3k"])
def test_a_service_with_data_on_one_host_passes(constraint: str) -> None:
    props = changed(service(), CONSTRAINTS, ["node.role==manager", constraint])
    assert judge(DATA_ON_ONE_HOST, SERVICE, props) == []


@pytest.mark.parametrize(
    "constraints",
    [None, [], ["node.hostname!=manager-1"], ["node.labels.zone==a"], ["node.hostname=="]],
)
def test_a_service_with_data_that_could_run_anywhere_is_refused(
    constraints: list[str] | None,
) -> None:
    (message,) = judge(DATA_ON_ONE_HOST, SERVICE, changed(service(), CONSTRAINTS, constraints))
    assert "volume files" in message
    assert "`apps.web.placement.host`" in message


def test_a_service_with_a_cache_may_run_anywhere() -> None:
    mount = "taskSpec.containerSpec.mounts.0.volumeOptions.labels"
    props = changed(changed(service(), CONSTRAINTS, []), mount, labels(kind="cache"))
    assert judge(DATA_ON_ONE_HOST, SERVICE, props) == []
