"""Weights and numbers of releases, as they stand in the cluster's configs."""

import json
from typing import Any

import pytest

from control.reading import take
from horcrux.cluster import traffic
from providers import rollout
from tests.support.fake_swarm import Clock, FakeSwarm, own_time
from tests.unit.test_rollout import plan


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    fake = FakeSwarm()
    monkeypatch.setattr("horcrux.docker_api.connect", lambda *_: fake)
    monkeypatch.setattr("horcrux.cluster.tasks.connect", lambda *_: fake)
    return fake


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return own_time(monkeypatch)


def numbers(swarm: FakeSwarm) -> dict[str, int]:
    """What people call the releases that have weights."""
    (config,) = swarm.stored.values()
    found: dict[str, int] = json.loads(config["Spec"]["Labels"]["horcrux.numbers"])
    return found


def made(swarm: FakeSwarm, release: str, state: Any = None, **changes: Any) -> Any:
    """A release: the first, or one after `state`, to which control leads."""
    props = plan(release, **changes)
    service = props["service"]
    if state is None:
        swarm.service(service, release=release, replicas=int(props["replicas"]))
        return rollout.create(props)[1]
    if service not in swarm.services_by_name:
        swarm.service(service, release=release, replicas=0)
    return rollout.update(state, props)


def test_each_release_has_its_number_beside_its_weight(swarm: FakeSwarm) -> None:
    state = made(swarm, "r1")
    assert numbers(swarm) == {"web-r1": 1}
    state = made(swarm, "r2", state)
    assert numbers(swarm) == {"web-r1": 1, "web-r2": 2}, "who is parked keeps his"
    assert made(swarm, "r1", state)["number"] == 3, "a way back is a release too"
    assert numbers(swarm) == {"web-r1": 3, "web-r2": 2}


def test_a_release_that_is_not_kept_has_no_number_any_more(swarm: FakeSwarm) -> None:
    made(swarm, "r2", made(swarm, "r1"), keep=0.0)
    assert numbers(swarm) == {"web-r2": 2}


def test_both_have_theirs_while_one_takes_over(swarm: FakeSwarm) -> None:
    state = made(swarm, "r1")
    swarm.kill_at = {"web-r1": 100, "web-r2": 0}
    with pytest.raises(SystemExit):
        made(swarm, "r2", state)
    assert numbers(swarm) == {"web-r1": 1, "web-r2": 2}


@pytest.mark.parametrize("ending", ["failed", "rolled-back"])
def test_a_release_that_did_not_take_over_is_known_by_its_number_until_it_is_removed(
    swarm: FakeSwarm, ending: str
) -> None:
    state = made(swarm, "r1")
    swarm.ending = ending
    with pytest.raises(RuntimeError):
        made(swarm, "r2", state)
    assert (swarm.weights, numbers(swarm)) == ({"web-r1": 100}, {"web-r1": 1, "web-r2": 2})
    made(swarm, "r1", state)
    assert (swarm.weights, numbers(swarm)) == ({"web-r1": 100}, {"web-r1": 1})


def test_another_scale_is_the_same_number(swarm: FakeSwarm) -> None:
    state = made(swarm, "r1")
    made(swarm, "r1", state, replicas=4.0)
    assert numbers(swarm) == {"web-r1": 1}


def test_an_app_without_routes_has_its_one_release_and_number(swarm: FakeSwarm) -> None:
    state = made(swarm, "r1", routed=False)
    made(swarm, "r2", state, routed=False)
    assert (swarm.weights, numbers(swarm)) == ({"web-r2": 100}, {"web-r1": 1, "web-r2": 2})
    assert swarm.looks == [], "no edge is asked"


def test_a_config_of_before_there_were_numbers_gets_them(swarm: FakeSwarm) -> None:
    swarm.create_config("horcrux-traffic-web", b"", labels={"horcrux.weights": '{"web-r1": 100}'})
    traffic.set_weights(swarm, "dev", "web", {"web-r1": 100}, {"web-r1": 7})
    assert numbers(swarm) == {"web-r1": 7}


def test_what_stands_already_is_not_written_again(swarm: FakeSwarm) -> None:
    for _ in range(3):
        traffic.set_weights(swarm, "dev", "web", {"a": 1}, {"a": 1})
    assert swarm.weights_set == [{"a": 1}]


def test_control_reads_what_a_rollout_writes(swarm: FakeSwarm) -> None:
    made(swarm, "r2", made(swarm, "r1"))
    services = [{**s, "UpdatedAt": s["CreatedAt"]} for s in swarm.services_by_name.values()]
    configs = [{**c, "UpdatedAt": "2026-01-01T00:00:00Z"} for c in swarm.stored.values()]
    found = {r.service: (r.number, r.weight) for r in take(services, configs, [], []).releases}
    assert found == {"web-r1": (1, 0.0), "web-r2": (2, 1.0)}
