"""The overview: every field, with Prometheus and without it."""

import json
from typing import Any

import pytest

from control.events import Event
from control.overview import MOST_EVENTS, QUERIES, Measurements, overview
from control.prometheus import Series
from control.snapshot import Snapshot
from tests.support.control_parts import URL
from tests.support.recorded import HELLO, NEXT, STARTED, STARTED_EPOCH, Recorded

NOW = STARTED_EPOCH + 12
NUMBERS = {HELLO: 1, NEXT: 2}


def series(name: str, value: float | None, **labels: str) -> Series:
    return {"labels": {"__name__": name, **labels}, "values": [[NOW, value]]}


MEASURED = [
    series("host:cpu:ratio", 0.25, host="manager-1"),
    series("horcrux_host_cpus", 2.0, host="manager-1", job="containers"),
    series("horcrux_host_memory_bytes", 1e9, host="manager-1"),
    series("horcrux_host_memory_limit_bytes", 4e9, host="manager-1"),
    series("host:disk:ratio", 0.5, host="manager-1"),
    series("host:network_receive:rate1m", 100.0, host="manager-1"),
    series("host:network_transmit:rate1m", 200.0, host="manager-1"),
    series("horcrux_edge_refused", 0.0, host="manager-1"),
    series("horcrux_edge_refused", 1.0, host="manager-2"),
    series("app:requests:rate1m", 42.0, app="hello"),
    series("app:errors:ratio1m", 0.01, app="hello"),
    series("app:latency:p50_1m", 0.003, app="hello"),
    series("app:latency:p95_1m", 0.012, app="hello"),
    series("app:latency:p99_1m", 0.04, app="hello"),
    series("release:requests:rate1m", 41.0, app="hello", service=HELLO),
    series("release:errors:ratio1m", 0.02, app="hello", service=HELLO),
    series("release:latency:p95_1m", 0.013, app="hello", service=HELLO),
    series("horcrux_release_task_failures_total", 3.0, app="hello", service=HELLO, host="manager-1"),
    series("horcrux_release_task_failures_total", 5.0, app="hello", service=HELLO, host="manager-2"),
]  # fmt: skip


@pytest.fixture
def swarm() -> Recorded:
    return Recorded()


def made(
    snapshot: Snapshot,
    measured: list[Series] | None = None,
    alerts: tuple[Any, ...] = (),
    events: tuple[Event, ...] = (),
) -> dict[str, Any]:
    document = overview("dev", NOW, snapshot, measured, alerts, events, URL, {})
    json.dumps(document, allow_nan=False)
    return document


