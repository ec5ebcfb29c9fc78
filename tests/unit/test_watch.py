"""Control's looks at the Swarm, what it makes of them, and what it hears from others."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from control.event_log import EventLog
from control.events import Event
from control.upstream import UpstreamError
from control.watch import OVERLAP_SECONDS, Watch, every
from tests.support.recorded import HELLO, Recorded

SOON = 5  # seconds in which what is awaited surely comes; it takes milliseconds
ALERT = {
    "fingerprint": "f1",
    "name": "HostDown",
    "severity": "critical",
    "summary": "manager-3 is down",
    "since": 1_790_000_000.0,
}


class Swarm:
    """What control reads: the recorded lists, or an error."""

    def __init__(self) -> None:
        self.recorded = Recorded()
        self.gone = False

    async def _told(self, listed: list[Any]) -> list[Any]:
        if self.gone:
            raise aiohttp.ClientConnectionError("no such socket")
        return listed

    async def services(self) -> list[Any]:
        return await self._told(self.recorded.services)

    async def configs(self) -> list[Any]:
        return await self._told(self.recorded.configs)

    async def nodes(self) -> list[Any]:
        return await self._told(self.recorded.nodes)

    async def tasks(self) -> list[Any]:
        return await self._told(self.recorded.tasks)


class Alerts:
    """An Alertmanager with these alerts."""

    def __init__(self) -> None:
        self.firing: list[dict[str, Any]] = []

    async def alerts(self) -> list[dict[str, Any]]:
        return self.firing


class Others:
    """The other controls, and what they answer."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), list[Any]()

    async def ask_all(self, method: str, path: str, **options: Any) -> list[Any]:
        self.asked.append((method, path, options["params"]))
        return self.answers


@pytest.fixture
def swarm() -> Swarm:
    return Swarm()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch("manager-1", EventLog(tmp_path / "events.jsonl"))


def texts(watch: Watch) -> list[str]:
    return [e.text for e in watch.events.events]


def lead(swarm: Swarm, *names: str) -> None:
    """Let these hosts lead, as far as anybody can tell."""
    for node in swarm.recorded.nodes:
        node["ManagerStatus"]["Leader"] = node["Description"]["Hostname"] in names


async def look(watch: Watch, swarm: Swarm) -> None:
    await watch.look(swarm)  # type: ignore[arg-type]


async def test_the_first_look_tells_of_nothing(watch: Watch, swarm: Swarm) -> None:
    await look(watch, swarm)
    assert len(watch.snapshot.hosts) == 3
    assert texts(watch) == []


async def test_what_changed_since_the_look_before_is_told_once(watch: Watch, swarm: Swarm) -> None:
    await look(watch, swarm)
    swarm.recorded.lose("manager-2")
    swarm.recorded.fail(swarm.recorded.tasks_of(HELLO)[0])
    for _ in range(3):
        await look(watch, swarm)
    assert sorted(texts(watch)) == [
        "host manager-2 is down (heartbeat failure)",
        f"task {HELLO}.1 on manager-3 failed: task: non-zero exit (3)",
    ]
    assert watch.failures.by_service[HELLO] == 1


async def test_a_look_that_fails_changes_nothing(watch: Watch, swarm: Swarm) -> None:
    await look(watch, swarm)
    before, read_at = watch.snapshot, watch.read_at
    swarm.gone = True
    with pytest.raises(aiohttp.ClientError):
        await look(watch, swarm)
    assert (watch.snapshot, watch.read_at) == (before, read_at)
    swarm.gone = False
    swarm.recorded.lose("manager-2")
    await look(watch, swarm)
    assert texts(watch) == ["host manager-2 is down (heartbeat failure)"]


@pytest.mark.parametrize(
    ("leaders", "leads"),
    [(["manager-1"], True), (["manager-3"], False), ([], True)],
    ids=["this one", "another", "nobody"],
)
async def test_the_leader_s_control_tells_what_has_no_time_of_its_own(
    watch: Watch, swarm: Swarm, leaders: list[str], leads: bool
) -> None:
    lead(swarm, *leaders)
    await look(watch, swarm)
    assert watch.leads is leads
    swarm.recorded.services.remove(swarm.recorded.service("wiki"))
    await look(watch, swarm)
    assert texts(watch) == (["wiki: r1 was removed"] if leads else [])


