"""A day of traffic: an app that follows it without flapping, and is seldom short of tasks."""

import json
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from control.elastic.load import Load
from control.elastic.policy import Entry, Policy
from control.elastic.state import begin, step
from tests.unit.recorded.traffic_day import BURST, SECONDS, day

RECORDED = Path(__file__).parent / "recorded" / "traffic_day.json"
TRAFFIC: list[int] = json.loads(RECORDED.read_text())
TICK, LOOKS = 2.0, 3
DAY_SECONDS = 86_400.0
STARTS_IN = 6.0  # seconds from the decision to a healthy task
MIDNIGHT = 1_790_035_200.0  # UTC
EACH, TOLERATED = 30.0, 1.1
LUNCH = (Entry(11 * 60, tuple(range(7)), 6, 25), Entry(12 * 60, tuple(range(7)), 2))


@dataclass
class Day:
    """What was decided, as (second of the day, from, to), and how it went."""

    changes: list[tuple[float, int, int]]
    overloaded: float = (
        0.0  # seconds with more than a tenth above the target for each task that runs
    )
    task_seconds: float = 0.0

    @property
    def turns(self) -> list[tuple[float, bool]]:
        """When the direction changed, and whether it went up from then on."""
        ups = [(at, to > of) for at, of, to in self.changes]
        return [after for before, after in pairwise(ups) if before[1] != after[1]]


class Tasks:
    """As many as are wanted, each a while after it was."""

    def __init__(self, count: int) -> None:
        self.running, self._starting = count, deque[float]()

    def at(self, now: float) -> int:
        while self._starting and self._starting[0] <= now:
            self._starting.popleft()
            self.running += 1
        return self.running

    def set(self, wanted: int, now: float) -> None:
        while self.running + len(self._starting) < wanted:
            self._starting.append(now + STARTS_IN)
        while self._starting and self.running + len(self._starting) > wanted:
            self._starting.pop()
        self.running = min(self.running, wanted)


def live(policy: Policy, room: int = 100) -> Day:
    """The day, with room for so many tasks in all."""
    found, tasks = Day([]), Tasks(policy.min)
    state, rates = begin("web", policy.min, MIDNIGHT), deque([0.0], maxlen=LOOKS)
    for tick in range(int(DAY_SECONDS / TICK)):
        second = tick * TICK
        now, rate = MIDNIGHT + second, TRAFFIC[int(second / SECONDS)] / SECONDS
        rates.append(rate)
        running = tasks.at(now)
        load = Load(sum(rates) / len(rates))
        state = step(state, policy, load, running, now, max(0, room - state.current))
        assert state.decision
        replicas = state.decision.replicas
        found.overloaded += TICK * (rate > running * EACH * TOLERATED)
        found.task_seconds += TICK * state.current
        if replicas != state.current:
            found.changes.append((second, state.current, replicas))
            tasks.set(replicas, now)
            state = state.set(replicas, now)
    return found


@pytest.fixture(scope="module")
def plain() -> Day:
    return live(Policy(2, 40, "requests_per_second", EACH))


def test_the_recorded_day_is_what_the_script_beside_it_makes() -> None:
    assert day() == TRAFFIC


def test_the_day_has_a_night_two_peaks_and_a_burst() -> None:
    hours = [sum(TRAFFIC[h * 360 : h * 360 + 360]) / 3600 for h in range(24)]
    assert max(hours[:6]) < 30
    assert max(range(8, 14), key=lambda h: hours[h]) in (10, 11)
    assert max(range(24), key=lambda h: hours[h]) in (19, 20)
    burst = [TRAFFIC[s] for s in BURST]
    before = [TRAFFIC[s] for s in range(BURST.start - len(BURST), BURST.start)]
    assert sum(burst) > 2 * sum(before)


def test_it_follows_the_load(plain: Day) -> None:
    most = max(to for _, _, to in plain.changes)
    assert most >= max(TRAFFIC) / SECONDS / EACH / TOLERATED
    needed = sum(TRAFFIC) / EACH
    assert plain.task_seconds < 1.5 * needed, "not much more than the load needs on average"


def test_it_does_not_flap(plain: Day) -> None:
    """From up to down it takes a cooldown; there are at most two turns an hour, and one a minute."""
    ups = [at for at, of, to in plain.changes if to > of]
    for at, of, to in plain.changes:
        if to < of:
            assert not [up for up in ups if at - 60 < up < at], f"up and down within {at:.0f}"
    assert len(plain.turns) <= 48
    assert all(later[0] - earlier[0] >= 60 for earlier, later in pairwise(plain.turns))


def test_it_is_seldom_short_of_tasks(plain: Day) -> None:
    assert plain.overloaded / DAY_SECONDS < 0.005


def test_a_burst_has_its_tasks_within_seconds(plain: Day) -> None:
    begins = BURST.start * SECONDS
    during = [(at, to) for at, of, to in plain.changes if begins <= at < begins + 10]
    rate = TRAFFIC[BURST.start] / SECONDS
    assert during[-1][1] >= rate / EACH / TOLERATED


def test_the_bounds_are_never_left() -> None:
    found = live(Policy(3, 9, "requests_per_second", EACH))
    numbers = {to for _, _, to in found.changes}
    assert (min(numbers), max(numbers)) == (3, 9)


def test_a_schedule_s_bounds_hold_from_their_minute_on() -> None:
    found = live(Policy(2, 5, "requests_per_second", EACH, schedule=LUNCH))
    for at, _, to in found.changes:
        noon = 11 * 3600 <= at < 12 * 3600
        assert (6 if noon else 2) <= to <= (25 if noon else 5), at
    by_time = {at: (of, to) for at, of, to in found.changes}
    assert by_time[11 * 3600.0][0] == 5 < by_time[11 * 3600.0][1]
    assert by_time[12 * 3600.0][0] > 5 == by_time[12 * 3600.0][1]


def test_there_are_never_more_than_find_room() -> None:
    found = live(Policy(2, 40, "requests_per_second", EACH), room=7)
    assert max(to for _, _, to in found.changes) == 7
    assert found.overloaded > 0
