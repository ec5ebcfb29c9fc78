"""The snapshot of a real Swarm, and of what may happen to it."""

import json
from typing import Any

import pytest

from control.reading import take
from control.snapshot import Host, Snapshot, Task
from tests.support.recorded import HELLO, NEXT, STARTED, STARTED_EPOCH, Recorded

HALF = {HELLO: 90, NEXT: 10}
NUMBERS = {HELLO: 1, NEXT: 2}


@pytest.fixture
def swarm() -> Recorded:
    return Recorded()


def release(snapshot: Snapshot, service: str) -> Any:
    return next(r for r in snapshot.releases if r.service == service)


def host(snapshot: Snapshot, name: str) -> Host:
    return next(h for h in snapshot.hosts if h.name == name)


def test_the_recorded_hosts(swarm: Recorded) -> None:
    told = [(h.name, h.role, h.zone, h.state, h.address, h.leader) for h in swarm.take().hosts]
    assert told == [
        ("manager-1", "manager", "a", "ready", "10.87.1.10", False),
        ("manager-2", "manager", "b", "ready", "10.87.1.11", False),
        ("manager-3", "manager", "c", "ready", "10.87.1.12", True),
    ]


def test_the_recorded_services(swarm: Recorded) -> None:
    told = {
        r.service: (r.app, r.hash, r.number, r.weight, r.desired, r.running, r.pending)
        for r in swarm.take().releases
    }
    platform = ("", "", None, 1.0, 3, 3, 0)
    assert told == {
        "db": ("db", "ec0f1488", 1, 1.0, 1, 1, 0),
        HELLO: ("hello", "6368bb5c", 1, 1.0, 2, 2, 0),
        "wiki": ("wiki", "a1821959", 1, 1.0, 1, 1, 0),
        "horcrux-alertmanager": platform,
        "horcrux-blackbox": platform,
        "horcrux-control": platform,
        "horcrux-edge": platform,
        "horcrux-exporter": platform,
        "horcrux-node-exporter": platform,
        "horcrux-prometheus": platform,
    }


def test_a_task_tells_where_it_is_and_how_it_is_reached(swarm: Recorded) -> None:
    first = release(swarm.take(), HELLO).tasks[0]
    assert (first.name, first.host, first.state, first.running) == (
        f"{HELLO}.2",
        "manager-2",
        "running",
        True,
    )
    assert first.addresses == {"apps": "10.210.2.16"}
    assert first.release == "6368bb5c"
    assert first.at == pytest.approx(1795557688.632481)


def test_a_task_on_every_host_is_called_by_its_host(swarm: Recorded) -> None:
    names = {t.name for t in release(swarm.take(), "horcrux-edge").tasks}
    assert names == {f"horcrux-edge.manager-{n}" for n in (1, 2, 3)}


def test_a_task_that_ended_says_why(swarm: Recorded) -> None:
    ended = {t.id: t.error for t in release(swarm.take(), "horcrux-alertmanager").tasks}
    assert ended["horcrux-alertmanager-task-1"] == "task: non-zero exit (1)", "the status once"
    assert ended["horcrux-alertmanager-task-2"] == "(exit status 137)", "Swarm said nothing"


def test_apps_and_the_platform_are_told_apart(swarm: Recorded) -> None:
    snapshot = swarm.take()
    assert list(snapshot.apps) == ["db", "hello", "wiki"]
    assert [r.service for r in snapshot.platform] == [
        f"horcrux-{role}"
        for role in (
            *("alertmanager", "blackbox", "control", "edge", "exporter"),
            *("node-exporter", "prometheus"),
        )
    ]


def test_services_that_are_not_horcrux_s_are_left_out(swarm: Recorded) -> None:
    swarm.label("wiki", app=None)
    assert "wiki" not in {r.service for r in swarm.take().releases}


def test_a_release_under_way_shares_the_traffic(swarm: Recorded) -> None:
    swarm.next_release()
    swarm.traffic("hello", HALF, NUMBERS)
    old, new = swarm.take().apps["hello"]
    assert (old.service, old.number, old.weight) == (HELLO, 1, 0.9)
    assert (new.service, new.number, new.weight) == (NEXT, 2, 0.1)


