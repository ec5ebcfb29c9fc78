"""Alerts and silences, as Alertmanager has them or, without it, Prometheus."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
from aiohttp import web

from control.alertmanager import Alertmanager, fingerprint
from control.events import alerts_between
from control.prometheus import Prometheus
from control.upstream import UpstreamError
from tests.support.control_parts import PlayedService

LABELS = {"alertname": "HostDown", "severity": "critical", "host": "manager-3"}
NOTES = {
    "summary": "manager-3 is down",
    "description": "Look.",
    "runbook": "docs/alerts.md#hostdown",
}
BEGAN = 1790000000.0


class World:
    """An Alertmanager and a Prometheus, with what they say."""

    def __init__(self) -> None:
        self.alertmanager, self.prometheus = PlayedService(), PlayedService()
        self.asked = Alertmanager(self.alertmanager, Prometheus(self.prometheus))
        self.seen: list[Any] = []
        self.said: Any = []

    def routes(self) -> list[web.RouteDef]:
        async def told(request: web.Request) -> web.Response:
            self.seen.append((request.method, request.path, dict(request.query)))
            return web.json_response(self.said)

        async def posted(request: web.Request) -> web.Response:
            self.seen.append(await request.json())
            return web.json_response({"silenceID": "s1"})

        async def ended(request: web.Request) -> web.Response:
            if request.match_info["id"] != "s1":
                return web.json_response("silence not found", status=404)
            return web.Response()

        return [
            web.get("/api/v2/alerts", told),
            web.get("/api/v2/silences", told),
            web.post("/api/v2/silences", posted),
            web.delete("/api/v2/silence/{id}", ended),
        ]

    async def close(self) -> None:
        await self.alertmanager.close()
        await self.prometheus.close()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    found = World()
    async with found.alertmanager.task(*found.routes()):
        yield found
    await found.close()


def alert(at: str = "2026-09-21T14:13:20.000Z", silenced: bool = False, **labels: str) -> Any:
    """One of Alertmanager's, as its API gives it."""
    return {
        "fingerprint": "0123456789abcdef",
        "labels": {**LABELS, "environment": "dev", **labels},
        "annotations": NOTES,
        "startsAt": at,
        "status": {"state": "active", "silencedBy": ["s1"] if silenced else [], "inhibitedBy": []},
    }


def of_prometheus(**labels: str) -> web.RouteDef:
    """The same alert, as Prometheus has it."""
    told = {
        "labels": {**LABELS, **labels},
        "annotations": NOTES,
        "state": "firing",
        "activeAt": "2026-09-21T14:13:20.123456789Z",
    }

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"data": {"alerts": [told]}})

    return web.get("/api/v1/alerts", answer)


async def test_an_alert_with_all_that_is_known_of_it(world: World) -> None:
    world.said = [alert()]
    labels = {**LABELS, "environment": "dev"}
    assert await world.asked.alerts() == [
        {
            "fingerprint": fingerprint(LABELS),
            "name": "HostDown",
            "severity": "critical",
            **NOTES,
            "labels": labels,
            "since": BEGAN,
            "silenced": False,
        }
    ]
    query = {"active": "true", "inhibited": "false"}
    assert world.seen == [("GET", "/api/v2/alerts", query)]


async def test_an_alert_without_notes_is_one_too(world: World) -> None:
    world.said = [{**alert(), "annotations": {}, "labels": {"alertname": "Own"}}]
    (found,) = await world.asked.alerts()
    assert (found["severity"], found["summary"], found["runbook"]) == ("info", "", "")


