"""Releases over a cluster in memory: what serves, at every step and after every failure."""

import copy
import json
from typing import Any

import pytest

from providers import rollout
from tests.support.fake_swarm import Clock, FakeSwarm, labels_of, own_time

ACCESS = {"address": "127.0.0.1:1", "ca": "", "certificate": "", "key": ""}
AUTH = {"server_address": "registry:5000", "username": "pull", "password": "x"}


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
        "elastic": None,
        "labels": labels_of("web", release),
        "routed": True,
        "strategy": "rolling",
        "walk": json.dumps({"surge": 1}),
        "keep": 3.0,
        "drain": 30.0,
        "start_timeout": 60.0,
        "settings": {"port": 8080},
        "access": ACCESS,
        "auth": AUTH,
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


def second(swarm: FakeSwarm, state: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What Pulumi does: the new service without tasks, then the rollout."""
    swarm.service("web-r2", replicas=0)
    return rollout.update(state, plan("r2", **changes))


def test_control_leads_to_the_next_release_and_the_old_one_is_parked(swarm: FakeSwarm) -> None:
    state = second(swarm, first(swarm), strategy="canary")
    asked = json.loads(swarm.labels["horcrux.walk"])
    assert asked["new"] == "web-r2"
    assert asked["old"] == "web-r1"
    assert (asked["strategy"], asked["replicas"], asked["number"]) == ("canary", 2, 2)
    assert swarm.weights == {"web-r2": 100}
    assert (swarm.replicas("web-r1"), swarm.replicas("web-r2")) == (0, 2)
    assert [h["number"] for h in state["history"]] == [2, 1]
    assert state["parked"] == ["web-r1"]


def test_a_release_that_is_rolled_back_fails_the_update_with_control_s_reason(
    swarm: FakeSwarm,
) -> None:
    state = first(swarm)
    swarm.ending = "rolled-back"
    with pytest.raises(RuntimeError, match=r"r2 was rolled back: .*\nr1 serves"):
        second(swarm, state)
    assert swarm.weights == {"web-r1": 100}


def test_after_a_rollback_the_old_settings_bring_all_in_line_and_the_number_is_not_used_again(
    swarm: FakeSwarm,
) -> None:
    state = first(swarm)
    swarm.ending = "rolled-back"
    with pytest.raises(RuntimeError):
        second(swarm, state)
    assert rollout.diff(state, plan("r1")), "a service is left that belongs to no release"
    state = rollout.update(state, plan("r1"))
    assert list(swarm.services_by_name) == ["web-r1"]
    assert not rollout.diff(state, plan("r1"))
    assert [(h["number"], h.get("outcome")) for h in state["history"]] == [
        (1, None),
        (2, "rolled-back"),
    ]
    swarm.ending = "promoted"
    swarm.service("web-r3", replicas=0)
    assert rollout.update(state, plan("r3"))["number"] == 3


def test_failing_tasks_are_explained(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.dying.add("r2")
    swarm.ending = "failed"
    with pytest.raises(RuntimeError) as error:
        second(swarm, state)
    told = str(error.value)
    assert "last task: failed: task: non-zero exit (3)" in told
    assert "health check: exit status 7: connection refused" in told
    assert "    no database" in told
    assert "Mend apps.web and run `pulumi up` again" in told


def test_without_control_the_release_fails_and_says_so(swarm: FakeSwarm, clock: Clock) -> None:
    state = first(swarm)
    swarm.ending = None
    began = clock.now
    with pytest.raises(RuntimeError, match="control does not carry the release on"):
        second(swarm, state)
    assert clock.now - began < 90
    assert swarm.serving()


@pytest.mark.parametrize("ended", [False, True], ids=["under way", "promoted meanwhile"])
def test_an_update_that_was_killed_is_ended_by_the_next(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch, *, ended: bool
) -> None:
    state = first(swarm)
    swarm.ending = "promoted" if ended else None
    killed_while_waiting(swarm, state, monkeypatch)
    if not ended:
        swarm.walk_later("promoted")
    done = rollout.update(state, plan("r2"))
    assert done["number"] == 2
    assert swarm.weights == {"web-r2": 100}


def killed_while_waiting(
    swarm: FakeSwarm, state: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr("horcrux.cluster.walk.await_end", killed)
        with pytest.raises(SystemExit):
            second(swarm, state)


def test_another_release_ends_the_walk_that_is_under_way(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = first(swarm)
    swarm.ending = None
    killed_while_waiting(swarm, state, monkeypatch)
    orders = []

    def ask(_: Any, *words: Any) -> dict[str, Any]:
        orders.append(words)
        swarm.walk_later("rolled-back")
        swarm.ending = "promoted"
        return {}

    monkeypatch.setattr("horcrux.cluster.control.ask", ask)
    swarm.service("web-r3", replicas=0)
    state = rollout.update(state, plan("r3"))
    assert orders == [("POST", "/v1/rollouts/web", {"order": "abort", "by": "pulumi up"})]
    assert state["number"] == 3
    assert sorted(swarm.services_by_name) == ["web-r1", "web-r3"]


@pytest.mark.parametrize(
    "drift",
    [
        lambda s: s.remove("web-r1"),
        lambda s: s.spec("web-r1")["Mode"]["Replicated"].update(Replicas=7),
        lambda s: s.spec("web-r1")["TaskTemplate"]["ContainerSpec"].update(Env=["A=1"]),
        lambda s: s.spec("web-r1")["Labels"].update({"horcrux.edge": "{}"}),
        lambda s: s.service("web-byhand", replicas=3),
        lambda s: s.labels.update({"horcrux.weights": '{"web-other": 100}'}),
    ],
    ids=["gone", "scaled", "changed", "other labels", "a stranger", "weights"],
)
def test_what_was_changed_by_hand_is_seen_and_put_right(swarm: FakeSwarm, drift: Any) -> None:
    state = first(swarm)
    before = copy.deepcopy(swarm.spec("web-r1"))
    assert not rollout.diff(state, plan("r1"))
    drift(swarm)
    assert rollout.diff(state, plan("r1"))
    state = rollout.update(state, plan("r1"))
    assert swarm.spec("web-r1") == before
    assert list(swarm.services_by_name) == ["web-r1"]
    assert swarm.weights == {"web-r1": 100}
    assert not rollout.diff(state, plan("r1"))


def test_a_release_that_was_promoted_unseen_is_never_stopped_by_the_update_that_finds_it(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = first(swarm)
    killed_while_waiting(swarm, state, monkeypatch)
    assert swarm.weights == {"web-r2": 100}
    swarm.edge_by_host["manager-2"].blind = True
    with pytest.raises(RuntimeError, match="the edges' own check"):
        rollout.update(state, plan("r2"))
    assert swarm.replicas("web-r2") == 2


def test_going_back_after_an_unseen_promotion_is_a_walk_of_its_own(
    swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = first(swarm)
    killed_while_waiting(swarm, state, monkeypatch)
    state = rollout.update(state, plan("r1"))
    asked = json.loads(swarm.labels["horcrux.walk"])
    assert (asked["old"], asked["new"], asked["number"]) == ("web-r2", "web-r1", 3)
    assert [h["number"] for h in state["history"]] == [3, 2, 1]
    assert state["parked"] == ["web-r2"]


def test_a_second_attempt_has_the_routes_of_now(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.ending = "rolled-back"
    with pytest.raises(RuntimeError):
        second(swarm, state)
    swarm.ending = "promoted"
    routes = {**labels_of("web", "r2"), "horcrux.edge": '{"port": 1, "routes": []}'}
    rollout.update(state, plan("r2", labels=routes))
    assert swarm.spec("web-r2")["Labels"] == routes


def test_a_service_that_is_gone_before_its_release_says_what_to_do(swarm: FakeSwarm) -> None:
    state = first(swarm)
    with pytest.raises(RuntimeError, match="web-r2 is gone; make it anew: pulumi up --refresh"):
        rollout.update(state, plan("r2"))


def test_failed_attempts_drive_no_good_release_out(swarm: FakeSwarm) -> None:
    state = second(swarm, first(swarm))
    for number in range(3, 16):
        swarm.ending = "rolled-back"
        swarm.service(f"web-r{number}", replicas=0)
        with pytest.raises(RuntimeError):
            rollout.update(state, plan(f"r{number}"))
        state = rollout.update(state, plan("r2"))
    assert state["parked"] == ["web-r1"]
    assert sum(bool(h.get("outcome")) for h in state["history"]) == 5


def test_an_app_that_is_to_be_recreated_from_now_on_leaves_no_task_behind(
    swarm: FakeSwarm,
) -> None:
    state = first(swarm)
    swarm.service("db", release="r2", replicas=1)
    state = rollout.update(state, recreate("r2"))
    assert swarm.replicas("web-r1") == 0
    assert swarm.weights == {"db": 100}


def test_an_app_that_cannot_be_recreated_leaves_requests_where_they_were(swarm: FakeSwarm) -> None:
    state = first(swarm)
    swarm.service("db", release="r2", replicas=1)
    swarm.slow.add("r2")
    with pytest.raises(RuntimeError, match="not healthy"):
        rollout.update(state, recreate("r2"))
    assert swarm.weights == {"web-r1": 100}
    assert swarm.replicas("web-r1") == 2


def test_an_elastic_app_may_have_any_number_within_its_bounds(swarm: FakeSwarm) -> None:
    bounds = {"min": 2.0, "max": 6.0, "sleeps": False}
    state = first(swarm, elastic=bounds)
    swarm.spec("web-r1")["Mode"]["Replicated"]["Replicas"] = 5
    assert not rollout.diff(state, plan("r1", elastic=bounds))
    rollout.update(state, plan("r1", elastic=bounds))
    assert swarm.replicas("web-r1") == 5
    swarm.spec("web-r1")["Mode"]["Replicated"]["Replicas"] = 9
    assert rollout.diff(state, plan("r1", elastic=bounds))
    rollout.update(state, plan("r1", elastic=bounds))
    assert swarm.replicas("web-r1") == 6


def test_a_sleeping_app_is_not_woken_by_an_update(swarm: FakeSwarm) -> None:
    bounds = {"min": 1.0, "max": 6.0, "sleeps": True}
    state = first(swarm, elastic=bounds)
    swarm.spec("web-r1")["Mode"]["Replicated"]["Replicas"] = 0
    assert not rollout.diff(state, plan("r1", elastic=bounds))
    rollout.update(state, plan("r1", elastic=bounds, keep=1.0))
    assert swarm.replicas("web-r1") == 0


def test_only_so_many_releases_are_kept_and_their_secrets(swarm: FakeSwarm) -> None:
    state = first(swarm)
    for number in range(2, 7):
        swarm.secrets_by_id[f"s{number - 1}"] = f"web-r{number - 1}"
        swarm.service(f"web-r{number}", replicas=0)
        state = rollout.update(state, plan(f"r{number}", keep=2.0))
    assert state["parked"] == ["web-r5", "web-r4"]
    assert sorted(swarm.services_by_name) == ["web-r4", "web-r5", "web-r6"]
    assert sorted(swarm.secrets_by_id) == ["s4", "s5"]


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


def test_an_app_without_routes_still_tells_which_release_is_current(swarm: FakeSwarm) -> None:
    first(swarm, routed=False)
    assert swarm.weights == {"web-r1": 100}
    assert swarm.looks == []


def recreate(release: str) -> dict[str, Any]:
    labels = labels_of("web", release)
    return plan(
        release, service="db", strategy="recreate", routed=False, replicas=1.0, labels=labels
    )


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
    assert swarm.stored == swarm.services_by_name == {}


@pytest.mark.parametrize("changed", ["service", "release", "replicas", "routed", "settings"])
def test_a_change_that_matters_is_an_update(changed: str) -> None:
    assert rollout.diff(plan("r1"), {**plan("r1"), changed: {"another": 1}})


def test_the_same_plan_is_no_update() -> None:
    assert not rollout.diff({**plan("r1"), "number": 4, "history": []}, plan("r1"))