def test_a_release_nobody_gave_traffic_has_none(swarm: Recorded) -> None:
    swarm.next_release(state="starting")
    _, new = swarm.take().apps["hello"]
    assert (new.weight, new.number, new.desired, new.running) == (0.0, None, 2, 0)


@pytest.mark.parametrize(
    ("release", "weight"), [(None, 1.0), ("6368bb5c", 0.0)], ids=["by hand", "a release"]
)
def test_an_app_without_weights_has_all_its_traffic_if_made_by_hand(
    swarm: Recorded, release: str | None, weight: float
) -> None:
    swarm.configs = []
    swarm.label(HELLO, release=release)
    (found,) = swarm.take().apps["hello"]
    assert found.weight == weight


def test_only_tasks_that_no_host_took_are_pending(swarm: Recorded) -> None:
    swarm.scale(HELLO, 5)
    swarm.task(HELLO, 3, "pending", host=None)
    swarm.task(HELLO, 4, "new", host=None)
    swarm.task(HELLO, 5, "preparing")
    swarm.task(HELLO, 5, "pending")  # it has a host, which is about to begin
    swarm.task(HELLO, 5, "rejected", host=None)
    swarm.task(HELLO, 5, "pending", host=None, DesiredState="shutdown")
    found = release(swarm.take(), HELLO)
    assert (found.desired, found.running, found.pending) == (5, 2, 2)


def test_a_task_without_an_address_has_none(swarm: Recorded) -> None:
    swarm.task(HELLO, 3, "starting", NetworksAttachments=None)
    swarm.task(HELLO, 4, "starting", NetworksAttachments=[{"Network": {"Spec": {"Name": "apps"}}}])
    assert [t.addresses for t in release(swarm.take(), HELLO).tasks[-2:]] == [{}, {}]


def test_a_lost_host_is_down_and_its_tasks_do_not_run(swarm: Recorded) -> None:
    swarm.lose("manager-3")
    snapshot = swarm.take()
    lost = host(snapshot, "manager-3")
    assert (lost.state, lost.reachable, lost.message) == ("down", False, "heartbeat failure")
    assert lost.changed == STARTED_EPOCH
    assert (release(snapshot, "horcrux-edge").desired, release(snapshot, HELLO).running) == (2, 1)


@pytest.mark.parametrize(
    ("availability", "state", "told"),
    [
        ("active", "ready", "ready"),
        ("drain", "ready", "drained"),
        ("pause", "ready", "drained"),
        ("drain", "down", "down"),
        ("active", "unknown", "unknown"),
        ("active", "disconnected", "unknown"),
    ],
)
def test_the_states_of_a_host(swarm: Recorded, availability: str, state: str, told: str) -> None:
    node = swarm.node("manager-1")
    node["Spec"]["Availability"], node["Status"]["State"] = availability, state
    assert host(swarm.take(), "manager-1").state == told


def test_a_manager_s_own_address_is_the_one_that_managers_use(swarm: Recorded) -> None:
    swarm.node("manager-3")["Status"]["Addr"] = "0.0.0.0"
    assert host(swarm.take(), "manager-3").address == "10.87.1.12"


def test_a_worker_has_its_address_from_its_status(swarm: Recorded) -> None:
    node = swarm.node("manager-1")
    node["Spec"]["Role"] = "worker"
    del node["ManagerStatus"]
    found = host(swarm.take(), "manager-1")
    assert (found.address, found.leader, found.reachable) == ("10.87.1.10", False, True)


def test_no_rollout_is_under_way_in_a_settled_environment(swarm: Recorded) -> None:
    snapshot = swarm.take()
    assert {app: snapshot.rollout_since(app) for app in snapshot.apps} == {
        "db": None,
        "hello": None,
        "wiki": None,
    }


