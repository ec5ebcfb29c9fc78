"""What is told of walks: events, metrics, the overview, and the internal API."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from control.event_log import EventLog
from control.events import between
from control.metrics import Failures, SwarmCollector, registry
from control.overview import overview
from control.reading import take
from control.rollouts.metrics import ROLLED_BACK_SECONDS
from control.rollouts.routes import RATES, routes
from control.snapshot import Snapshot
from control.upstream import UpstreamError
from control.watch import Watch
from tests.support.client import Client
from tests.support.control_parts import api
from tests.support.walked import APP, NEW, OLD, START, Behaviour, World
from tests.unit.test_walk import BLUE_GREEN, CANARY


async def look(world: World) -> Snapshot:
    """What control sees of it."""
    return take(
        await world.services(), await world.configs(), await world.nodes(), await world.tasks()
    )


async def seconds(world: World, count: int) -> None:
    """Let so many seconds pass."""
    until = world.now + count
    await world.run(lambda w: w.now >= until)


async def watched(world: World, every: int) -> list[str]:
    """What a control that looks every so many seconds tells of a whole walk."""
    told: dict[str, Any] = {}
    before, ends = await look(world), 2 * every
    while ends:
        await seconds(world, every)
        after = await look(world)
        told |= {e.id: e for e in between(before, after, world.now, leads=False)}
        before, ends = after, ends - (world.progress.outcome is not None)
    return [e.text for e in sorted(told.values(), key=lambda e: e.time) if e.kind == "traffic"]


async def test_a_canary_is_told_from_its_begin_to_its_end() -> None:
    world = World()
    world.begin(**CANARY)
    told = await watched(world, 3)
    assert (
        told[0] == "web: r7 is to take over from r6, as a canary with 5, 25, 50 % of the requests"
    )
    assert told[-1] == "web: r7 has taken over from r6"
    assert [t.partition(":")[2].partition(":")[0].strip() for t in told[1:-1]] == [
        "traffic goes to r6 95 %, r7 5 %",
        "r7 is good at 5 %",
        "traffic goes to r6 75 %, r7 25 %",
        "r7 is good at 25 %",
        "traffic goes to r6 50 %, r7 50 %",
        "r7 is good at 50 %",
        "traffic goes to r7 100 %",
    ]


async def test_a_rollback_is_told_with_its_reason_once() -> None:
    world = World(behaviour={NEW: Behaviour(errors=0.3)})
    world.sessions[NEW] = 10_000
    world.begin(**CANARY)
    told = await watched(world, 3)
    assert [t for t in told if "goes back" in t] == [
        f"web: r7 goes back to r6: {world.progress.reason}"
    ]


@pytest.mark.parametrize("plan", [CANARY, BLUE_GREEN, {"strategy": "rolling"}])
async def test_controls_that_look_at_other_moments_tell_the_same(plan: dict[str, Any]) -> None:
    told = []
    for offset in (1, 2):
        world, seen = World(), {}
        before = await look(world)
        world.begin(**plan)
        await seconds(world, offset)
        while world.progress.outcome is None:
            after = await look(world)
            seen |= {e.id: e.text for e in between(before, after, 0, leads=False)}
            before = after
            await seconds(world, 2)
        seen |= {e.id: e.text for e in between(before, await look(world), 0, leads=False)}
        told.append({(i, t) for i, t in seen.items() if "traffic" not in t and "task" not in t})
    assert told[0] == told[1]
    assert any("has taken over" in text for _, text in told[0])


async def test_the_leaders_control_tells_who_let_it_stand_still() -> None:
    world = World()
    world.begin(**CANARY)
    await world.run(lambda w: w.progress.phase == "watching")
    before = await look(world)
    await world.order("pause")
    paused = await look(world)
    await world.order("resume")
    texts = [
        [e.text for e in between(*pair, world.now, leads=True)]
        for pair in ((before, paused), (paused, await look(world)))
    ]
    assert texts == [
        ["web: r7 stands still, as anna ordered"],
        ["web: r7 goes on, as anna ordered"],
    ]


# Metrics.


def samples(snapshot: Snapshot, name: str) -> dict[tuple[str, ...], float]:
    """A metric's values by its labels' values, in the order of their names."""
    collector = SwarmCollector(lambda: snapshot, lambda: 0.0, Failures(), lambda: 0)
    text = generate_latest(registry(collector)).decode()
    return {
        tuple(v for _, v in sorted(s.labels.items())): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
        if s.name == name
    }


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose time is everybody's."""
    world = World()
    monkeypatch.setattr("control.metrics.time.time", world.clock)
    return world


async def test_a_step_that_is_measured_waits_for_nothing(now: World) -> None:
    now.begin(**CANARY)
    await now.run(lambda w: (w.progress.phase, w.progress.step) == ("watching", 1))
    now.now += 40
    snapshot = await look(now)
    assert samples(snapshot, "horcrux_rollout_step") == {(APP,): 2}
    assert samples(snapshot, "horcrux_rollout_seconds") == {(APP,): 0}
    assert samples(snapshot, "horcrux_rollout_paused") == {(APP,): 0}
    await now.order("pause")
    assert samples(await look(now), "horcrux_rollout_paused") == {(APP,): 1}


