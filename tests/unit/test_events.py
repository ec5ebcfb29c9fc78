"""Sentences on what happened between two looks, the same from every control."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from control.events import Event, alerts_between, between, event, merged
from control.snapshot import Host, Release, Snapshot, Task
from tests.support.recorded import HELLO, NEXT, Recorded

NOW = 1_790_000_100.0
THEN = 1_790_000_000.0
HOST = Host("manager-3", "manager", "c", "ready", "10.0.0.3", changed=THEN)
LEADER = replace(HOST, name="manager-1", leader=True)
TASK = Task("t1", "hello-1.1", "hello-1", "manager-3", "running", True, "a1b2c3d4", THEN + 5)
HELLO_1 = Release("hello", "hello-1", "a1b2c3d4", 1, 1.0, 1, THEN, (TASK,), edge={}, changed=THEN)
HELLO_2 = replace(HELLO_1, service="hello-2", hash="e5f60718", number=2, desired=2, tasks=())
ROUTED = replace(HELLO_1, edge={"port": 80})
FAILED = replace(TASK, id="t9", state="failed", wanted=False, error="task: non-zero exit (1)")
Change = tuple[Snapshot, Snapshot]


def of(*things: Host | Release, **weights: Any) -> Snapshot:
    """A snapshot with these, and an app's weights."""
    return Snapshot(
        tuple(t for t in things if isinstance(t, Host)),
        tuple(t for t in things if isinstance(t, Release)),
        weights,
        dict.fromkeys(weights, THEN + 9),
    )


def told(before: Snapshot, after: Snapshot, *, leads: bool = False) -> list[tuple[Any, ...]]:
    return [
        (e.time, e.kind, e.level, e.subject, e.text)
        for e in between(before, after, NOW, leads=leads)
    ]


def host(level: str, text: str) -> tuple[Any, ...]:
    return (THEN, "host", level, "manager-3", f"host manager-3 {text}")


def release(text: str, at: float = THEN) -> tuple[Any, ...]:
    return (at, "release", "info", "hello", f"hello: {text}")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (of(), of(HOST), host("info", "has joined as a manager")),
        (of(HOST), of(replace(HOST, role="worker")), host("info", "is a worker now")),
        (
            of(HOST),
            of(replace(HOST, state="down", message="heartbeat failure")),
            host("error", "is down (heartbeat failure)"),
        ),
        (of(HOST), of(replace(HOST, state="unknown")), host("warning", "is unknown")),
        (of(HOST), of(replace(HOST, state="drained")), host("info", "is drained")),
        (
            of(replace(HOST, state="down")),
            of(replace(HOST, message="is well")),
            host("info", "is ready"),
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_what_is_told_of_a_host(before: Snapshot, after: Snapshot, expected: Any) -> None:
    assert told(before, after) == [expected]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (of(), of(HELLO_1), release("r1 is being started, 1 task")),
        (
            of(HELLO_1),
            of(HELLO_1, replace(HELLO_2, number=None)),
            release("e5f60718 is being started, 2 tasks"),
        ),
        (
            of(HELLO_1),
            of(replace(HELLO_1, desired=3, changed=THEN + 3)),
            release("r1 is to have 3 tasks, not 1", THEN + 3),
        ),
        (
            of(HELLO_1),
            of(replace(HELLO_1, desired=0, tasks=(), changed=THEN + 3)),
            release("r1 is to have 0 tasks, not 1", THEN + 3),
        ),
        (
            of(replace(HELLO_1, tasks=(replace(TASK, state="starting"),))),
            of(HELLO_1),
            release("r1 is healthy, 1 task", THEN + 5),
        ),
        (
            of(HELLO_1),
            of(replace(HELLO_1, hash="e5f60718", changed=THEN + 3)),  # its number comes later
            release("e5f60718 is being started, in place of r1", THEN + 3),
        ),
        (
            of(HELLO_1),
            of(replace(HELLO_1, hash="e5f60718", number=2, changed=THEN + 3)),
            release("r2 is being started, in place of r1", THEN + 3),
        ),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_what_is_told_of_a_release(before: Snapshot, after: Snapshot, expected: Any) -> None:
    assert told(before, after) == [expected]


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({}, {"hello-1": 100}, "hello: traffic goes to r1 100 %"),
        ({"hello-1": 100}, {"hello-1": 90, "hello-2": 10}, "hello: traffic goes to r1 90 %, r2 10 %"),
        ({"hello-1": 1}, {"hello-1": 2, "hello-2": 1}, "hello: traffic goes to r1 67 %, r2 33 %"),
        ({"hello-1": 90, "hello-2": 10}, {"hello-1": 0, "hello-2": 9}, "hello: traffic goes to r2 100 %"),
        ({"hello-1": 100}, {"hello-1": 0}, "hello: no traffic"),
        ({"hello-1": 100}, {}, "hello: no traffic"),
        ({"hello-1": 100}, {"gone": 5}, "hello: traffic goes to gone 100 %"),
    ],
)  # fmt: skip
def test_what_is_told_of_traffic(before: Any, after: Any, text: str) -> None:
    there = (ROUTED, HELLO_2)
    found = told(of(*there, hello=before), of(*there, hello=after))
    assert found == [(THEN + 9, "traffic", "info", "hello", text)]


