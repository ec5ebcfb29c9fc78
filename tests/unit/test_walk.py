"""Whole walks, by the control that leads, in a cluster in memory with a clock of its own."""

import json
from typing import Any

import pytest

from control.rollouts.phases import EDGE_SECONDS, EDGES_DISAGREE
from tests.support.walked import NEW, OLD, START, Behaviour, World

STEPS = [{"weight": 5, "pause": 60}, {"weight": 25, "pause": 60}, {"weight": 50, "pause": 60}]
CANARY: dict[str, Any] = {"strategy": "canary", "steps": STEPS}
SHORT = {**CANARY, "steps": [{"weight": w, "pause": 15} for w in (20, 100)]}
BLUE_GREEN: dict[str, Any] = {"strategy": "blue-green"}
STRATEGIES: list[dict[str, Any]] = [{"strategy": "rolling"}, BLUE_GREEN, CANARY]
COMMAND = {"command": ["check", "it"], "timeout": 60}
IDS = ["rolling", "blue-green", "canary"]


def promoted(world: World) -> bool:
    """Whether the new release serves alone, with all tasks, and the old one is parked."""
    return world.weights == {NEW: 100} and (world.replicas(NEW), world.replicas(OLD)) == (4, 0)


def returned(world: World) -> bool:
    """Whether all is as it was before the walk."""
    return world.weights == {OLD: 100} and (world.replicas(NEW), world.replicas(OLD)) == (0, 4)


def shares(world: World) -> list[dict[str, int]]:
    """All weights that the edges were told, in order."""
    return [weights for _, weights in world.edges_told]


@pytest.mark.parametrize(
    ("plan", "routed"),
    [(CANARY, True), *((p, r) for p in STRATEGIES[:2] for r in (True, False))],
)
async def test_a_good_release_takes_over(plan: dict[str, Any], routed: bool) -> None:
    world = World(routed=routed)
    world.begin(**plan)
    progress = await world.run()
    assert (progress.outcome, progress.reason) == ("promoted", "")
    assert promoted(world)
    assert json.loads(world.labels["horcrux.numbers"])[NEW] == 7
    assert world.unserved == 0


async def test_a_rolling_walk_goes_task_by_task() -> None:
    world = World()
    world.begin(surge=1)
    await world.run()
    assert shares(world) == [
        {OLD: 100},
        *({NEW: n, OLD: 4 - n} for n in (1, 2, 3)),
        {NEW: 100, OLD: 0},
        {NEW: 100},
    ]
    assert world.most_wanted == 5


@pytest.mark.parametrize(("surge", "batches"), [(2, 2), (3, 2), (4, 1), (9, 1)])
async def test_a_rolling_walk_wants_no_more_tasks_than_the_surge_allows(
    surge: int, batches: int
) -> None:
    world = World()
    world.begin(surge=surge)
    await world.run()
    assert promoted(world)
    assert world.most_wanted <= 4 + surge
    assert len(shares(world)) == batches + 2


@pytest.mark.parametrize(("before", "after"), [(2, 6), (6, 2), (4, 1), (0, 3), (4, 0)])
async def test_a_rolling_walk_may_change_the_number_of_tasks(before: int, after: int) -> None:
    world = World()
    await world.scale(OLD, before)
    world.begin(replicas=after)
    progress = await world.run()
    assert progress.outcome == "promoted"
    assert (world.replicas(NEW), world.replicas(OLD)) == (after, 0)
    assert world.most_wanted <= max(before, after) + 1


async def test_blue_green_gives_all_at_once() -> None:
    world = World()
    world.begin(**BLUE_GREEN)
    await world.run()
    assert shares(world) == [{OLD: 100}, {NEW: 100, OLD: 0}, {NEW: 100}]


async def test_a_canary_gets_its_shares_and_tasks_step_by_step() -> None:
    world = World()
    world.begin(**CANARY)
    seen = set()

    def note(world: World) -> bool:
        if world.progress.phase == "watching":
            seen.add((world.progress.step, world.weights[NEW], world.replicas(NEW)))
        return world.progress.outcome is not None

    await world.run(note)
    assert seen == {(0, 5, 1), (1, 25, 1), (2, 50, 2)}
    assert world.now - START == pytest.approx(180, abs=30)


