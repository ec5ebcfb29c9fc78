"""How many tasks a load needs, and how many there are to be."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.elastic.decision import Decision, Sample, decide, remember
from control.elastic.load import Cpu, Latency, Load
from control.elastic.need import Need, Tasks, need, wanted
from control.elastic.policy import DAYS, Entry, Kind, Policy
from control.elastic.state import SETTLE_SECONDS, begin, step

RATE = Policy(1, 10, "requests_per_second", 50.0)
CPU = Policy(1, 10, "cpu", 0.7)
P95 = Policy(1, 100, "latency_p95", 0.3)
QUEUE = Policy(1, 10, "queue", 5.0)
NOW = 1_790_000_000.0
ALL = tuple(range(len(DAYS)))


def sample(tasks: int, ago: float = 0.0, idle: float = 0.0) -> Sample:
    return Sample(NOW - ago, tasks, f"load of {tasks}", idle)


@pytest.mark.parametrize(
    ("rate", "current", "tasks"),
    [
        (290.0, 2, 6),
        (300.0, 2, 6),
        (300.1, 2, 7),
        (110.0, 2, 2),  # a tenth too much is borne
        (110.2, 2, 3),
        (90.0, 2, 2),  # nor is a task taken away for a tenth
        (49.0, 2, 1),
        (0.0, 2, 0),
        (1.0, 0, 1),
        (0.0, 0, 0),
    ],
)
def test_requests_per_second(rate: float, current: int, tasks: int) -> None:
    text = f"{rate:.0f} requests/s"
    assert need(RATE, Load(rate=rate), Tasks(current)) == Need(tasks, text)


def test_a_queue_counts_requests_under_way() -> None:
    load = Load(rate=1.0, sessions=37.0)
    assert need(QUEUE, load, Tasks(2)) == Need(8, "37 requests under way")


@pytest.mark.parametrize(
    ("used", "measured", "current", "tasks"),
    [
        (1.9, 2, 2, 3),
        (3.6, 4, 4, 6),
        (2.8, 4, 4, 4),
        (1.2, 4, 4, 2),
        (2.0, 2, 6, 6),  # four new ones: nothing is known of them
        (1.5, 2, 3, 3),
        (0.5, 2, 6, 5),  # they count as busy as wanted, so that one may go
        (9.0, 2, 6, 13),  # as idle, when more are added
    ],
)
def test_processors(used: float, measured: int, current: int, tasks: int) -> None:
    assert need(CPU, Load(cpu=Cpu(used, measured)), Tasks(current)).tasks == tasks


def test_processors_are_told_as_a_share_of_one_task_s_limit() -> None:
    assert need(CPU, Load(cpu=Cpu(3.72, 4)), Tasks(4)).text == "cpu 93% of 4 tasks"
    assert need(CPU, Load(cpu=Cpu(0.5, 1)), Tasks(1)).text == "cpu 50% of 1 task"


@pytest.mark.parametrize(
    ("p95", "requests", "current", "tasks"),
    [
        (0.42, 900.0, 4, 6),
        (3.00, 900.0, 4, 8),  # at most twice as many
        (0.32, 900.0, 4, 4),
        (0.05, 900.0, 8, 6),  # at most a quarter fewer
        (0.05, 900.0, 2, 1),
        (0.25, 900.0, 8, 7),
        (9.00, 12.0, 8, 6),  # a few slow requests do not tell of too few tasks
        (None, 0.0, 8, 6),
        (0.05, 900.0, 0, 0),
    ],
)
def test_latency(p95: float | None, requests: float, current: int, tasks: int) -> None:
    assert need(P95, Load(latency=Latency(p95, requests)), Tasks(current)).tasks == tasks


def test_latency_of_other_numbers_of_tasks_says_nothing() -> None:
    load = Load(latency=Latency(3.0, 900.0))
    assert need(P95, load, Tasks(4, settled=False)) == Need(4, "p95 3 s")


@pytest.mark.parametrize("policy", [RATE, CPU, P95, QUEUE])
def test_what_is_not_known_changes_nothing(policy: Policy) -> None:
    assert need(policy, Load(), Tasks(7)) == Need(7, "nothing is measured")
    assert need(CPU, Load(cpu=Cpu(0.0, 0)), Tasks(7)).tasks == 7


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (RATE, "50 a task wanted"),
        (CPU, "70% wanted"),
        (P95, "0.3 s wanted"),
        (QUEUE, "5 a task wanted"),
    ],
)
def test_targets_in_words(policy: Policy, text: str) -> None:
    assert wanted(policy) == text


def test_more_at_once() -> None:
    found = decide(RATE, [sample(6)], 2, NOW)
    assert (found.replicas, found.wanted, found.limited) == (6, 6, "")
    assert found.reason == "load of 6, 50 a task wanted"


def test_fewer_only_as_far_as_nothing_lately_needed_more() -> None:
    found = decide(RATE, [sample(4, ago=50), sample(2)], 6, NOW)
    assert found.replicas == 4
    assert found.reason == "at most load of 4 in the last 60 s, 50 a task wanted"


def test_what_was_needed_lately_adds_no_tasks() -> None:
    assert decide(RATE, [sample(9, ago=50), sample(2)], 6, NOW).replicas == 6


def test_a_need_is_remembered_for_the_cooldown() -> None:
    samples = remember((), sample(6, ago=60), 60)
    samples = remember(samples, sample(4, ago=59), 60)
    assert remember(samples, sample(2), 60) == (sample(4, ago=59), sample(2))


def test_no_more_is_remembered_than_can_matter() -> None:
    samples: tuple[Sample, ...] = ()
    for moment in range(5000):
        new = Sample(NOW + moment, moment % 7, "")
        samples = remember(samples, new, 86_400)
    assert len(samples) <= 7


@pytest.mark.parametrize(
    ("needed", "replicas", "limited", "reason"),
    [
        (0, 2, "", "at least 2; load of 0, 50 a task wanted"),
        (12, 10, "max", "load of 12, 50 a task wanted; 12 are needed, at most 10 allowed"),
    ],
)
def test_the_bounds_hold(needed: int, replicas: int, limited: str, reason: str) -> None:
    policy = Policy(2, 10, "requests_per_second", 50.0)
    found = decide(policy, [sample(needed)], 5, NOW)
    assert (found.replicas, found.limited, found.reason) == (replicas, limited, reason)


def test_bounds_of_the_schedule_hold_at_once_and_say_since_when() -> None:
    entry = Entry(0, (0,), 4, 6)
    policy = Policy(1, 10, "requests_per_second", 50.0, schedule=(entry,))
    low, high = decide(policy, [sample(0)], 1, NOW), decide(policy, [sample(9)], 9, NOW)
    assert (low.replicas, low.reason) == (
        4,
        "at least 4 since mon 00:00; load of 0, 50 a task wanted",
    )
    assert (high.replicas, high.limited) == (6, "max")
    assert high.reason.endswith("9 are needed, at most 6 allowed since mon 00:00")


@pytest.mark.parametrize(
    ("capacity", "replicas", "says"),
    [
        (0, 2, "6 are wanted, hosts have room for no more"),
        (3, 5, "6 are wanted, hosts have room for only 3 more"),
    ],
)
def test_no_more_than_find_room(capacity: int, replicas: int, says: str) -> None:
    found = decide(RATE, [sample(6)], 2, NOW, capacity)
    assert (found.replicas, found.wanted, found.limited) == (replicas, 6, "room")
    assert found.reason == f"load of 6, 50 a task wanted; {says}"


def test_room_that_is_enough_is_not_spoken_of() -> None:
    assert decide(RATE, [sample(6)], 2, NOW, 4) == decide(RATE, [sample(6)], 2, NOW)


SLEEPY = Policy(2, 10, "requests_per_second", 50.0, scale_to_zero=600.0)


@pytest.mark.parametrize(
    ("idle", "current", "replicas"),
    [(599.0, 2, 2), (600.0, 2, 0), (math.inf, 0, 0), (0.0, 0, 2), (5.0, 0, 2)],
)
def test_an_idle_app_sleeps_and_one_that_is_asked_wakes(
    idle: float, current: int, replicas: int
) -> None:
    assert decide(SLEEPY, [sample(0, idle=idle)], current, NOW).replicas == replicas


def test_sleep_and_waking_are_told() -> None:
    assert decide(SLEEPY, [sample(0, idle=700)], 2, NOW).reason == "no request for 600 s"
    assert decide(SLEEPY, [sample(0, idle=0)], 0, NOW).reason == "asked while it slept"
    assert decide(SLEEPY, [sample(0, idle=700)], 0, NOW).reason == "asleep"


def test_many_requests_wake_as_many_tasks_as_they_need() -> None:
    assert decide(SLEEPY, [sample(7, idle=0)], 0, NOW).replicas == 7
    assert decide(SLEEPY, [sample(7, idle=0)], 0, NOW, capacity=3).limited == "room"


def test_an_app_that_may_not_sleep_has_its_least_tasks() -> None:
    assert decide(RATE, [sample(0, idle=9_000)], 1, NOW).replicas == 1
    assert decide(RATE, [sample(0, idle=9_000)], 0, NOW).replicas == 1


def test_a_schedule_that_asks_for_more_wakes_an_app_and_keeps_it_awake() -> None:
    policy = Policy(
        *(1, 10, "requests_per_second", 50.0, 600.0), schedule=(Entry(0, ALL, 4), Entry(1, ALL, 1))
    )
    midnight = NOW - NOW % 86_400
    for current in (0, 4):
        found = decide(policy, [Sample(midnight, 0, "no load", math.inf)], current, midnight)
        assert found.replicas == 4
    later = [Sample(midnight + 60, 0, "no load", math.inf)]
    assert decide(policy, later, 4, midnight + 60).replicas == 0


KINDS: list[Kind] = ["requests_per_second", "cpu", "latency_p95", "queue"]
LOADS = st.builds(
    Load,
    rate=st.none() | st.floats(0, 1e6),
    sessions=st.none() | st.floats(0, 1e6),
    idle=st.booleans(),
    cpu=st.none() | st.builds(Cpu, st.floats(0, 1e3), st.integers(0, 500)),
    latency=st.none()
    | st.builds(Latency, st.none() | st.floats(0, 60), requests=st.floats(0, 1e6)),
)


@given(
    kind=st.sampled_from(KINDS),
    low=st.integers(1, 20),
    more=st.integers(0, 50),
    loads=st.lists(LOADS, min_size=1, max_size=30),
    capacity=st.none() | st.integers(0, 30),
)
def test_whatever_comes_the_bounds_and_the_room_are_kept(
    kind: Kind, low: int, more: int, loads: list[Load], capacity: int | None
) -> None:
    policy = Policy(low, low + more, kind, 0.5, cooldown=10.0)
    state = begin("web", low, NOW)
    for number, load in enumerate(loads):
        now = NOW + 2.0 * number
        before = state.current
        state = step(state, policy, load, before, now, capacity)
        found = _decision(state.decision)
        assert low <= found.replicas <= low + more
        assert capacity is None or found.replicas <= max(before, before + capacity)
        state = state.set(found.replicas, now)


def _decision(found: Decision | None) -> Decision:
    assert found
    return found


def run(policy: Policy, *loads: tuple[float, Load], current: int = 4) -> list[int]:
    """The numbers of tasks, when each load lasts for so many seconds."""
    state, found, now = begin("web", current, NOW), [], NOW
    for seconds, load in loads:
        for _ in range(int(seconds / 2)):
            now += 2.0
            state = step(state, policy, load, state.current, now)
            replicas = _decision(state.decision).replicas
            if replicas != state.current:
                found.append(replicas)
                state = state.set(replicas, now)
    return found


def test_what_begins_anew_takes_nothing_away_before_the_cooldown() -> None:
    few = Load(rate=10.0)
    assert run(RATE, (58, few)) == []
    assert run(RATE, (62, few)) == [1]


def test_somebody_else_s_number_holds_for_the_cooldown() -> None:
    state = begin("web", 2, NOW - 1000)
    state = step(state, RATE, Load(rate=60.0), 2, NOW).at(8, NOW)
    found = [
        _decision(step(state, RATE, Load(rate=60.0), 8, NOW + t).decision).replicas
        for t in (2, 58, 62)
    ]
    assert found == [8, 8, 2]


def test_latency_is_judged_anew_only_once_the_tasks_are_measured() -> None:
    slow = Load(latency=Latency(3.0, 900.0))
    steps = 2 * SETTLE_SECONDS + 3
    assert run(P95, (SETTLE_SECONDS - 2, slow)) == []
    assert run(P95, (steps, slow)) == [8, 16]


def test_a_gap_in_the_measurements_changes_nothing() -> None:
    assert run(RATE, (120, Load(rate=200.0)), (600, Load())) == []


def test_what_cannot_be_told_puts_no_app_to_sleep() -> None:
    unknown, quiet = Load(), Load(rate=0.0, sessions=0.0, idle=True)
    partly = Load(rate=0.0, sessions=0.0, idle=False)
    held = Load(rate=0.0, sessions=1.0, idle=False)
    for load in (unknown, partly, held):
        assert 0 not in run(SLEEPY, (2000, load))
    assert run(SLEEPY, (2000, quiet), current=2) == [0]


def test_what_cannot_be_told_wakes_no_app() -> None:
    assert run(SLEEPY, (2000, Load()), current=0) == []
    asked: Any = Load(rate=0.2, sessions=0.0)
    assert run(SLEEPY, (2, asked), current=0) == [2]
