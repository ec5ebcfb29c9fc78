"""Control's own metrics: the whole text of a snapshot, and failures that are counted once."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from control.metrics import READABLE_SECONDS, Failures, SwarmCollector, registry
from control.snapshot import Snapshot
from tests.support.recorded import HELLO, NEXT, Recorded

CONTRACT = {
    "horcrux_cluster_readable": "gauge",
    "horcrux_cluster_managers": "gauge",
    "horcrux_cluster_managers_reachable": "gauge",
    "horcrux_host_ready": "gauge",
    "horcrux_release_info": "gauge",
    "horcrux_release_replicas_desired": "gauge",
    "horcrux_release_tasks_running": "gauge",
    "horcrux_release_tasks_pending": "gauge",
    "horcrux_release_task_failures": "counter",
    "horcrux_release_weight": "gauge",
    "horcrux_rollout_seconds": "gauge",
    "horcrux_rollout_step": "gauge",
    "horcrux_rollout_paused": "gauge",
    "horcrux_release_rolled_back": "gauge",
    "horcrux_edge_label_problems": "gauge",
}
MIXIN = Path(__file__).parents[2] / "monitoring" / "mixin"


@pytest.fixture
def swarm() -> Recorded:
    return Recorded()


def text(
    snapshot: Snapshot, failures: Failures | None = None, age: float = 0.0, problems: int = 0
) -> str:
    """What `/metrics` says, `age` seconds after the Swarm was read."""
    collector = SwarmCollector(
        lambda: snapshot,
        lambda: time.monotonic() - age,
        failures or Failures(),
        lambda: problems,
    )
    return generate_latest(registry(collector)).decode()


def samples(told: str, name: str) -> dict[tuple[str, ...], float]:
    """A metric's values by the values of its labels, in the order of their names."""
    return dict(_samples(told, name))