async def test_requests_under_way_are_waited_for() -> None:
    world = World()
    world.sessions[OLD] = 10_000
    world.begin(**BLUE_GREEN, drain=20)
    progress = await world.run(lambda w: w.progress.phase == "draining")
    began = progress.since
    world.sessions[OLD] = 5
    progress = await world.run()
    assert 4 <= progress.since - began <= 7, "they ended sooner than the time they had"


async def test_requests_that_do_not_end_have_their_time() -> None:
    world = World()
    world.sessions[OLD] = 10_000
    world.begin(**BLUE_GREEN, drain=20)
    progress = await world.run(lambda w: w.progress.phase == "draining")
    began = progress.since
    progress = await world.run()
    assert progress.since - began == 20
    assert promoted(world)


def str_of(weights: dict[str, int]) -> str:
    """What the world notes of a change of labels."""
    return f"label {dict(sorted(weights.items()))}"


@pytest.mark.parametrize("plan", STRATEGIES, ids=IDS)
async def test_a_release_whose_tasks_die_is_given_up(plan: dict[str, Any]) -> None:
    world = World(behaviour={NEW: Behaviour(dies=True)})
    world.begin(**plan)
    progress = await world.run()
    assert progress.outcome == "failed"
    assert progress.reason.startswith("failed ")
    assert returned(world)
    assert world.now - START < 30


async def test_failures_of_an_earlier_attempt_do_not_count() -> None:
    world = World()
    world.failed[NEW] = [START - 300, START - 200, START - 100]
    world.behaviour[NEW] = Behaviour(starts_in=30)
    world.begin()
    assert (await world.run()).outcome == "promoted"


@pytest.mark.parametrize("plan", STRATEGIES, ids=IDS)
async def test_a_release_that_never_gets_healthy_has_its_time(plan: dict[str, Any]) -> None:
    world = World(behaviour={NEW: Behaviour(starts_in=10_000)})
    world.begin(**plan, start_timeout=90)
    progress = await world.run()
    assert (progress.outcome, progress.reason) == ("failed", "is not healthy after 90 s")
    assert returned(world)
    assert 90 <= world.now - START < 120


async def test_a_rolling_walk_that_fails_half_way_gets_the_old_tasks_back_first() -> None:
    world = World()
    world.begin()
    await world.run(lambda w: w.progress.step == 2)
    world.behaviour[NEW] = Behaviour(dies=True)
    progress = await world.run()
    assert progress.outcome == "failed"
    assert returned(world)
    back = next(at for at, told in world.edges_told if told == {OLD: 100, NEW: 0})
    assert sum(back - at >= 2 for at in world.started[OLD]) == 4, "healthy before they get all"


async def test_tasks_that_no_edge_finds_are_told_of() -> None:
    world = World()
    world.blind = True
    world.begin()
    progress = await world.run()
    assert (progress.outcome, progress.reason) == ("failed", EDGES_DISAGREE)
    assert EDGE_SECONDS <= world.now - START < EDGE_SECONDS + 20
    assert returned(world)


async def test_a_configuration_that_an_edge_refuses_ends_the_walk() -> None:
    world = World()
    world.begin()
    await world.run(lambda w: w.progress.step == 1)
    world.refuses = "unknown keyword"
    progress = await world.run()
    assert progress.outcome == "failed"
    assert "the edge on manager-1 refused its configuration: unknown keyword" in progress.reason


@pytest.mark.parametrize("plan", STRATEGIES, ids=IDS)
async def test_an_edge_that_does_not_answer_is_not_waited_for_without_end(
    plan: dict[str, Any],
) -> None:
    world = World()
    world.silent = {"worker-9"}
    world.begin(**plan)
    progress = await world.run()
    assert progress.outcome == "promoted"
    assert promoted(world)


