"""Releases over a cluster in memory: what serves, at every step and after every failure."""

from typing import Any

import pytest

from providers import rollout
from tests.support.fake_swarm import Clock, FakeSwarm, own_time

ACCESS = {"address": "127.0.0.1:1", "ca": "", "certificate": "", "key": ""}


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    fake = FakeSwarm()
    monkeypatch.setattr("horcrux.docker_api.connect", lambda *_: fake)
    monkeypatch.setattr("horcrux.cluster.tasks.connect", lambda *_: fake)
    return fake


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return own_time(monkeypatch)


def plan(release: str, **changes: Any) -> dict[str, Any]:
    return {
        "environment": "dev",
        "app": "web",
        "service": f"web-{release}",
        "release": release,
        "image": f"web@{release}",
        "replicas": 2.0,
        "routed": True,
        "strategy": "rolling",
        "drain": 30.0,
        "start_timeout": 60.0,
        "settings": {"port": 8080},
        "access": ACCESS,
        "number": None,
        "history": None,
        **changes,
    }


def first(swarm: FakeSwarm, release: str = "r1", **changes: Any) -> dict[str, Any]:
    props = plan(release, **changes)
    swarm.service(props["service"], release=release, replicas=int(props["replicas"]))
    return rollout.create(props)[1]


def test_the_first_release_gets_all_requests(swarm: FakeSwarm) -> None:
    state = first(swarm)
    assert swarm.weights_set == [{"web-r1": 100}]
    assert state["number"] == 1
    assert [h["release"] for h in state["history"]] == ["r1"]


def test_a_new_release_is_well_before_it_gets_requests_and_the_old_one_is_drained(
    swarm: FakeSwarm,
) -> None:
    state = first(swarm)
    swarm.service("web-r2")
    for edge in swarm.edge_by_host.values():
        edge.sessions["web-r1"] = 5
    state = rollout.update(state, plan("r2"))
    assert swarm.weights_set[1:] == [
        {"web-r1": 100, "web-r2": 0},
        {"web-r1": 0, "web-r2": 100},
        {"web-r2": 100},
    ]
    draining = swarm.looks.count({"web-r1": 0, "web-r2": 100})
    assert draining >= 3, "requests under way must be waited for"
    assert all(not e.sessions["web-r1"] for e in swarm.edge_by_host.values())
    assert state["number"] == 2
    assert [h["number"] for h in state["history"]] == [2, 1]


def test_draining_ends_after_the_time_that_the_settings_allow(
    swarm: FakeSwarm, clock: Clock
) -> None:
    state = first(swarm)
    swarm.service("web-r2")
    swarm.edge_by_host["manager-1"].sessions["web-r1"] = 10_000
    began = clock.now
    rollout.update(state, plan("r2", drain=7.0))
    assert 7 <= clock.now - began < 9
    assert swarm.weights == {"web-r2": 100}