def _samples(told: str, name: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for family in text_string_to_metric_families(told):
        for sample in family.samples:
            if sample.name == name:
                yield tuple(v for _, v in sorted(sample.labels.items())), sample.value


def test_all_families_are_there_and_of_their_kind(swarm: Recorded) -> None:
    told = {f.name: f.type for f in text_string_to_metric_families(text(swarm.take()))}
    assert told == CONTRACT


def test_an_empty_cluster_has_metrics_too() -> None:
    told = text(Snapshot(), age=READABLE_SECONDS + 1)
    assert samples(told, "horcrux_cluster_readable") == {(): 0.0}
    assert samples(told, "horcrux_cluster_managers") == {(): 0.0}


def test_the_text_of_the_recorded_apps(swarm: Recorded) -> None:
    told = text(swarm.take(), problems=3)
    for line in (
        "horcrux_cluster_readable 1.0",
        "horcrux_edge_label_problems 3.0",
        "horcrux_cluster_managers 3.0",
        "horcrux_cluster_managers_reachable 3.0",
        'horcrux_host_ready{member="manager-2",role="manager",zone="b"} 1.0',
        f'horcrux_release_info{{app="hello",number="1",release="6368bb5c",service="{HELLO}"}} 1.0',
        'horcrux_release_info{app="",number="",release="",service="horcrux-edge"} 1.0',
        f'horcrux_release_replicas_desired{{app="hello",service="{HELLO}"}} 2.0',
        'horcrux_release_replicas_desired{app="",service="horcrux-edge"} 3.0',
        'horcrux_release_tasks_running{app="wiki",service="wiki"} 1.0',
        'horcrux_release_tasks_pending{app="db",service="db"} 0.0',
        'horcrux_release_task_failures_total{app="db",service="db"} 0.0',
        f'horcrux_release_weight{{app="hello",service="{HELLO}"}} 1.0',
        'horcrux_rollout_seconds{app="hello"} 0.0',
    ):
        assert f"\n{line}\n" in told


@pytest.mark.parametrize(("age", "readable"), [(0, 1), (14, 1), (16, 0)])
def test_the_cluster_is_readable_while_its_last_look_is_young(age: float, readable: int) -> None:
    told = text(Snapshot(), age=age)
    assert samples(told, "horcrux_cluster_readable") == {(): readable}


def test_a_lost_host_is_not_ready_and_a_manager_less(swarm: Recorded) -> None:
    swarm.lose("manager-3")
    told = text(swarm.take())
    ready = samples(told, "horcrux_host_ready")
    assert {labels[0]: value for labels, value in ready.items()} == {
        "manager-1": 1,
        "manager-2": 1,
        "manager-3": 0,
    }
    assert samples(told, "horcrux_cluster_managers") == {(): 3}
    assert samples(told, "horcrux_cluster_managers_reachable") == {(): 2}


def test_a_drained_host_is_no_lost_one(swarm: Recorded) -> None:
    swarm.node("manager-1")["Spec"]["Availability"] = "drain"
    assert samples(text(swarm.take()), "horcrux_host_ready")["manager-1", "manager", "a"] == 1


def test_a_rollout_tells_how_long_it_has_lasted(swarm: Recorded) -> None:
    swarm.next_release()
    snapshot = swarm.take()
    since = snapshot.rollout_since("hello")
    assert since
    younger = replace(
        snapshot,
        releases=tuple(
            replace(r, created=time.time() - 90 if r.service == NEXT else r.created)
            for r in snapshot.releases
        ),
    )
    seconds = samples(text(younger), "horcrux_rollout_seconds")
    assert seconds["hello",] == pytest.approx(90, abs=5)
    assert seconds["wiki",] == 0


def test_a_rollout_that_begins_in_the_future_of_this_clock_lasts_no_negative_time(
    swarm: Recorded,
) -> None:
    swarm.next_release()
    swarm.service(NEXT)["CreatedAt"] = "2199-01-01T00:00:00Z"
    assert samples(text(swarm.take()), "horcrux_rollout_seconds")["hello",] == 0


def test_names_with_anything_in_them_stay_one_line(swarm: Recorded) -> None:
    swarm.label(HELLO, app='a"b\\c\nd')
    weights = samples(text(swarm.take()), "horcrux_release_weight")
    assert ('a"b\\c\nd', HELLO) in weights


def counted(failures: Failures, swarm: Recorded) -> int:
    """How many failures of hello there are once the Swarm was looked at."""
    failures.note(swarm.take())
    return failures.by_service.get(HELLO, 0)


def test_failures_from_before_the_first_look_do_not_count(swarm: Recorded) -> None:
    swarm.task(HELLO, 1, "failed")
    failures = Failures()
    assert counted(failures, swarm) == 0
    assert failures.by_service["horcrux-alertmanager"] == 0


@pytest.mark.parametrize("state", ["failed", "rejected"])
def test_each_failure_counts_once(swarm: Recorded, state: str) -> None:
    failures = Failures()
    assert counted(failures, swarm) == 0
    swarm.task(HELLO, 1, state)
    assert [counted(failures, swarm) for _ in range(3)] == [1, 1, 1]
    swarm.task(HELLO, 2, state)
    swarm.task(HELLO, 1, state)
    assert counted(failures, swarm) == 3


def test_failures_are_not_lost_when_swarm_forgets_the_tasks(swarm: Recorded) -> None:
    failures = Failures()
    counted(failures, swarm)
    forgotten = swarm.task(HELLO, 1, "failed")
    assert counted(failures, swarm) == 1
    swarm.tasks.remove(forgotten)
    assert counted(failures, swarm) == 1
    swarm.task(HELLO, 1, "failed")
    assert counted(failures, swarm) == 2


def test_a_service_s_first_failures_count_if_it_is_new(swarm: Recorded) -> None:
    failures = Failures()
    counted(failures, swarm)
    swarm.next_release(state="failed")
    failures.note(swarm.take())
    assert failures.by_service[NEXT] == 2


def test_tasks_that_were_told_to_stop_have_not_failed(swarm: Recorded) -> None:
    failures = Failures()
    counted(failures, swarm)
    for task in swarm.tasks_of(HELLO):
        task["Status"]["State"], task["DesiredState"] = "shutdown", "shutdown"
    assert counted(failures, swarm) == 0


def test_a_service_that_is_gone_is_not_counted_on(swarm: Recorded) -> None:
    failures = Failures()
    counted(failures, swarm)
    swarm.services.remove(swarm.service("wiki"))
    failures.note(swarm.take())
    assert "wiki" not in failures.by_service


def test_the_counter_is_told_by_app_and_service(swarm: Recorded) -> None:
    failures = Failures()
    failures.note(swarm.take())
    swarm.task(HELLO, 1, "failed")
    failures.note(swarm.take())
    totals = samples(text(swarm.take(), failures), "horcrux_release_task_failures_total")
    assert totals["hello", HELLO] == 1
    assert totals["", "horcrux-edge"] == 0


def test_every_metric_of_control_s_that_rules_ask_for_is_there() -> None:
    rules = "".join(path.read_text() for path in (MIXIN / "rules").glob("*.yml"))
    unused = {name for name in CONTRACT if name not in rules}
    assert unused == set(), "nobody would see them"
