"""Deliveries over HTTP: what arrives, what failures are called, and that nothing secret is said."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from control.notify import delivery, dingtalk, email
from control.notify.delivery import RESULTS, Result, deliver, without_secrets
from control.notify.post import MOST_ANSWER, session
from control.notify.receivers import Receiver
from tests.support.receivers import STARTED, Mailbox, Recorder, alert, mail_server, payload
from tests.support.receivers import recorder as running

NOW = STARTED + 300
PORTAL = "https://portal.dev.example.org/"
TOKEN = "token-0123456789"
SIGN = "SECsigning-secret"
OK = b'{"errcode": 0, "errmsg": "ok", "code": 0, "msg": "success"}'


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with running() as found:
        found.answer = OK
        yield found


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with session() as found:
        yield found


def receiver(recorder: Recorder, kind: str = "webhook", path: str = "/hook") -> Receiver:
    sign = SIGN if kind in {"dingtalk", "feishu"} else ""
    return Receiver("ops", kind, url=f"{recorder.url}{path}?key={TOKEN}", sign=sign)


async def delivered(
    to: Receiver, client: aiohttp.ClientSession, raw: dict[str, Any] | None = None
) -> Result:
    return await deliver(to, raw or payload(alert()), client, NOW, PORTAL)


def counted(kind: str, result: str) -> float:
    labels = {"receiver": "ops", "kind": kind, "result": result}
    samples = [s for m in RESULTS.collect() for s in m.samples if s.labels == labels]
    return next((s.value for s in samples if s.name == "horcrux_notifications_total"), 0)


async def test_a_webhook_gets_what_alertmanager_posted(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    raw = payload(alert(host="主机"), future={"number": 1.5, "list": [None, True]})
    result = await delivered(receiver(recorder), client, raw)
    assert result == Result("ops", "webhook", True, "HTTP 200")
    (request,) = recorder.received
    assert request.json == raw
    assert request.path == f"/hook?key={TOKEN}"
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"


@pytest.mark.parametrize("kind", ["dingtalk", "wecom", "feishu"])
async def test_a_bot_gets_its_message(
    recorder: Recorder, client: aiohttp.ClientSession, kind: str
) -> None:
    result = await delivered(receiver(recorder, kind), client)
    assert result == Result("ops", kind, True, "HTTP 200")
    (request,) = recorder.received
    assert "HostDown" in request.body.decode()
    assert request.path.startswith(f"/hook?key={TOKEN}")


async def test_dingtalks_signature_arrives_as_it_was_computed(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    to = receiver(recorder, "dingtalk")
    await deliver(to, payload(alert()), client, 1577836800.003, PORTAL)
    signed = dingtalk.signed(to.url, SIGN, 1577836800003)
    assert recorder.received[0].path == signed.removeprefix(recorder.url)


@pytest.mark.parametrize(
    ("status", "headers", "detail"),
    [
        (500, {}, "HTTP 500"),
        (429, {"Retry-After": "30"}, "HTTP 429, Retry-After 30"),
        (503, {"Retry-After": "9" * 99}, "HTTP 503, Retry-After " + "9" * 39 + "…"),
        (404, {}, "HTTP 404"),
    ],
)
@pytest.mark.parametrize("kind", ["webhook", "wecom"])
async def test_a_status_that_is_no_success_fails_at_once(
    recorder: Recorder,
    client: aiohttp.ClientSession,
    kind: str,
    status: int,
    headers: dict[str, str],
    detail: str,
) -> None:
    recorder.status, recorder.headers = status, headers
    assert await delivered(receiver(recorder, kind), client) == Result("ops", kind, False, detail)
    assert len(recorder.received) == 1


async def test_redirects_are_not_followed(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    recorder.status, recorder.headers = 307, {"Location": f"{recorder.url}/elsewhere"}
    result = await delivered(receiver(recorder), client)
    assert (result.ok, result.detail.startswith("HTTP 307: redirects are not")) == (False, True)
    assert len(recorder.received) == 1


async def test_a_bots_refusal_under_http_200_is_a_failure(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    recorder.answer = f'{{"errcode": 310000, "errmsg": "no {TOKEN} at {recorder.url}/x"}}'.encode()
    result = await delivered(receiver(recorder, "dingtalk"), client)
    assert result == Result("ops", "dingtalk", False, "HTTP 200: errcode 310000: no *** at ***")


async def test_a_receiver_that_is_down_and_then_up_again(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    recorder.down()
    result = await delivered(receiver(recorder), client)
    assert (result.ok, result.detail) == (False, "no connection (Connection refused)")
    recorder.up()
    assert (await delivered(receiver(recorder), client)).ok


async def test_no_answer_in_time_is_a_failure(
    recorder: Recorder, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DELIVERY_SECONDS", 0.2)
    recorder.silence.clear()
    result = await delivered(receiver(recorder), client)
    assert (result.ok, result.detail) == (False, "no answer within 0.2 s")


async def test_a_mail_server_that_says_nothing_is_a_failure_in_time(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DELIVERY_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        to = Receiver("ops", "email", server=f"127.0.0.1:{port}", sender="a@b.c", to=("d@e.f",))
        async with asyncio.timeout(5):
            result = await delivered(to, client)
    assert not result.ok
    assert result.detail in {"no answer within 0.2 s", "no answer in time"}


async def test_a_mail_is_delivered(client: aiohttp.ClientSession) -> None:
    with mail_server(Mailbox()) as mailbox:
        server = f"127.0.0.1:{mailbox.port}"
        to = Receiver("ops", "email", server=server, security="none", sender="a@b.c", to=("d@e.f",))
        result = await delivered(to, client)
    assert result == Result("ops", "email", True, "accepted for 1 of 1 addresses")
    assert len(mailbox.mails) == 1


async def test_a_name_that_cannot_be_resolved(client: aiohttp.ClientSession) -> None:
    to = Receiver("ops", "webhook", url=f"http://{TOKEN}.invalid/")
    result = await delivered(to, client)
    assert (result.ok, result.detail) == (False, "its name cannot be resolved")


@pytest.mark.parametrize("url", ["http://[::1/x", "http://", "nothing"])
async def test_a_url_that_cannot_be_used(client: aiohttp.ClientSession, url: str) -> None:
    result = await delivered(Receiver("ops", "webhook", url=url), client)
    assert not result.ok
    assert "set the secret again" in result.detail or "no connection" in result.detail


async def test_tls_to_a_server_without_it(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    to = Receiver("ops", "webhook", url=recorder.url.replace("http:", "https:"))
    result = await delivered(to, client)
    assert not result.ok
    assert result.detail in {
        "no TLS connection",
        "the connection was closed before the answer",
    }


async def test_of_an_endless_answer_only_the_beginning_is_read(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    recorder.answer = b'{"errcode": 0, "x": "' + b"x" * 50_000_000 + b'"}'
    result = await delivered(receiver(recorder, "wecom"), client)
    assert not result.ok
    assert "no errcode in the answer" in result.detail
    assert len(result.detail) < MOST_ANSWER


async def test_a_fault_of_our_own_is_a_failure_and_no_exception(
    client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(f"secret {TOKEN}")

    monkeypatch.setattr(email, "mail", broken)
    to = Receiver("ops", "email", server="127.0.0.1:1", sender="a@b.c", to=("d@e.f",))
    result = await delivered(to, client)
    assert result == Result("ops", "email", False, "failed within control (RuntimeError)")


async def test_a_delivery_that_is_cancelled_ends(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    recorder.silence.clear()
    task = asyncio.create_task(delivered(receiver(recorder), client))
    await asyncio.to_thread(recorder.wait_for, bool, 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_deliveries_are_counted_by_how_they_went(
    recorder: Recorder, client: aiohttp.ClientSession
) -> None:
    before = counted("wecom", "delivered"), counted("wecom", "failed")
    await delivered(receiver(recorder, "wecom"), client)
    recorder.status = 500
    await delivered(receiver(recorder, "wecom"), client)
    await delivered(receiver(recorder, "wecom"), client)
    assert counted("wecom", "delivered") == before[0] + 1
    assert counted("wecom", "failed") == before[1] + 2


@pytest.mark.parametrize("kind", ["webhook", "dingtalk", "wecom", "feishu"])
@pytest.mark.parametrize("trouble", ["none", "down", "500", "echo", "silent"])
async def test_nothing_secret_is_said_or_logged(
    recorder: Recorder,
    client: aiohttp.ClientSession,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    trouble: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    to = receiver(recorder, kind, "/open-apis/bot/v2/hook/path-secret-1")
    match trouble:
        case "down":
            recorder.down()
        case "500":
            recorder.status = 500
        case "echo":
            said = f"{to.url} {TOKEN} {SIGN} path-secret-1 {quote(to.url)}"
            recorder.answer = (
                f'{{"errcode": 1, "errmsg": "{said}", "code": 1, "msg": "{said}"}}'.encode()
            )
            recorder.headers = {"Retry-After": TOKEN}
        case "silent":
            monkeypatch.setattr(delivery, "DELIVERY_SECONDS", 0.1)
            recorder.silence.clear()
    result = await delivered(to, client)
    assert result.ok == (trouble == "none" or (trouble == "echo" and kind == "webhook"))
    assert any(r.getMessage().startswith("receiver ops") for r in caplog.records)
    for said in (str(result), repr(to), caplog.text):
        for secret in filter(None, (TOKEN, to.sign, "path-secret-1", to.url)):
            assert secret not in said


def test_secrets_are_taken_out_in_every_spelling() -> None:
    to = Receiver("x", "webhook", url="https://u:pass-word@h/a%20secret-path?token=a%2Fb-token&v=2")
    text = "a b: a%20secret-path, a secret-path, a/b-token, pass-word, https://elsewhere/x y, v2"
    assert without_secrets(text, to) == "a b: ***, ***, ***, ***, *** y, v2"
    mail = Receiver("m", "email", server="s:25", password="pw")
    assert without_secrets("535 pw", mail) == "535 ***"