def test_traffic_of_an_app_without_routes_is_nobody_s_news() -> None:
    there = replace(HELLO_1, edge=None)
    assert told(of(there), of(there, hello={"hello-1": 100})) == []


@pytest.mark.parametrize(
    ("task", "text"),
    [
        (FAILED, "task hello-1.1 on manager-3 failed: task: non-zero exit (1)"),
        (
            replace(FAILED, state="rejected", error="No such image", host=None),
            "task hello-1.1 rejected: No such image",
        ),
        (replace(FAILED, error=""), "task hello-1.1 on manager-3 failed: no reason given"),
    ],
)
def test_what_is_told_of_a_task_that_fails(task: Task, text: str) -> None:
    after = replace(HELLO_1, tasks=(TASK, task))
    assert told(of(HELLO_1), of(after)) == [(THEN + 5, "task", "error", "hello", text)]
    assert told(of(after), of(after)) == [], "once"


def test_a_task_of_the_platform_is_told_under_its_service() -> None:
    edge = replace(HELLO_1, app="", service="horcrux-edge", tasks=())
    failed = replace(edge, tasks=(replace(FAILED, service="horcrux-edge"),))
    (found,) = told(of(edge), of(failed))
    assert found[3] == "horcrux-edge"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            of(LEADER, replace(HOST, name="manager-2")),
            of(replace(LEADER, leader=False), replace(HOST, name="manager-2", leader=True)),
            ("cluster", "warning", "manager-2",
             "manager-2 leads the cluster now, in place of manager-1"),
        ),
        (of(HOST), of(), ("host", "warning", "manager-3", "host manager-3 has left the cluster")),
        (of(HELLO_1), of(), ("release", "info", "hello", "hello: r1 was removed")),
        (
            of(replace(HELLO_1, app="", number=None, hash="", service="horcrux-edge")),
            of(),
            ("release", "info", "horcrux-edge", "horcrux-edge: horcrux-edge was removed"),
        ),
    ],
    ids=["leader", "host", "release", "platform"],
)  # fmt: skip
def test_what_has_no_time_of_swarm_s_is_told_by_the_leader_alone(
    before: Snapshot, after: Snapshot, expected: Any
) -> None:
    assert told(before, after, leads=True) == [(NOW, *expected)]
    assert told(before, after) == []


@pytest.mark.parametrize("leader", [None, "manager-1"])
def test_a_leader_that_comes_or_goes_is_no_change_of_leader(leader: str | None) -> None:
    nobody = of(replace(LEADER, leader=False))
    somebody = of(LEADER)
    assert told(nobody, somebody, leads=True) == told(somebody, nobody, leads=True) == []