@pytest.mark.parametrize(
    ("plan", "phase", "outcome"),
    [({"strategy": "rolling"}, "starting", "failed"), (CANARY, "watching", "rolled-back")],
)
async def test_a_new_release_that_somebody_removes_is_left(
    plan: dict[str, Any], phase: str, outcome: str
) -> None:
    world = World()
    world.begin(**plan)
    await world.run(lambda w: w.progress.phase == "shifting")
    await world.run(lambda w: w.progress.phase == phase)
    world.remove_service(NEW)
    progress = await world.run()
    assert (progress.outcome, world.weights) == (outcome, {OLD: 100})
    assert progress.reason.endswith("its service was removed")
    assert world.replicas(OLD) == 4


async def test_without_an_old_release_there_is_no_way_back() -> None:
    world = World(behaviour={NEW: Behaviour(errors=0.5)})
    world.begin(**CANARY)
    await world.run(lambda w: w.progress.phase == "watching")
    world.remove_service(OLD)
    world.behaviour[NEW].dies = True
    progress = await world.run()
    assert progress.outcome == "failed"
    assert "there is nothing to go back to" in progress.reason
    assert world.weights == {NEW: 100}


# What a canary is judged by.


async def test_a_canary_that_fails_more_often_is_rolled_back_with_the_numbers() -> None:
    world = World(behaviour={NEW: Behaviour(errors=0.05)})
    world.begin(**CANARY)
    progress = await world.run()
    assert progress.outcome == "rolled-back"
    assert progress.reason.startswith("errors ")
    assert "confidence 99 %" in progress.reason
    assert "p = " in progress.reason
    assert returned(world)
    assert world.now - START < 100


async def test_a_canary_loses_its_requests_before_anything_else() -> None:
    world = World(behaviour={NEW: Behaviour(errors=0.5)})
    world.sessions[NEW] = 10_000
    world.begin(**CANARY)
    await world.run()
    shared = max(i for i, e in enumerate(world.effects) if e == str_of({NEW: 5, OLD: 95}))
    assert world.effects[shared + 1] == str_of({NEW: 0, OLD: 100})
    assert world.effects[-2:] == [f"scale {NEW} 0", str_of({OLD: 100})]


async def test_a_canary_that_is_slower_is_rolled_back() -> None:
    world = World(behaviour={NEW: Behaviour(median=0.09)})
    world.begin(**CANARY)
    progress = await world.run()
    assert progress.outcome == "rolled-back"
    assert progress.reason.startswith("p95 ")


async def test_a_canary_of_which_one_request_in_forty_is_slow_is_rolled_back() -> None:
    world = World(behaviour={NEW: Behaviour(slow=0.025)})
    world.begin(**CANARY)
    progress = await world.run()
    assert progress.outcome == "rolled-back"
    assert progress.reason.startswith("p99 ")


async def test_what_ails_both_is_no_fault_of_the_new_one() -> None:
    bad = Behaviour(errors=0.2, median=0.4)
    world = World(behaviour={NEW: bad, OLD: bad})
    world.begin(**CANARY)
    assert (await world.run()).outcome == "promoted"


async def test_a_fault_of_the_last_step_is_held_against_what_the_old_one_was() -> None:
    world = World()
    world.begin(
        strategy="canary", steps=[{"weight": 50, "pause": 60}, {"weight": 100, "pause": 60}]
    )
    await world.run(lambda w: w.progress.step == 1 and w.progress.phase == "watching")
    world.behaviour[NEW] = Behaviour(errors=0.1)
    progress = await world.run()
    assert progress.outcome == "rolled-back"
    assert progress.verdicts[-1]["old"]["requests"] > 100
    assert returned(world)


@pytest.mark.parametrize(
    ("policy", "outcome", "least", "most"),
    [
        ("wait", "rolled-back", 120, 150),
        ("promote", "promoted", 180, 230),
        ("rollback", "rolled-back", 60, 80),
    ],
)
@pytest.mark.parametrize("silent", [False, True])
async def test_without_requests_the_policy_decides(
    policy: str, outcome: str, least: float, most: float, silent: bool
) -> None:
    world = World(requests=0.0)
    world.prometheus_away = silent
    world.begin(**CANARY, analysis={"on_no_data": policy, "no_data_limit": 120})
    progress = await world.run()
    assert progress.outcome == outcome
    assert least <= world.now - START <= most
    if outcome == "rolled-back":
        assert "too little to judge it by" in progress.reason


