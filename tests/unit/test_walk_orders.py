"""What people order of a walk: when it is obeyed, and when it comes too late."""

from typing import Any

import pytest

from control.rollouts.orders import OrderError, give
from control.swarm import OutdatedError
from tests.support.walked import APP, NEW, OLD, START, Behaviour, World
from tests.unit.test_walk import BLUE_GREEN, CANARY, COMMAND, STRATEGIES, promoted, returned


async def watched(world: World, step: int = 0) -> None:
    """Let the canary's step be measured."""
    await world.run(lambda w: (w.progress.phase, w.progress.step) == ("watching", step))


async def seconds(world: World, count: int) -> None:
    """Let so many seconds pass."""
    until = world.now + count
    await world.run(lambda w: w.now >= until)


async def test_a_canary_that_stands_still_does_not_go_on_and_then_has_the_rest_of_its_time() -> (
    None
):
    world = World()
    world.begin(**CANARY)
    await watched(world)
    await seconds(world, 20)
    await world.order("pause")
    looks = world.progress.looks
    await seconds(world, 300)
    assert (world.progress.step, world.progress.paused, world.progress.by) == (0, True, "anna")
    assert world.progress.looks > looks + 50, "it is looked at all the while"
    await world.order("resume")
    resumed = world.now
    await world.run(lambda w: w.progress.step == 1)
    assert world.now - resumed == pytest.approx(40, abs=2)


async def test_a_canary_that_stands_still_is_rolled_back_when_it_is_bad() -> None:
    world = World()
    world.begin(**CANARY)
    await watched(world)
    await world.order("pause")
    await seconds(world, 100)
    world.behaviour[NEW] = Behaviour(errors=0.3)
    assert (await world.run()).outcome == "rolled-back"
    assert returned(world)


@pytest.mark.parametrize("plan", STRATEGIES[:2])
async def test_a_walk_that_stands_still_begins_nothing_new(plan: dict[str, Any]) -> None:
    world = World()
    world.begin(**plan)
    await world.run(lambda w: w.progress.began > 0)
    await world.order("pause")
    await seconds(world, 500)
    assert world.weights == {OLD: 100, NEW: 0}
    assert world.progress.outcome is None
    await world.order("resume")
    assert (await world.run()).outcome == "promoted"


@pytest.mark.parametrize("plan", [*STRATEGIES, {**BLUE_GREEN, "smoke": COMMAND}])
@pytest.mark.parametrize("after", [0, 1, 2])
async def test_a_promoted_release_takes_over_at_once(plan: dict[str, Any], after: int) -> None:
    world = World()
    world.job_state = "running"
    world.begin(**plan)
    await seconds(world, after)
    await world.order("promote")
    progress = await world.run()
    assert (progress.outcome, progress.by) == ("promoted", "anna")
    assert promoted(world)
    assert world.now - START < 20
    assert world.unserved == 0


@pytest.mark.parametrize("plan", STRATEGIES)
@pytest.mark.parametrize("after", [0, 1, 2, 5, 9])
async def test_an_aborted_release_goes_at_any_moment(plan: dict[str, Any], after: int) -> None:
    world = World()
    world.sessions[OLD] = 10_000  # so that it is not over before
    world.begin(**plan)
    await seconds(world, after)
    await world.order("abort")
    progress = await world.run()
    assert (progress.outcome, progress.reason) == ("rolled-back", "aborted by anna")
    assert returned(world)
    assert world.unserved == 0


async def test_an_order_before_control_has_begun_is_kept() -> None:
    world = World()
    world.begin()
    await world.order("abort")
    assert world.progress.old_replicas == 4
    assert (await world.run()).outcome == "rolled-back"
    assert returned(world)


async def test_an_order_that_another_note_overtakes_is_given_again() -> None:
    world = World()
    world.begin(**CANARY)
    await watched(world)
    swarm: Any = Overtaken(world, 2)
    await give(swarm, APP, "pause", "anna", world.clock)
    assert world.progress.paused


async def test_an_order_that_is_always_overtaken_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("control.rollouts.orders.AGAIN_SECONDS", 0)
    world = World()
    world.begin(**CANARY)
    await watched(world)
    swarm: Any = Overtaken(world, 1000)
    with pytest.raises(OutdatedError):
        await give(swarm, APP, "pause", "anna", world.clock)


class Overtaken:
    """A Swarm in which somebody else is faster so many times."""

    def __init__(self, world: World, times: int) -> None:
        self._world, self.left = world, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    async def label(self, *asked: Any) -> None:
        """Refuse, as long as somebody is faster."""
        self.left -= 1
        if self.left >= 0:
            raise OutdatedError("update out of sequence")
        await self._world.label(*asked)


@pytest.mark.parametrize("order", ["pause", "resume", "promote", "abort"])
async def test_a_walk_that_is_over_takes_no_orders(order: str) -> None:
    world = World()
    world.begin()
    await world.run()
    with pytest.raises(OrderError, match="no release is on its way"):
        await world.order(order)


@pytest.mark.parametrize("order", ["pause", "resume", "promote"])
async def test_a_walk_on_its_way_back_takes_no_orders(order: str) -> None:
    world = World()
    world.sessions[NEW] = 10_000
    world.begin(**CANARY)
    await watched(world)
    await world.order("abort")
    await world.run(lambda w: w.progress.back)
    with pytest.raises(OrderError, match="r7 is on its way back to r6: aborted by anna"):
        await world.order(order)
    await world.order("abort")
    assert (await world.run()).reason == "aborted by anna"


@pytest.mark.parametrize("order", ["pause", "resume"])
async def test_a_release_that_has_all_requests_does_not_stand_still(order: str) -> None:
    world = World()
    world.sessions[OLD] = 10_000
    world.begin(**BLUE_GREEN)
    await world.run(lambda w: w.progress.phase == "draining")
    with pytest.raises(OrderError, match="r7 has all requests already"):
        await world.order(order)


async def test_what_is_no_order_is_refused() -> None:
    world = World()
    world.begin()
    with pytest.raises(OrderError, match="there are pause, resume, promote, abort"):
        await world.order("dance")