async def test_a_batch_that_does_not_start_waits(now: World) -> None:
    now.behaviour[NEW] = Behaviour(starts_in=10_000)
    now.begin()
    await now.run(lambda w: w.now >= START + 100)
    assert samples(await look(now), "horcrux_rollout_seconds") == {(APP,): 100}


async def test_a_release_that_was_rolled_back_is_told_for_a_quarter_of_an_hour(now: World) -> None:
    now.behaviour[NEW] = Behaviour(errors=0.3)
    now.begin(**CANARY)
    reason = (await now.run()).reason
    name = "horcrux_release_rolled_back"
    assert samples(await look(now), name) == {(APP, "7", reason, NEW): 1}
    now.now += ROLLED_BACK_SECONDS
    assert samples(await look(now), name) == {}


async def test_a_release_that_somebody_took_back_is_no_news(now: World) -> None:
    now.begin(**CANARY)
    await now.run(lambda w: w.progress.phase == "watching")
    await now.order("abort")
    await now.run()
    assert samples(await look(now), "horcrux_release_rolled_back") == {}


# The overview and the API.


async def test_the_overview_has_the_walk_without_the_apps_settings() -> None:
    world = World()
    world.begin(**CANARY)
    await world.run(lambda w: w.progress.phase == "watching")
    document = overview(
        "dev", world.now, await look(world), None, [], [], "http://{host}{path}", {}
    )
    (app,) = document["apps"]
    assert app["rollout"] == {"seconds": world.now - START, "from": "r6", "to": "r7"}
    assert app["walk"]["plan"]["strategy"] == "canary"
    assert "settings" not in app["walk"]["plan"]
    assert app["walk"]["progress"]["phase"] == "watching"
    json.dumps(document)


class Rates:
    """A Prometheus that knows how many requests the new release gets."""

    def __init__(self) -> None:
        self.away = False

    async def now(self, _: str, __: float | None = None) -> list[Any]:
        if self.away:
            raise UpstreamError("away")
        labels = {"__name__": RATES["requests"], "app": APP, "service": NEW}
        return [{"labels": labels, "values": [[1.0, 12.5]]}]


@pytest.fixture
async def world() -> World:
    found = World()
    found.begin(**CANARY)
    await found.run(lambda w: w.progress.phase == "watching")
    return found


@pytest.fixture
def rates() -> Rates:
    return Rates()


@pytest.fixture
async def client(world: World, rates: Rates, tmp_path: Path) -> AsyncIterator[Client]:
    watch = Watch("manager-1", EventLog(tmp_path / "events.jsonl"))
    watch.snapshot = await look(world)
    swarm: Any = world
    prometheus: Any = rates
    made = api(None, watch).application(routes(swarm, watch, prometheus))
    async with TestClient(TestServer(made)) as found:
        yield found


async def test_walks_are_listed(client: Client) -> None:
    async with client.get("/v1/rollouts") as answer:
        found = (await answer.json())["rollouts"]
    assert found[APP]["walk"]["number"] == 7
    assert found[APP]["progress"]["step"] == 0


async def test_a_walk_is_shown_with_rates_and_tasks(client: Client, rates: Rates) -> None:
    async with client.get(f"/v1/rollouts/{APP}") as answer:
        found = await answer.json()
    nothing = {"requests": None, "errors": None, "p95": None}
    assert found["rates"] == {NEW: {**nothing, "requests": 12.5}, OLD: nothing}
    assert found["tasks"] == {
        NEW: {"desired": 1, "healthy": 1},
        OLD: {"desired": 4, "healthy": 4},
    }
    assert found["weights"] == {NEW: 5, OLD: 95}
    rates.away = True
    async with client.get(f"/v1/rollouts/{APP}") as answer:
        assert (await answer.json())["rates"] == {NEW: nothing, OLD: nothing}


async def test_an_order_is_noted_and_answered(client: Client, world: World) -> None:
    async with client.post(f"/v1/rollouts/{APP}", json={"order": "pause", "by": "anna"}) as answer:
        assert answer.status == 200
        found = await answer.json()
    assert (found["progress"]["paused"], found["progress"]["by"]) == (True, "anna")
    assert world.progress.paused


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        (APP, {"order": "dance"}, 409, "'dance' is no order"),
        (APP, {}, 400, "order: say what is to be done"),
        ("nobody", {"order": "pause"}, 404, "there is no app 'nobody'"),
    ],
)
async def test_what_cannot_be_ordered_is_explained(
    client: Client, path: str, body: dict[str, str], status: int, said: str
) -> None:
    async with client.post(f"/v1/rollouts/{path}", json=body) as answer:
        assert answer.status == status
        assert said in (await answer.json())["error"]


async def test_an_app_without_a_walk_has_none(client: Client, world: World) -> None:
    snapshot = await look(world)
    bare = replace(snapshot, walks={})
    document = overview("dev", world.now, bare, None, [], [], "", {})
    assert document["apps"][0]["walk"] is None
    assert bare.rollout_since(APP) is not None