async def test_a_step_goes_on_as_soon_as_enough_requests_came() -> None:
    world = World(requests=10)
    world.begin(
        strategy="canary", steps=[{"weight": 10, "pause": 20}], analysis={"min_requests": 50}
    )
    progress = await world.run(lambda w: w.progress.step == 1)
    assert 30 <= world.now - START <= 90
    assert progress.verdicts[-1]["new"]["requests"] >= 50


QUERY = {"name": "orders", "query": "orders{s='$service',a='$app'}[$window]"}


def asked(service: str, window: int) -> str:
    return f"orders{{s='{service}',a='web'}}[{window}s]"


def values(new: float, old: float, seconds: int = 400) -> dict[str, float]:
    """A query's answers for every window."""
    sides = ((NEW, new), (OLD, old))
    return {asked(s, w): value for s, value in sides for w in range(seconds)}


@pytest.mark.parametrize(
    ("bound", "new", "old", "outcome"),
    [
        ({"max": 5.0}, 4, 9, "promoted"),
        ({"max": 5.0}, 6, 9, "rolled-back"),
        ({"min": 5.0}, 4, 9, "rolled-back"),
        ({"max_ratio": 1.2}, 11, 10, "promoted"),
        ({"max_ratio": 1.2}, 13, 10, "rolled-back"),
    ],
)
async def test_a_query_of_the_users_own_decides_too(
    bound: dict[str, float], new: float, old: float, outcome: str
) -> None:
    world = World()
    world.values = values(new, old)
    world.begin(**CANARY, analysis={"queries": [{**QUERY, **bound}]})
    progress = await world.run()
    assert progress.outcome == outcome
    if outcome == "rolled-back":
        assert progress.reason.startswith(f"orders is {new}")
        assert world.now - START < 60, "three looks in a row, not the end of the step"


# Smoke tests.


@pytest.mark.parametrize(
    ("state", "outcome"), [("complete", "promoted"), ("failed", "rolled-back")]
)
async def test_a_smoke_test_by_a_command_decides_before_the_first_request(
    state: str, outcome: str
) -> None:
    world = World()
    world.job_state = state
    world.begin(**BLUE_GREEN, smoke=COMMAND)
    progress = await world.run()
    assert progress.outcome == outcome
    assert f"create {NEW}-smoke" in world.effects
    assert f"remove {NEW}-smoke" in world.effects
    if outcome == "rolled-back":
        assert progress.reason.endswith("task: non-zero exit (1)\nno database")
        assert {NEW: 100, OLD: 0} not in shares(world)


async def test_a_smoke_test_has_its_time() -> None:
    world = World()
    world.job_state = "running"
    world.begin(**BLUE_GREEN, smoke=COMMAND)
    progress = await world.run()
    assert progress.reason == "its smoke test has not ended within 60 s"
    assert returned(world)


# Control is gone at any moment.


@pytest.mark.parametrize("bad", [False, True], ids=["good", "bad"])
@pytest.mark.parametrize(
    "plan",
    [*STRATEGIES[:2], SHORT, {**BLUE_GREEN, "smoke": COMMAND}],
    ids=[*IDS, "smoke"],
)
async def test_another_control_goes_on_wherever_one_was_killed(
    plan: dict[str, Any], bad: bool
) -> None:
    kill_at, outcome = 0, "rolled-back" if plan is SHORT else "failed"
    while True:
        kill_at += 1
        world = World(requests=40)
        if bad:
            how = Behaviour(errors=0.3) if plan is SHORT else Behaviour(dies=True)
            world.behaviour[NEW] = how
        world.kill_at = kill_at
        world.begin(**plan)
        progress = await world.run()
        assert progress.outcome == (outcome if bad else "promoted"), (kill_at, world.effects)
        assert returned(world) if bad else promoted(world)
        assert world.unserved == 0
        assert world.most_wanted <= (5 if plan["strategy"] == "rolling" else 8)
        assert f"{NEW}-smoke" not in world.services_by_name
        if len(world.effects) < kill_at:
            return


async def test_a_control_that_does_not_lead_does_nothing() -> None:
    world = World()
    world.begin()
    world.conductor._host = "manager-2"
    await world.conductor.tick()
    assert world.effects == []