def test_nothing_is_told_when_nothing_happened() -> None:
    there = of(HOST, LEADER, ROUTED, HELLO_2, hello={"hello-1": 100})
    assert told(there, there, leads=True) == []


def test_events_come_in_the_order_in_which_they_happened() -> None:
    after = of(replace(HOST, state="down", changed=THEN + 50), replace(HELLO_1, created=THEN - 50))
    assert [t for t, *_ in told(of(HOST), after)] == [THEN - 50, THEN + 50]


def happenings() -> list[Callable[[Recorded], None]]:
    """What may happen to a real Swarm between two looks."""
    return [
        lambda s: s.next_release(),
        lambda s: s.traffic("hello", {HELLO: 90, NEXT: 10}, {HELLO: 1, NEXT: 2}),
        lambda s: s.scale(HELLO, 5),
        lambda s: s.fail(s.tasks_of("wiki")[0]),
        lambda s: s.lose("manager-3"),
    ]


def test_three_controls_tell_of_one_thing_once() -> None:
    before, swarm = Recorded().take(), Recorded()
    for happens in happenings():
        happens(swarm)
    after = swarm.take()
    logs = [between(before, after, NOW + n, leads=n == 1) for n in range(3)]
    assert len(logs[0]) >= 5
    assert {e.id for e in logs[0]} == {e.id for e in logs[2]} <= {e.id for e in logs[1]}
    assert merged(*logs) == merged(logs[1])


def test_controls_that_looked_at_other_moments_tell_the_same() -> None:
    swarm, looks = Recorded(), [Recorded().take()]
    for happens in happenings():
        happens(swarm)
        looks.append(swarm.take())
    often = [e for pair in pairwise(looks) for e in between(*pair, NOW, leads=False)]
    once = between(looks[0], looks[-1], NOW, leads=False)
    assert {e.id for e in once} == {e.id for e in often}
    started = {e.text for e in (*once, *often) if "being started" in e.text}
    assert started == {
        "hello: 0a1b2c3d is being started, 2 tasks",  # one looked before it had its number
        "hello: r2 is being started, 2 tasks",
    }


ALERT = {"severity": "critical", "name": "HostDown", "summary": "manager-3 is down", "since": THEN}


@pytest.mark.parametrize(
    ("severity", "level"),
    [("critical", "error"), ("warning", "warning"), ("info", "info"), ("odd", "info")],
)
def test_an_alert_that_begins_is_told_with_its_own_time(severity: str, level: str) -> None:
    (found,) = alerts_between({}, {"f": {**ALERT, "severity": severity}}, NOW)
    assert (found.time, found.kind, found.level, found.subject, found.text) == (
        *(THEN, "alert", level),
        *("HostDown", "manager-3 is down"),
    )


def test_an_alert_that_ends_is_told_as_of_now() -> None:
    (found,) = alerts_between({"f": ALERT}, {}, NOW)
    assert (found.time, found.level, found.text) == (NOW, "info", "over: manager-3 is down")
    assert alerts_between({"f": ALERT}, {"f": {**ALERT, "silenced": True}}, NOW) == []


def test_the_same_words_at_the_same_time_are_the_same_event() -> None:
    one = event(1.0, "host", "info", "a", "b")
    assert one == event(1.0, "host", "info", "a", "b")
    others = [
        event(1.001, "host", "info", "a", "b"),
        event(1.0, "task", "info", "a", "b"),
        event(1.0, "host", "info", "ab", ""),
        event(1.0, "host", "info", "a", "c"),
    ]
    assert len({one.id, *(o.id for o in others)}) == 5
    assert one.as_json() == {"id": one.id, "time": 1.0, "kind": "host", "level": "info",
                             "subject": "a", "text": "b"}  # fmt: skip


def test_logs_are_merged_by_time_each_event_once() -> None:
    first, second = (Event(str(n), float(n), "host", "info", "a", "b") for n in (1, 2))
    assert merged([second], [first, second], []) == [first, second]