def test_failing_tasks_are_explained_and_the_old_release_serves_on(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.dying.add("r2")
    swarm.service("web-r2")
    with pytest.raises(RuntimeError) as error:
        rollout.update(state, plan("r2"))
    told = str(error.value)
    assert "web: release r2 failed 3 times" in told
    assert "last task: failed: task: non-zero exit (3)" in told
    assert "exit status: 3" in told
    assert "health check: exit status 7: connection refused" in told
    assert "    no database" in told
    assert "Mend apps.web and run `pulumi up` again" in told
    assert swarm.weights == {"web-r1": 100}
    assert (swarm.replicas("web-r1"), swarm.replicas("web-r2")) == (2, 0)


def test_a_release_that_is_never_healthy_fails_after_start_timeout(
    swarm: FakeSwarm, clock: Clock
) -> None:
    state = first(swarm)
    swarm.slow.add("r2")
    swarm.service("web-r2")
    began = clock.now
    with pytest.raises(RuntimeError, match="is not healthy after 20 s"):
        rollout.update(state, plan("r2", start_timeout=20.0))
    assert 20 <= clock.now - began < 22
    assert swarm.weights == {"web-r1": 100}
    assert swarm.replicas("web-r2") == 0


def test_a_release_that_never_logged_says_so(swarm: FakeSwarm) -> None:
    swarm.log, swarm.slow = b"", {"r1"}
    with pytest.raises(RuntimeError, match="it logged nothing"):
        first(swarm)


def test_a_failed_first_release_is_parked_and_gets_its_tasks_again(swarm: FakeSwarm) -> None:
    swarm.dying.add("r1")
    with pytest.raises(RuntimeError, match="failed 3 times"):
        first(swarm)
    assert swarm.replicas("web-r1") == 0
    swarm.dying.clear()
    rollout.create(plan("r1"))
    assert swarm.replicas("web-r1") == 2
    assert swarm.weights == {"web-r1": 100}


def test_edges_that_find_no_task_well_stop_the_release(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.edge_by_host["manager-2"].blind = True
    swarm.service("web-r2")
    with pytest.raises(RuntimeError, match=r"compare apps\.web\.port and apps\.web\.health"):
        rollout.update(state, plan("r2"))
    assert swarm.weights == {"web-r1": 100}
    assert swarm.serving()
    assert swarm.replicas("web-r2") == 0


def test_an_edge_that_refuses_its_configuration_stops_the_release_at_once(
    swarm: FakeSwarm, clock: Clock
) -> None:
    state = first(swarm)
    swarm.edge_by_host["manager-2"].refuses = True
    swarm.service("web-r2")
    began = clock.now
    with pytest.raises(RuntimeError, match=r"the edge on manager-2 refused .*unknown keyword"):
        rollout.update(state, plan("r2"))
    assert clock.now - began < 5
    assert swarm.weights["web-r1"] == 100
    assert swarm.replicas("web-r2") == 0


def test_without_control_the_release_fails_and_says_so(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.control_runs = False
    swarm.service("web-r2")
    with pytest.raises(RuntimeError, match="control does not run on the manager"):
        rollout.update(state, plan("r2"))
    assert swarm.serving()


@pytest.mark.parametrize(
    "killed_at",
    [{"web-r1": 100, "web-r2": 0}, {"web-r1": 0, "web-r2": 100}, {"web-r2": 100}],
    ids=["before the switch", "while draining", "after draining"],
)
def test_an_update_that_was_killed_is_ended_by_the_next_without_a_gap(
    swarm: FakeSwarm, killed_at: dict[str, int]
) -> None:
    state = first(swarm)
    swarm.service("web-r2")
    swarm.kill_at = killed_at
    with pytest.raises(SystemExit):
        rollout.update(state, plan("r2"))
    done = rollout.update(state, plan("r2"))
    assert swarm.weights == {"web-r2": 100}
    assert all(any(weights.values()) for weights in swarm.weights_set), (
        f"requests went nowhere: {swarm.weights_set}"
    )
    assert done["number"] == 2


def test_more_replicas_are_the_same_release(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.service("web-r1", replicas=5)
    state = rollout.update(state, plan("r1", replicas=5.0))
    assert state["number"] == 1
    assert len(state["history"]) == 1
    assert swarm.replicas("web-r1") == 5
    assert swarm.weights == {"web-r1": 100}


@pytest.mark.parametrize("trouble", ["no room", "an edge is gone"])
def test_a_failed_change_of_scale_takes_no_task_away(swarm: FakeSwarm, trouble: str) -> None:
    state = first(swarm)
    swarm.service("web-r1", replicas=5)
    if trouble == "no room":
        swarm.slow.add("r1")
    else:
        swarm.edge_by_host["manager-2"].blind = True
    with pytest.raises(RuntimeError):
        rollout.update(state, plan("r1", replicas=5.0))
    assert swarm.replicas("web-r1") == 5
    assert swarm.weights == {"web-r1": 100}


def test_an_edge_that_is_lost_after_the_switch_costs_no_task(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.service("web-r2")
    original = swarm.exec_start

    def refusing_at_the_end(name: str) -> bytes:
        swarm.edge_by_host["manager-1"].refuses = swarm.weights == {"web-r2": 100}
        return original(name)

    swarm.exec_start = refusing_at_the_end  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="refused"):
        rollout.update(state, plan("r2"))
    assert swarm.serving()
    assert swarm.replicas("web-r2") == 2


def test_an_app_without_routes_still_tells_which_release_is_current(swarm: FakeSwarm) -> None:
    first(swarm, routed=False)
    assert swarm.weights == {"web-r1": 100}
    assert swarm.looks == []


def recreate(release: str) -> dict[str, Any]:
    return plan(release, service="db", strategy="recreate", routed=False, replicas=1.0)


def test_a_failed_recreate_goes_back_to_the_release_before(swarm: FakeSwarm) -> None:
    swarm.service("db", release="r1", replicas=1)
    state = rollout.create(recreate("r1"))[1]
    swarm.dying.add("r2")
    swarm.service("db", release="r2", replicas=1)
    with pytest.raises(RuntimeError, match="failed 3 times"):
        rollout.update(state, recreate("r2"))
    assert swarm.release("db") == "r1"


def test_a_recreate_that_failed_can_be_tried_again_unchanged(swarm: FakeSwarm) -> None:
    swarm.service("db", release="r1", replicas=1)
    state = rollout.create(recreate("r1"))[1]
    swarm.slow.add("r2")
    swarm.service("db", release="r2", replicas=1)
    with pytest.raises(RuntimeError, match="not healthy"):
        rollout.update(state, recreate("r2"))
    swarm.slow.clear()
    assert rollout.update(state, recreate("r2"))["number"] == 2
    assert swarm.release("db") == "r2"


def test_a_failed_change_of_rules_does_not_go_back_to_an_older_release(swarm: FakeSwarm) -> None:
    swarm.service("db", release="r1", replicas=1)
    state = rollout.create(recreate("r1"))[1]
    swarm.service("db", release="r2", replicas=1)
    state = rollout.update(state, recreate("r2"))
    swarm.slow.add("r2")
    with pytest.raises(RuntimeError, match="not healthy"):
        rollout.update(state, {**recreate("r2"), "settings": {"drain": 5}})
    assert swarm.release("db") == "r2"


def test_somebody_else_s_change_at_the_same_time_is_no_failure(swarm: FakeSwarm) -> None:
    swarm.stale_answers = 2
    swarm.service("web-r1", replicas=0)
    rollout.create(plan("r1"))
    assert swarm.replicas("web-r1") == 2


def test_an_app_that_goes_gets_no_requests_first(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.edge_by_host["manager-1"].sessions["web-r1"] = 4
    rollout.delete(state)
    assert swarm.weights_set[-1] == {}
    assert swarm.edge_by_host["manager-1"].sessions["web-r1"] == 0
    assert swarm.stored == {}


def test_only_so_many_releases_are_remembered(swarm: FakeSwarm) -> None:
    state = first(swarm)
    for number in range(2, 14):
        swarm.service(f"web-r{number}")
        state = rollout.update(state, plan(f"r{number}"))
        swarm.remove(f"web-r{number - 1}")
    assert [h["number"] for h in state["history"]] == list(range(13, 13 - rollout.KEPT, -1))


@pytest.mark.parametrize("changed", ["service", "release", "replicas", "routed", "settings"])
def test_a_change_that_matters_is_an_update(changed: str) -> None:
    assert rollout.diff(plan("r1"), {**plan("r1"), changed: "another"})


def test_the_same_plan_is_no_update() -> None:
    assert not rollout.diff({**plan("r1"), "number": 4, "history": []}, plan("r1"))