def test_a_control_that_has_seen_nothing_yet_may_tell_all(watch: Watch) -> None:
    assert watch.leads


@pytest.mark.parametrize(("leader", "expected"), [("manager-1", 2), ("manager-3", 0)])
async def test_alerts_that_begin_and_end_are_told_by_the_leader_s_control(
    watch: Watch, swarm: Swarm, leader: str, expected: int
) -> None:
    lead(swarm, leader)
    await look(watch, swarm)
    alerts = Alerts()
    for firing in ([], [ALERT], [ALERT], []):
        alerts.firing = firing
        await watch.look_at_alerts(alerts)  # type: ignore[arg-type]
    assert texts(watch) == ["manager-3 is down", "over: manager-3 is down"][:expected]


async def test_alerts_from_before_the_first_look_are_no_news(watch: Watch) -> None:
    alerts = Alerts()
    alerts.firing = [ALERT]
    await watch.look_at_alerts(alerts)  # type: ignore[arg-type]
    assert texts(watch) == []
    alerts.firing = []
    await watch.look_at_alerts(alerts)  # type: ignore[arg-type]
    assert texts(watch) == ["over: manager-3 is down"]


async def test_a_control_that_leads_only_now_does_not_tell_of_old_alerts(
    watch: Watch, swarm: Swarm
) -> None:
    lead(swarm, "manager-3")
    await look(watch, swarm)
    alerts = Alerts()
    alerts.firing = [ALERT]
    for _ in range(2):
        await watch.look_at_alerts(alerts)  # type: ignore[arg-type]
        lead(swarm, "manager-1")
        await look(watch, swarm)
    assert "manager-3 is down" not in texts(watch)


def said(*numbers: int) -> dict[str, Any]:
    """What another control answers."""
    events = [Event(f"e{n}", float(n), "host", "info", "a", f"happening {n}") for n in numbers]
    return {"events": [e.as_json() for e in events]}


async def test_what_others_saw_is_taken_over_once(watch: Watch) -> None:
    others = Others(said(1, 3), said(2, 3), said())
    for _ in range(2):
        await watch.hear_others(others)  # type: ignore[arg-type]
    assert texts(watch) == ["happening 1", "happening 2", "happening 3"]


async def test_others_are_asked_for_what_may_be_missing(watch: Watch) -> None:
    others = Others(said(1000))
    await watch.hear_others(others)  # type: ignore[arg-type]
    await watch.hear_others(others)  # type: ignore[arg-type]
    since = [float(params["since"]) for _, _, params in others.asked]
    assert since == [0.0, 1000 - OVERLAP_SECONDS]
    assert {asked[:2] for asked in others.asked} == {("GET", "/v1/events")}


async def run_until(action: Callable[[], Any], met: asyncio.Event) -> None:
    """Let `every` do it again and again until the event is set."""
    task = asyncio.create_task(every(0.0, "it cannot be done", action))
    try:
        async with asyncio.timeout(SOON):
            await met.wait()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        aiohttp.ClientConnectionError("gone"),
        UpstreamError("no task runs"),
        KeyError("events"),
        TypeError("not a list"),
        ValueError("not a time"),
        AttributeError("no such thing"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failure_is_survived_and_logged_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    done, tries = asyncio.Event(), 0

    async def action() -> None:
        nonlocal tries
        tries += 1
        if tries < 5:
            raise error
        done.set()

    with caplog.at_level(logging.WARNING, "control"):
        await run_until(action, done)
    assert [r.getMessage() for r in caplog.records] == [f"it cannot be done: {error!r}; trying on"]


async def test_a_failure_after_a_success_is_logged_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done, outcomes = asyncio.Event(), iter([True, False, True, True])

    async def action() -> None:
        fails = next(outcomes, None)
        if fails is None:
            done.set()
        elif fails:
            raise KeyError("x")

    with caplog.at_level(logging.WARNING, "control"):
        await run_until(action, done)
    assert len(caplog.records) == 2