def host(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(h for h in document["hosts"] if h["name"] == name)


def app(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(a for a in document["apps"] if a["name"] == name)


def test_without_prometheus_what_is_measured_is_null_and_the_rest_is_there(
    swarm: Recorded,
) -> None:
    document = made(swarm.take())
    assert document["monitoring"] == {"answering": False}
    assert host(document, "manager-3") == {
        "name": "manager-3", "role": "manager", "zone": "c", "state": "ready", "leader": True,
        "cpu": None, "cpus": None, "memory": None, "memory_limit": None, "disk": None,
        "tasks": 8, "edge": "current", "receive": None, "transmit": None,
    }  # fmt: skip
    hello = app(document, "hello")
    (release,) = hello.pop("releases")
    assert hello == {
        "name": "hello", "urls": ["http://hello.dev.localhost:8080/"], "state": "well",
        "requests": None, "errors": None, "p50": None, "p95": None, "p99": None,
        "replicas": {"desired": 2, "running": 2}, "rollout": None, "walk": None,
        "elastic": None,
    }  # fmt: skip
    assert release == {
        "service": HELLO, "release": "6368bb5c", "number": 1, "weight": 1.0, "desired": 2,
        "running": 2, "pending": 0, "failures": 0, "requests": None, "errors": None, "p95": None,
        "created": pytest.approx(1795557673.102555),
    }  # fmt: skip


def test_what_is_measured_is_put_where_it_belongs(swarm: Recorded) -> None:
    document = made(swarm.take(), MEASURED)
    assert document["monitoring"] == {"answering": True}
    told = host(document, "manager-1")
    assert {k: told[k] for k in ("cpu", "cpus", "memory", "memory_limit", "disk")} == {
        "cpu": 0.25,
        "cpus": 2.0,
        "memory": 1e9,
        "memory_limit": 4e9,
        "disk": 0.5,
    }
    assert (told["receive"], told["transmit"]) == (100.0, 200.0)
    hello = app(document, "hello")
    assert [hello[k] for k in ("requests", "errors", "p50", "p95", "p99")] == [
        42.0,
        0.01,
        0.003,
        0.012,
        0.04,
    ]
    (release,) = hello["releases"]
    assert [release[k] for k in ("requests", "errors", "p95", "failures")] == [41.0, 0.02, 0.013, 5]
    wiki = app(document, "wiki")
    assert [wiki[k] for k in ("requests", "errors", "p50")] == [None] * 3


def test_a_value_that_is_no_number_was_not_measured() -> None:
    values = Measurements([series("app:errors:ratio1m", None, app="hello")])
    assert values.of("app:errors:ratio1m", "hello") is None


def test_of_several_who_tell_the_greatest_counts() -> None:
    told = [series("host:cpu:ratio", v, host="a") for v in (0.1, 0.3, None, 0.2)]
    assert Measurements(told).of("host:cpu:ratio", "a") == 0.3


def test_questions_cover_every_metric_that_is_shown() -> None:
    names = {one["labels"]["__name__"] for one in MEASURED}
    recorded = {name for name in names if ":" in name}
    assert all(name in QUERIES[1] for name in names - recorded)
    assert {name.partition(":")[0] for name in recorded} <= {"app", "host", "release"}


@pytest.mark.parametrize(
    ("desired", "states", "expected"),
    [
        (2, ("running", "running"), "well"),
        (2, ("running", "starting"), "degraded"),
        (2, ("starting", "pending"), "down"),
        (2, (), "down"),
        (0, (), "stopped"),
        (1, ("running", "running"), "well"),  # one is about to go
    ],
)
def test_the_states_of_an_app(
    swarm: Recorded, desired: int, states: tuple[str, ...], expected: str
) -> None:
    swarm.tasks = []
    swarm.scale(HELLO, desired)
    for slot, state in enumerate(states, 1):
        swarm.task(HELLO, slot, state)
    assert app(made(swarm.take()), "hello")["state"] == expected


def test_a_rollout_under_way(swarm: Recorded) -> None:
    swarm.next_release()
    swarm.traffic("hello", {HELLO: 90, NEXT: 10}, NUMBERS)
    hello = app(made(swarm.take()), "hello")
    assert hello["rollout"] == {"seconds": 12.0, "from": "r1", "to": "r2"}
    assert [(r["number"], r["weight"]) for r in hello["releases"]] == [(1, 0.9), (2, 0.1)]
    assert hello["replicas"] == {"desired": 4, "running": 4}


def test_a_rollout_that_has_no_number_yet_goes_by_its_hash(swarm: Recorded) -> None:
    swarm.next_release(state="starting")
    rollout = app(made(swarm.take()), "hello")["rollout"]
    assert rollout == {"seconds": 12.0, "from": "r1", "to": "0a1b2c3d"}


def test_a_release_that_is_replaced_in_place_comes_from_nowhere(swarm: Recorded) -> None:
    swarm.service("wiki")["UpdateStatus"] = {"State": "updating", "StartedAt": STARTED}
    rollout = app(made(swarm.take()), "wiki")["rollout"]
    assert rollout == {"seconds": 12.0, "from": None, "to": "r1"}


def test_a_parked_release_is_listed_and_is_no_rollout(swarm: Recorded) -> None:
    swarm.next_release()
    swarm.scale(NEXT, 0)
    swarm.tasks = [t for t in swarm.tasks if t["ServiceID"] != f"service-{NEXT}"]
    hello = app(made(swarm.take()), "hello")
    assert (hello["rollout"], hello["state"]) == (None, "well")
    assert [r["desired"] for r in hello["releases"]] == [2, 0]


@pytest.mark.parametrize(
    ("change", "state", "edge"),
    [
        (lambda _: None, "ready", "refused"),
        (lambda s: s.lose("manager-2"), "down", "missing"),
        (lambda s: s.services.remove(s.service("horcrux-edge")), "ready", "missing"),
    ],
    ids=["refused", "lost", "no edge"],
)
def test_the_edge_of_a_host(swarm: Recorded, change: Any, state: str, edge: str) -> None:
    change(swarm)
    told = host(made(swarm.take(), MEASURED), "manager-2")
    assert (told["state"], told["edge"]) == (state, edge)


@pytest.mark.parametrize(
    ("label", "urls"),
    [
        (
            {"port": 1, "routes": [["a.test", "/"], ["b.test", "/x"]]},
            ["http://a.test:8080/", "http://b.test:8080/x"],
        ),
        ({"port": 1, "routes": "all"}, []),
        ({"port": 1, "routes": [["a.test"], 7]}, []),
        ({}, []),
        (None, []),
    ],
)
def test_the_urls_of_an_app(swarm: Recorded, label: Any, urls: list[str]) -> None:
    swarm.label(HELLO, edge=None if label is None else json.dumps(label))
    assert app(made(swarm.take()), "hello")["urls"] == urls


def test_the_newest_events_come_first_and_not_too_many() -> None:
    events = tuple(Event(str(n), float(n), "host", "info", "a", "b") for n in range(80))
    told = made(Snapshot(), events=events)["events"]
    assert [e["id"] for e in told] == [str(n) for n in range(79, 79 - MOST_EVENTS, -1)]


def test_alerts_are_handed_on_as_they_come() -> None:
    assert made(Snapshot(), alerts=({"name": "HostDown"},))["alerts"] == [{"name": "HostDown"}]


def test_nothing_at_all_is_an_overview_too() -> None:
    assert made(Snapshot()) == {
        "time": NOW,
        "environment": "dev",
        "monitoring": {"answering": False},
        "hosts": [],
        "apps": [],
        "alerts": [],
        "events": [],
    }