@pytest.mark.parametrize(
    ("weights", "old", "new", "since"),
    [
        ({HELLO: 100}, 2, 2, STARTED_EPOCH),  # made, and not yet well
        (HALF, 2, 2, STARTED_EPOCH),  # a canary
        ({HELLO: 0, NEXT: 100}, 2, 2, STARTED_EPOCH),  # the old one is drained
        ({NEXT: 100}, 2, 2, STARTED_EPOCH),  # the old one is not yet removed
        ({NEXT: 100}, 0, 2, None),  # the old one is parked
        ({HELLO: 100}, 2, 0, None),  # the new one failed, and is parked
        ({HELLO: 100}, 0, 0, None),  # the app is scaled to nothing
    ],
)
def test_a_rollout_lasts_from_the_new_release_until_it_is_alone(
    swarm: Recorded, weights: dict[str, int], old: int, new: int, since: float | None
) -> None:
    swarm.next_release()
    swarm.traffic("hello", weights, NUMBERS)
    swarm.scale(HELLO, old)
    swarm.scale(NEXT, new)
    assert swarm.take().rollout_since("hello") == since


@pytest.mark.parametrize(
    ("state", "since"),
    [
        ("updating", STARTED_EPOCH),
        ("rollback_started", STARTED_EPOCH),
        ("paused", None),
        ("completed", None),
    ],
)
def test_an_app_that_keeps_its_service_rolls_out_while_swarm_updates_it(
    swarm: Recorded, state: str, since: float | None
) -> None:
    swarm.service("wiki")["UpdateStatus"] = {"State": state, "StartedAt": STARTED}
    assert swarm.take().rollout_since("wiki") == since


def test_an_app_made_by_hand_has_no_rollouts_of_ours(swarm: Recorded) -> None:
    swarm.next_release()
    swarm.configs = []
    assert swarm.take().rollout_since("hello") is None
    assert swarm.take().rollout_since("nobody") is None


def test_an_app_without_routes_has_weights_too(swarm: Recorded) -> None:
    db = swarm.take().apps["db"][0]
    assert db.edge is None
    assert (db.weight, db.number) == (1.0, 1)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "null", "\x00"])
@pytest.mark.parametrize("key", ["edge", "metrics"])
def test_a_label_that_cannot_be_read_is_none(swarm: Recorded, key: str, text: str) -> None:
    swarm.label(HELLO, **{key: text})
    assert getattr(release(swarm.take(), HELLO), key) is None


def test_weights_that_cannot_be_read_are_no_weights(swarm: Recorded) -> None:
    swarm.traffic("hello", {HELLO: "much", NEXT: -5}, {})
    swarm.traffic("db", {}, {})
    swarm.configs[-1]["Spec"]["Labels"]["horcrux.weights"] = "{"
    snapshot = swarm.take()
    assert snapshot.weights == {"hello": {}, "db": {}}
    assert release(snapshot, HELLO).weight == 0.0


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-11-24T22:10:00Z", STARTED_EPOCH),
        ("2026-11-24T22:10:00.5Z", STARTED_EPOCH + 0.5),
        ("2026-11-24T22:10:00.00000025Z", STARTED_EPOCH),
        ("2026-11-24T22:10:00.123456789Z", STARTED_EPOCH + 0.123456),
    ],
)
def test_docker_s_times_have_as_many_places_as_they_like(
    swarm: Recorded, text: str, epoch: float
) -> None:
    swarm.service(HELLO)["CreatedAt"] = text
    assert release(swarm.take(), HELLO).created == pytest.approx(epoch, abs=1e-6)


def test_tasks_of_services_and_hosts_that_are_gone_do_no_harm(swarm: Recorded) -> None:
    swarm.services = [swarm.service(HELLO)]
    swarm.nodes = []
    (found,) = swarm.take().releases
    assert [t.host for t in found.tasks] == [None, None]
    assert take([], [], [], []) == Snapshot()


def test_a_task_does_not_serve_once_it_is_told_to_stop() -> None:
    def task(state: str, *, wanted: bool) -> Task:
        return Task("1", "web.1", "web", "manager-1", state, wanted, "r", 0.0)

    assert task("running", wanted=True).running
    assert not task("running", wanted=False).running
    assert not task("starting", wanted=True).running


def test_the_recording_holds_nothing_that_is_no_one_s_business() -> None:
    text = json.dumps([Recorded().services, Recorded().configs, Recorded().tasks])
    assert "horcrux.project" not in text
    assert '"Data"' not in text
    assert '"Image"' not in text


def test_when_the_swarm_cannot_be_read_nobody_knows_how_the_hosts_are() -> None:
    known = Recorded().take()
    old = known.of_old()
    assert {host.state for host in old.hosts} == {"unknown"}
    assert old.releases == known.releases