async def test_the_gravest_and_newest_come_first_and_the_silenced_last(world: World) -> None:
    early, late = "2026-09-21T10:00:00Z", "2026-09-21T11:00:00Z"
    world.said = [
        alert(late, alertname="SilencedCritical", silenced=True),
        alert(late, alertname="Info", severity="info"),
        alert(late, alertname="Odd", severity="odd"),
        alert(early, alertname="WarningEarly", severity="warning"),
        alert(late, alertname="WarningLate", severity="warning"),
        alert(early, alertname="CriticalB"),
        alert(early, alertname="CriticalA"),
        alert(late, alertname="Watchdog", severity="none"),
    ]
    assert [a["name"] for a in await world.asked.alerts()] == [
        "CriticalA",
        "CriticalB",
        "WarningLate",
        "WarningEarly",
        "Info",
        "Odd",
        "SilencedCritical",
    ]


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("2026-09-21T14:13:20Z", BEGAN),
        ("2026-09-21T14:13:20.500Z", BEGAN + 0.5),
        ("2026-09-21T14:13:20.123456789Z", BEGAN + 0.123456),
        ("2026-09-21T16:13:20.000+02:00", BEGAN),
    ],
)
async def test_times_are_read_in_all_forms_that_go_writes(
    world: World, text: str, epoch: float
) -> None:
    world.said = [alert(text)]
    assert (await world.asked.alerts())[0]["since"] == pytest.approx(epoch, abs=1e-5)


async def test_without_alertmanager_prometheus_is_asked(world: World) -> None:
    world.alertmanager.tasks = []
    async with world.prometheus.task(of_prometheus(replica="manager-1")):
        (found,) = await world.asked.alerts()
    assert (found["name"], found["summary"], found["silenced"]) == (
        *("HostDown", NOTES["summary"]),
        False,
    )
    assert found["labels"] == LABELS
    assert found["since"] == pytest.approx(BEGAN, abs=1)


async def test_an_alert_does_not_end_and_begin_anew_when_another_tells_of_it(world: World) -> None:
    world.said = [alert()]
    before = {a["fingerprint"]: a for a in await world.asked.alerts()}
    world.alertmanager.tasks = []
    async with world.prometheus.task(of_prometheus()):
        after = {a["fingerprint"]: a for a in await world.asked.alerts()}
    assert alerts_between(before, after, BEGAN) == []
    assert after.keys() == before.keys()


def test_two_alerts_have_two_fingerprints() -> None:
    others = [{**LABELS, "host": "manager-2"}, {"alertname": "HostDown"}, {}, {"alertname": "x\0y"}]
    assert len({fingerprint(labels) for labels in (LABELS, *others)}) == 5
    assert fingerprint(dict(reversed(LABELS.items()))) == fingerprint(LABELS)


async def test_when_neither_answers_the_error_names_the_service(world: World) -> None:
    world.alertmanager.tasks = []
    with pytest.raises(UpstreamError, match="no task runs"):
        await world.asked.alerts()


async def test_a_silence_has_its_labels_its_end_and_its_author(world: World) -> None:
    identity = await world.asked.silence({"alertname": "HostDown"}, 3600, "a disk", "ann")
    assert identity == "s1"
    (body,) = world.seen
    begin, end = (datetime.fromisoformat(body.pop(k)) for k in ("startsAt", "endsAt"))
    assert (end - begin).total_seconds() == 3600
    assert begin.utcoffset() is not None, "Alertmanager wants to know the time zone"
    assert body == {
        "matchers": [{"name": "alertname", "value": "HostDown", "isRegex": False, "isEqual": True}],
        "comment": "a disk",
        "createdBy": "ann",
    }


async def test_only_silences_that_hold_are_listed(world: World) -> None:
    def silence(state: str) -> dict[str, Any]:
        return {
            "id": state,
            "matchers": [{"name": "app", "value": "hello", "isRegex": False}],
            "endsAt": "2026-09-21T14:13:20.000Z",
            "comment": "",
            "createdBy": "ann",
            "status": {"state": state},
        }

    world.said = [silence("expired"), silence("active"), silence("pending")]
    assert await world.asked.silences() == [
        {
            "id": "active",
            "matchers": {"app": "hello"},
            "until": BEGAN,
            "comment": "",
            "author": "ann",
        }
    ]


async def test_a_silence_is_ended_once(world: World) -> None:
    await world.asked.unsilence("s1")
    with pytest.raises(UpstreamError, match="silence not found"):
        await world.asked.unsilence("another")
