"""What control serves of notifications, over HTTP."""

import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from control.notify import routes as module
from control.notify.delivery import RESULTS
from control.notify.post import session
from control.notify.receivers import Receiver
from control.notify.routes import routes
from tests.support.client import Client
from tests.support.receivers import STARTED, Recorder, alert, payload, recorder

PORTAL = "https://portal.dev.example.org/"


@pytest.fixture
def ops() -> Iterator[Recorder]:
    with recorder() as found:
        yield found


@pytest.fixture
def team() -> Iterator[Recorder]:
    with recorder() as found:
        found.answer = b'{"errcode": 0}'
        yield found


@pytest.fixture
async def client(ops: Recorder, team: Recorder) -> AsyncIterator[Client]:
    """Control with a webhook `ops` and a bot `team`, at a time of its own."""
    receivers = {
        "ops": Receiver("ops", "webhook", url=f"{ops.url}/ops-secret"),
        "team": Receiver("team", "wecom", url=f"{team.url}/send?key=team-secret"),
    }
    async with session() as outward:
        app = web.Application()
        app.add_routes(routes(receivers, lambda: outward, "dev", PORTAL, lambda: STARTED + 300))
        async with TestClient(TestServer(app)) as found:
            yield found


async def answer(response: aiohttp.ClientResponse) -> tuple[int, Any]:
    return response.status, await response.json()


async def test_what_alertmanager_posts_is_delivered(
    client: Client, ops: Recorder, team: Recorder
) -> None:
    raw = payload(alert())
    assert await answer(await client.post("/v1/notify/ops", json=raw)) == (
        200,
        {"receiver": "ops", "kind": "webhook", "ok": True, "detail": "HTTP 200"},
    )
    assert ops.received[0].json == raw
    assert team.received == []


async def test_a_failure_is_told_to_alertmanager_and_its_next_attempt_succeeds(
    client: Client, ops: Recorder
) -> None:
    ops.status = 500
    assert await answer(await client.post("/v1/notify/ops", json=payload(alert()))) == (
        502,
        {"error": "receiver ops (webhook): HTTP 500"},
    )
    ops.down()
    assert (await client.post("/v1/notify/ops", json=payload(alert()))).status == 502
    ops.up()
    ops.status = 200
    assert (await client.post("/v1/notify/ops", json=payload(alert()))).status == 200


async def test_a_bots_refusal_is_told_to_alertmanager(client: Client, team: Recorder) -> None:
    team.answer = b'{"errcode": 93000, "errmsg": "invalid webhook url"}'
    assert await answer(await client.post("/v1/notify/team", json=payload(alert()))) == (
        502,
        {"error": "receiver team (wecom): HTTP 200: errcode 93000: invalid webhook url"},
    )


async def test_a_receiver_that_does_not_exist(client: Client) -> None:
    status, said = await answer(await client.post("/v1/notify/nobody", json=payload(alert())))
    assert (status, said) == (
        404,
        {"error": "there is no receiver 'nobody'; there are: ops, team"},
    )


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"", b'{"alerts": 5}', b"[" * 100_000])
async def test_what_is_no_webhook_of_alertmanagers_is_refused(
    client: Client, ops: Recorder, body: bytes
) -> None:
    status, said = await answer(await client.post("/v1/notify/ops", data=body))
    assert status == 400
    assert "error" in said
    assert ops.received == []


async def test_a_group_larger_than_aiohttps_own_limit_is_delivered(
    client: Client, ops: Recorder
) -> None:
    raw = payload(*(alert(host=f"h{n}", text="x" * 3000) for n in range(500)))
    assert len(json.dumps(raw)) > 1024**2
    body = io.BytesIO(json.dumps(raw).encode())
    assert (await client.post("/v1/notify/ops", data=body)).status == 200
    assert ops.received[0].json == raw


async def test_a_body_beyond_the_limit_is_refused(
    client: Client, ops: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_NOTIFICATION_BYTES", 1000)
    status, said = await answer(await client.post("/v1/notify/ops", data=b" " * 1001))
    assert (status, said) == (413, {"error": "the body is larger than 1000 bytes"})
    assert ops.received == []


async def test_a_test_goes_to_all_receivers_and_says_how_each_went(
    client: Client, ops: Recorder, team: Recorder
) -> None:
    team.status = 503
    response = await client.post("/v1/alerts/test", json={"receiver": None})
    assert await answer(response) == (
        200,
        {
            "results": [
                {"receiver": "ops", "kind": "webhook", "ok": True, "detail": "HTTP 200"},
                {"receiver": "team", "kind": "wecom", "ok": False, "detail": "HTTP 503"},
            ]
        },
    )
    sent = ops.received[0].json
    (one,) = sent["alerts"]
    assert sent["version"] == "4"
    assert one["labels"] == {"alertname": "HorcruxTest", "environment": "dev", "severity": "info"}
    assert one["annotations"]["summary"] == "this is a test of the notifications of dev"
    assert one["startsAt"] == "2026-01-02T03:09:05.123456Z"
    assert "HorcruxTest: this is a test of the notifications of dev" in str(team.received[0].json)


async def test_a_test_of_one_receiver_leaves_the_others_alone(
    client: Client, ops: Recorder, team: Recorder
) -> None:
    response = await client.post("/v1/alerts/test", json={"receiver": "team"})
    _, said = await answer(response)
    assert [result["receiver"] for result in said["results"]] == ["team"]
    assert ops.received == []
    assert len(team.received) == 1


async def test_a_slow_receiver_does_not_keep_the_others_from_their_test(
    client: Client, ops: Recorder, team: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("control.notify.delivery.DELIVERY_SECONDS", 1)
    ops.silence.clear()
    _, said = await answer(await client.post("/v1/alerts/test"))
    assert [result["ok"] for result in said["results"]] == [False, True]


@pytest.mark.parametrize("body", [{"receiver": "nobody"}, {"receiver": 5}, {"receiver": ["ops"]}])
async def test_a_test_of_a_receiver_that_does_not_exist(
    client: Client, body: dict[str, Any]
) -> None:
    status, said = await answer(await client.post("/v1/alerts/test", json=body))
    assert status == 404
    assert "there are: ops, team" in said["error"]


async def test_a_test_without_a_single_receiver_has_no_results() -> None:
    app = web.Application()
    app.add_routes(routes({}, aiohttp.ClientSession, "dev", PORTAL))
    async with TestClient(TestServer(app)) as client:
        assert await answer(await client.post("/v1/alerts/test")) == (200, {"results": []})


def test_each_receivers_counters_begin_at_zero() -> None:
    routes({"new": Receiver("new", "wecom", url="http://x/")}, aiohttp.ClientSession, "dev", "")
    found = {
        (s.labels["receiver"], s.labels["result"]): s.value
        for metric in RESULTS.collect()
        for s in metric.samples
        if s.name == "horcrux_notifications_total"
    }
    assert found["new", "delivered"] == found["new", "failed"] == 0
