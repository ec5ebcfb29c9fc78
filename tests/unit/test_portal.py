"""The portal's HTTP service: who gets in, what others are told, and what the answers carry."""

import asyncio
import gzip
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer

from control.portal import feed, stream
from control.portal.account import Account, AccountError
from control.portal.door import MOST_WAITING, Door, TooOftenError
from control.portal.files import CHARTS, Files
from control.portal.limits import ADDRESS_FAILURES, ALL_FAILURES, MOST_ADDRESSES, Limits
from control.portal.server import Options, application
from control.portal.sessions import COOKIE, FORM_COOKIE, FORM_SECONDS, Sessions
from tests.browser.fake_source import FakeSource
from tests.browser.portal import PASSWORD, account
from tests.support.client import Client

SOON = 5  # seconds in which what is awaited surely comes; it takes milliseconds
FIRST_LOAD_BYTES = 300_000
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
CSRF = re.compile(r'name="csrf-token" content="([0-9a-f]{64})"')
HTTPS = {"X-Forwarded-Proto": "https"}
DEV = Options("dev")


class Clock:
    """Time as the test wants it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@asynccontextmanager
async def portal(source: FakeSource, clock: Clock, options: Options = DEV) -> AsyncIterator[Client]:
    """A client of the portal."""
    server = TestServer(application(source, account(), options, clock), host="127.0.0.1")
    async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
        yield client


@pytest.fixture
async def client(source: FakeSource, clock: Clock) -> AsyncIterator[Client]:
    async with portal(source, clock) as found:
        yield found


async def form(client: Client) -> str:
    """The token of a fresh login form."""
    answer = await client.get("/login")
    found = TOKEN.search(await answer.text())
    assert found
    return found[1]


async def login(client: Client, password: str = PASSWORD, address: str = "", **fields: str) -> Any:
    """A try to log in."""
    data = {"username": "admin", "password": password, "token": await form(client)} | fields
    headers = {"X-Forwarded-For": address} if address else {}
    return await client.post("/login", data=data, headers=headers, allow_redirects=False)


async def csrf(client: Client) -> str:
    """What the page tells its scripts to say."""
    found = CSRF.search(await (await client.get("/")).text())
    assert found
    return found[1]


def origin(client: Client) -> str:
    return str(client.make_url("")).rstrip("/")


async def orders(client: Client, **changes: str) -> dict[str, str]:
    """The headers of an order that the page gives."""
    return {"X-CSRF-Token": await csrf(client), "Origin": origin(client)} | changes


SILENCE = {"matchers": {"alertname": "HostDown"}, "seconds": 3600, "comment": "known"}


async def test_the_right_password_lets_in(client: Client) -> None:
    answer = await login(client)
    assert answer.status == 303
    assert answer.headers["Location"] == "/"
    page = await client.get("/")
    assert page.status == 200
    assert "admin" in await page.text()


async def test_a_wrong_password_does_not(client: Client) -> None:
    answer = await login(client, "guess")
    assert answer.status == 401
    assert "User name or password is wrong." in await answer.text()
    assert COOKIE not in answer.cookies
    assert (await client.get("/", allow_redirects=False)).headers["Location"] == "/login"


async def test_a_wrong_user_name_does_not(client: Client) -> None:
    assert (await login(client, username="root")).status == 401


@pytest.mark.parametrize(
    "password", ["a" * 100, "nul\0", "ü" * 40, "\ud800".encode("utf-8", "replace").decode()]
)
async def test_passwords_that_bcrypt_cannot_take_are_only_wrong(
    client: Client, password: str
) -> None:
    assert (await login(client, password)).status == 401


def test_what_bcrypt_cuts_off_is_not_forgiven() -> None:
    import bcrypt

    hashed = bcrypt.hashpw(b"a" * 72, bcrypt.gensalt(4)).decode()
    long = Account(password_bcrypt=hashed, key="k" * 32)
    assert long.admits("admin", "a" * 72)
    assert not long.admits("admin", "a" * 73)


async def test_the_cookie_is_for_this_site_and_not_for_scripts(client: Client) -> None:
    cookie = (await login(client)).cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    assert cookie["path"] == "/"
    assert cookie["max-age"] == str(12 * 3600)
    assert not cookie["secure"]


async def test_the_cookie_is_secure_over_https(client: Client) -> None:
    token = await form(client)
    data = {"username": "admin", "password": PASSWORD, "token": token}
    answer = await client.post("/login", data=data, headers=HTTPS, allow_redirects=False)
    assert answer.cookies[COOKIE]["secure"]


async def test_guessing_is_stopped_and_the_page_says_for_how_long(
    client: Client, clock: Clock
) -> None:
    for _ in range(ADDRESS_FAILURES):
        assert (await login(client, "guess", "10.0.0.1")).status == 401
    answer = await login(client, PASSWORD, "10.0.0.1")
    assert answer.status == 429, "even the right password has to wait"
    assert answer.headers["Retry-After"] == "60"
    assert "Try again in 60 seconds" in await answer.text()
    clock.now += 61
    assert (await login(client, PASSWORD, "10.0.0.1")).status == 303


async def test_only_the_address_that_the_edge_appended_counts(client: Client) -> None:
    for n in range(ADDRESS_FAILURES):
        await login(client, "guess", f"10.9.9.{n}, 10.0.0.1")
    assert (await login(client, PASSWORD, "10.9.9.1, 10.0.0.1")).status == 429
    assert (await login(client, PASSWORD, "10.0.0.1, 10.0.0.2")).status == 303


async def test_addresses_of_one_ipv6_network_count_as_one(client: Client) -> None:
    for n in range(ADDRESS_FAILURES):
        await login(client, "guess", f"2001:db8:1:2::{n}")
    assert (await login(client, PASSWORD, "2001:db8:1:2:ffff::1")).status == 429
    assert (await login(client, PASSWORD, "2001:db8:1:3::1")).status == 303


async def test_a_success_resets_the_count(client: Client) -> None:
    for _ in range(2):
        for _ in range(ADDRESS_FAILURES - 1):
            await login(client, "guess")
        assert (await login(client)).status == 303
        client.session.cookie_jar.clear()


def test_guessing_from_many_addresses_is_stopped_too() -> None:
    limits = Limits(Clock())
    for n in range(ALL_FAILURES):
        assert limits.wait(f"10.0.{n}.1") == 0
        limits.failed(f"10.0.{n}.1")
    assert limits.wait("10.1.0.1") == 60


def test_the_memory_of_addresses_is_bounded() -> None:
    limits = Limits(Clock())
    for n in range(MOST_ADDRESSES + 10):
        limits.failed(str(n))
    assert len(limits) == MOST_ADDRESSES


async def test_tries_at_once_do_not_get_past_the_limit() -> None:
    door = Door(account(), Limits())
    tries = await asyncio.gather(
        *(door.admits("10.0.0.1", "admin", "guess") for _ in range(MOST_WAITING)),
        return_exceptions=True,
    )
    assert tries.count(False) == ADDRESS_FAILURES
    assert sum(isinstance(t, TooOftenError) for t in tries) == MOST_WAITING - ADDRESS_FAILURES


async def test_a_crowd_at_the_door_is_sent_away() -> None:
    door = Door(account(), Limits())
    tries = await asyncio.gather(
        *(door.admits(f"10.0.0.{n}", "admin", "guess") for n in range(MOST_WAITING + 3)),
        return_exceptions=True,
    )
    assert sum(isinstance(t, TooOftenError) for t in tries) == 3


async def test_a_login_without_the_forms_token_is_refused(client: Client) -> None:
    assert (await login(client, token="0" * 64)).status == 403
    assert (await login(client, token="ü")).status == 403
    assert (await login(client, token="")).status == 403


async def test_a_login_without_the_forms_cookie_is_refused(client: Client) -> None:
    token = await form(client)
    client.session.cookie_jar.clear()
    data = {"username": "admin", "password": PASSWORD, "token": token}
    assert (await client.post("/login", data=data)).status == 403


async def test_a_form_that_was_open_for_long_is_refused(client: Client, clock: Clock) -> None:
    token = await form(client)
    clock.now += FORM_SECONDS + 1
    data = {"username": "admin", "password": PASSWORD, "token": token}
    answer = await client.post("/login", data=data)
    assert answer.status == 403
    assert "open for too long" in await answer.text()


async def test_forms_in_two_tabs_are_both_good(client: Client) -> None:
    first = await form(client)
    await form(client)
    data = {"username": "admin", "password": PASSWORD, "token": first}
    assert (await client.post("/login", data=data, allow_redirects=False)).status == 303


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_login_from_another_site_is_refused(
    client: Client, headers: dict[str, str]
) -> None:
    data = {"username": "admin", "password": PASSWORD, "token": await form(client)}
    assert (await client.post("/login", data=data, headers=headers)).status == 403


async def test_the_page_may_silence(client: Client, source: FakeSource) -> None:
    await login(client)
    answer = await client.post("/api/silence", json=SILENCE, headers=await orders(client))
    assert answer.status == 200
    assert await answer.json() == {"id": "silence-1"}
    assert source.silences == [SILENCE | {"author": "admin"}]


@pytest.mark.parametrize("path", ["/api/silence", "/logout"])
@pytest.mark.parametrize(
    "changes",
    [
        {"X-CSRF-Token": ""},
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "ü"},
        {"Origin": ""},
        {"Origin": "null"},
        {"Origin": "http://evil.test"},
        {"Origin": "http://["},
        {"Origin": "file://"},
        {"X-Forwarded-Host": "portal.test"},
    ],
)
async def test_an_order_that_is_not_of_the_page_is_refused(
    client: Client, source: FakeSource, path: str, changes: dict[str, str]
) -> None:
    await login(client)
    headers = await orders(client, **changes)
    assert (await client.post(path, json=SILENCE, headers=headers)).status == 403
    assert source.silences == []
    assert (await client.get("/api/overview")).status == 200


@pytest.mark.parametrize("given", ["https://portal.test", "https://portal.test:443"])
async def test_the_host_is_the_one_that_the_edge_tells(client: Client, given: str) -> None:
    await login(client)
    headers = await orders(client, Origin=given) | {"X-Forwarded-Host": "Portal.test"} | HTTPS
    assert (await client.post("/api/silence", json=SILENCE, headers=headers)).status == 200


async def test_the_token_of_another_session_is_refused(client: Client) -> None:
    await login(client)
    headers = await orders(client)
    client.session.cookie_jar.clear()
    await login(client)
    assert (await client.post("/api/silence", json=SILENCE, headers=headers)).status == 403


async def test_a_logout_takes_the_cookie_away(client: Client) -> None:
    await login(client)
    assert (await client.post("/logout", headers=await orders(client))).status == 204
    assert (await client.get("/api/overview")).status == 401


async def test_a_session_expires(client: Client, clock: Clock) -> None:
    await login(client)
    clock.now += 12 * 3600 - 1
    assert (await client.get("/api/overview")).status == 200
    clock.now += 1
    assert (await client.get("/api/overview")).status == 401


def test_a_session_that_was_tampered_with_is_none(clock: Clock) -> None:
    sessions = Sessions(account(), clock=clock)
    kind, expires, nonce, signature = sessions.begin().token.split(".")
    assert sessions.read(f"{kind}.{expires}.{nonce}.{signature}")
    for token in (
        f"{kind}.{int(expires) + 1}.{nonce}.{signature}",
        f"{kind}.{expires}.{nonce[:-1]}.{signature}",
        f"{kind}.{expires}.{nonce}.{signature[:-1]}",
        f"{kind}.{expires}.{nonce}.",
        f"{kind}.{expires}.{nonce}.ü\udcff",
        f"\udcff.{expires}.{nonce}.{signature}",
        "....",
        "x" * 10_000,
        "",
        None,
    ):
        assert sessions.read(token) is None, token


def test_a_forms_token_is_no_session(clock: Clock) -> None:
    sessions = Sessions(account(), clock=clock)
    assert sessions.read(sessions.form().token) is None
    assert sessions.read_form(sessions.begin().token) is None


def test_every_process_with_the_key_knows_a_session_and_none_without_it(clock: Clock) -> None:
    ours = account()
    token = Sessions(ours, clock=clock).begin().token
    assert Sessions(ours, clock=clock).read(token)
    other_key = Account(password_bcrypt=ours.password_bcrypt, key="x" * 64)
    assert Sessions(other_key, clock=clock).read(token) is None
    other_password = Account(password_bcrypt="$2b$another", key=ours.key)
    assert Sessions(other_password, clock=clock).read(token) is None


def routes(client: Client) -> list[tuple[str, str]]:
    """Every method and path that the portal has."""
    assert isinstance(client.server, TestServer)
    resources = client.server.app.router.resources()
    return [(r.method, r.resource.canonical) for x in resources for r in x if r.resource]  # type: ignore[attr-defined]


async def test_everything_but_the_way_in_wants_a_session(client: Client) -> None:
    found = routes(client)
    assert ("GET", "/api/stream") in found
    for method, path in [
        *found,
        ("GET", "/api/nothing"),
        ("POST", "/"),
        ("DELETE", "/api/silence"),
    ]:
        if path.startswith(("/login", "/healthz", "/static/")):
            continue
        answer = await client.request(method, path, allow_redirects=False)
        if path.startswith("/api/") or method not in {"GET", "HEAD"}:
            assert answer.status == 401, path
        else:
            assert (answer.status, answer.headers["Location"]) == (303, "/login"), path
        if path.startswith("/api/") and method != "HEAD":
            assert (await answer.json())["error"] == "Log in first, or again."


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/login",
        "/healthz",
        "/nothing",
        "/api/nothing",
        "/api/overview",
        "/api/stream",
        "/api/series",
    ],
)
@pytest.mark.parametrize("inside", [True, False])
async def test_every_answer_has_the_headers(client: Client, path: str, inside: bool) -> None:
    if inside:
        await login(client)
    answer = await client.get(path, allow_redirects=False, headers=HTTPS)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in answer.headers, "plain http works as well here"
    assert "aiohttp" not in answer.headers["Server"]
    answer.close()


async def test_plain_answers_promise_no_https(client: Client) -> None:
    assert "Strict-Transport-Security" not in (await client.get("/login")).headers


async def test_https_only_sends_plain_requests_on(source: FakeSource, clock: Clock) -> None:
    async with portal(source, clock, Options("dev", https_only=True)) as client:
        headers = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "portal.test:8080"}
        answer = await client.get("/login?a=b", headers=headers, allow_redirects=False)
        assert answer.status == 308
        assert answer.headers["Location"] == "https://portal.test/login?a=b"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert (await client.post("/login", headers=headers)).status == 403
        bad = headers | {"X-Forwarded-Host": "evil.test/@portal"}
        assert (await client.get("/login", headers=bad, allow_redirects=False)).status == 403
        secure = await client.get("/login", headers=HTTPS)
        assert secure.status == 200
        assert secure.headers["Strict-Transport-Security"].startswith("max-age=")
        assert (await client.get("/healthz")).status == 200, "Docker and the edge ask plainly"


async def test_https_only_knows_another_port(source: FakeSource, clock: Clock) -> None:
    async with portal(source, clock, Options(https_only=True, https_port=8443)) as client:
        answer = await client.get("/", allow_redirects=False)
        assert answer.headers["Location"] == "https://127.0.0.1:8443/"


async def test_files_are_packed_and_kept_for_ever(client: Client) -> None:
    page = await (await client.get("/login")).text()
    path = re.search(r"/static/[0-9a-f]{16}/base\.css", page)
    assert path
    answer = await client.get(path[0])
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.content_type == "text/css"
    again = await client.get(path[0], headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304
    plain = await client.get(path[0], headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert await plain.text() == await answer.text()


async def test_a_page_of_another_version_gets_files_that_nobody_keeps(client: Client) -> None:
    answer = await client.get("/static/0123456789abcdef/app.js")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["nothing.js", "..%2fserver.py", "page.html"])
async def test_other_files_are_not_served(client: Client, name: str) -> None:
    assert (await client.get(f"/static/x/{name}")).status == 404


def test_all_files_together_are_within_the_budget() -> None:
    files = Files()
    assert CHARTS.name in files.files, f"{CHARTS} is missing: `make setup-test` installs it"
    assert sum(len(f.packed) for f in files.files.values()) < FIRST_LOAD_BYTES
    for file in files.files.values():
        assert gzip.decompress(file.packed) == file.plain


def test_the_address_of_the_files_changes_with_them(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = Files(tmp_path, tmp_path / "none.js").version
    (tmp_path / "a.js").write_text("2")
    assert Files(tmp_path, tmp_path / "none.js").version != before


async def test_no_page_has_a_secret_inline_script_or_style(client: Client) -> None:
    ours = account()
    pages = [await (await client.get("/login")).text()]
    await login(client)
    pages += [await (await client.get(path)).text() for path in ("/", "/nothing", "/api/overview")]
    for page in pages:
        for secret in (PASSWORD, ours.key, "$2b$"):
            assert secret not in page
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page)


async def test_the_environments_name_is_escaped(source: FakeSource, clock: Clock) -> None:
    async with portal(source, clock, Options("<script>&$x")) as client:
        assert "&lt;script&gt;&amp;$x" in await (await client.get("/login")).text()


async def test_nothing_secret_is_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        await login(client, "a wrong secret")
        await login(client, username="typed a secret here")
        await login(client)
    assert "a login from 127.0.0.1" in caplog.text
    assert "secret" not in caplog.text
    assert PASSWORD not in caplog.text
    assert "session." not in caplog.text


async def test_the_overview_and_the_series_are_as_the_source_tells(
    client: Client, source: FakeSource
) -> None:
    await login(client)
    answer = await client.get("/api/overview")
    assert answer.headers["Content-Encoding"] == "gzip"
    assert (await answer.json())["hosts"] == source.told["hosts"]
    told = await (await client.get("/api/series?what=app&name=hello&minutes=15")).json()
    assert set(told) == {"times", "series"}
    assert source.asked == [("app", "hello", 15)]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "what=secret&name=a&minutes=5",
        "what=app&name=&minutes=5",
        'what=app&name=a"}&minutes=5',
        "what=app&name=a&minutes=0",
        "what=app&name=a&minutes=1e9",
        "what=app&name=a&minutes=999999",
    ],
)
async def test_questions_that_make_no_sense_are_refused(client: Client, query: str) -> None:
    await login(client)
    answer = await client.get(f"/api/series?{query}")
    assert answer.status == 400
    assert " must be " in (await answer.json())["error"]


@pytest.mark.parametrize(
    "changes",
    [
        {"matchers": {}},
        {"matchers": ["a"]},
        {"matchers": {"a": 1}},
        {"matchers": {"a": "x" * 600}},
        {"seconds": 0},
        {"seconds": True},
        {"seconds": "3600"},
        {"seconds": 10**9},
        {"comment": 5},
        {"comment": "x" * 600},
    ],
)
async def test_silences_that_make_no_sense_are_refused(
    client: Client, source: FakeSource, changes: dict[str, Any]
) -> None:
    await login(client)
    answer = await client.post("/api/silence", json=SILENCE | changes, headers=await orders(client))
    assert answer.status == 400
    assert (await answer.json())["error"]
    assert source.silences == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
async def test_a_silence_that_is_no_json_object_is_refused(client: Client, body: bytes) -> None:
    await login(client)
    headers = await orders(client) | {"Content-Type": "application/json"}
    assert (await client.post("/api/silence", data=body, headers=headers)).status == 400


async def test_large_bodies_are_refused(client: Client) -> None:
    assert (await client.post("/login", data={"password": "x" * 50_000})).status == 413
    await login(client)
    answer = await client.post("/api/silence", data=b"x" * 50_000, headers=await orders(client))
    assert answer.status == 413
    assert "error" in await answer.json()


async def test_what_the_source_cannot_tell_is_said_in_words(
    client: Client, source: FakeSource
) -> None:
    await login(client)
    source.problem = "Prometheus does not answer."
    answer = await client.get("/api/series?what=app&name=hello&minutes=15")
    assert answer.status == 502
    assert await answer.json() == {"error": "Prometheus does not answer."}


async def test_a_failure_inside_is_said_without_details(
    client: Client, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> dict[str, Any]:
        raise RuntimeError("something private")

    await login(client)
    monkeypatch.setattr(source, "overview", broken)
    answer = await client.get("/api/overview")
    assert answer.status == 500
    assert "private" not in await answer.text()


async def test_wrong_methods_and_paths_are_errors_of_their_kind(client: Client) -> None:
    await login(client)
    assert (await client.get("/nothing")).content_type == "text/html"
    wrong = await client.put("/api/overview", headers=await orders(client))
    assert (wrong.status, wrong.content_type) == (405, "application/json")
    assert "GET" in wrong.headers["Allow"]


async def events(answer: Any) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream; a comment is an event named ':'."""
    name = ""
    async for line in answer.content:
        text = line.decode().rstrip("\n")
        if text.startswith("event: "):
            name = text[7:]
        elif text.startswith("data: "):
            yield name, json.loads(text[6:])
        elif text.startswith(":"):
            yield ":", text


async def overview_where(answer: Any, environment: str) -> None:
    """Wait until the stream tells of this environment."""
    async with asyncio.timeout(SOON):
        async for name, data in events(answer):
            if name == "overview" and data["environment"] == environment:
                return
    pytest.fail("the stream ended")


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_the_stream_tells_the_overview_and_each_newer_one(
    client: Client, source: FakeSource, encoding: str
) -> None:
    await login(client)
    answer = await client.get("/api/stream", headers={"Accept-Encoding": encoding})
    assert answer.content_type == "text/event-stream"
    assert answer.headers.get("Content-Encoding", "identity") == encoding
    await overview_where(answer, "dev")
    source.change(environment="changed")
    await overview_where(answer, "changed")
    answer.close()


async def test_a_page_that_comes_late_is_told_at_once(client: Client, source: FakeSource) -> None:
    await login(client)
    first = await client.get("/api/stream")
    await overview_where(first, "dev")
    source.stalled = True
    second = await client.get("/api/stream")
    await overview_where(second, "dev")


async def test_the_stream_beats_while_there_is_no_news(
    client: Client, source: FakeSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    source.stalled = True
    await login(client)
    answer = await client.get("/api/stream")
    async with asyncio.timeout(SOON):
        async for name, _ in events(answer):
            if name == ":":
                return
    pytest.fail("the stream ended")


async def test_the_stream_ends_with_the_session(
    client: Client, source: FakeSource, clock: Clock
) -> None:
    await login(client)
    answer = await client.get("/api/stream")
    await overview_where(answer, "dev")
    clock.now += 13 * 3600
    async with asyncio.timeout(SOON):
        names = [name async for name, _ in events(answer)]
    assert names[-1] == "expired"
    assert (await client.get("/api/stream")).status == 401


async def test_the_stream_outlives_a_source_that_fails(
    source: FakeSource, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "RETRY_SECONDS", 0.01)
    changes, calls = source.changes, []

    async def failing() -> AsyncIterator[dict[str, Any]]:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("the source is gone")
        async for overview in changes():
            yield overview

    monkeypatch.setattr(source, "changes", failing)
    async with portal(source, clock) as client:
        await login(client)
        await overview_where(await client.get("/api/stream"), "dev")


async def test_a_stream_that_nobody_could_read_is_not_begun(client: Client) -> None:
    await login(client)
    assert (await client.head("/api/stream")).status == 405


async def test_a_process_that_stops_lets_go_of_its_streams(
    source: FakeSource, clock: Clock
) -> None:
    began = time.monotonic()
    runner = web.AppRunner(application(source, account(), clock=clock))
    server = TestServer(runner.app, host="127.0.0.1")
    async with TestClient(server, cookie_jar=CookieJar(unsafe=True)) as client:
        await login(client)
        answer = await client.get("/api/stream")
        await overview_where(answer, "dev")
        await server.close()
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize(
    "text",
    [
        None,
        "{",
        "[]",
        "{}",
        '{"password_bcrypt": "plain", "key": "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"}',
        '{"password_bcrypt": "$2b$x", "key": "short-secret"}',
        '{"password_bcrypt": "$2b$x", "key": 5}',
    ],
)
def test_an_account_that_cannot_be_used_is_told_with_its_path_only(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "portal.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AccountError) as caught:
        Account.read(path)
    assert str(path) in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_account_is_read_and_shows_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "portal.json"
    path.write_text(json.dumps({"password_bcrypt": "$2b$hash", "key": "k" * 40, "more": 1}))
    found = Account.read(path)
    assert found == Account(username="admin", password_bcrypt="$2b$hash", key="k" * 40)
    assert "hash" not in repr(found)
    assert "kkk" not in repr(found)


async def test_the_login_cookie_goes_when_it_has_served(client: Client) -> None:
    answer = await login(client)
    assert answer.cookies[FORM_COOKIE]["max-age"] in {"0", 0}
    assert (await client.get("/login", allow_redirects=False)).headers["Location"] == "/"


async def test_nobody_is_asked_while_nobody_looks_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    class Counting:
        async def changes(self) -> AsyncIterator[dict[str, Any]]:
            nonlocal asked
            while True:
                asked += 1
                yield {"asked": asked}
                await asyncio.sleep(0)

    monkeypatch.setattr(feed, "IDLE_SECONDS", 0.05)
    news = feed.Feed(Counting())  # type: ignore[arg-type]
    running = news.run(web.Application())
    await anext(running)
    await asyncio.sleep(0)
    assert asked == 0, "it asks before anybody looks on"
    first = await news.after(0, 5)
    assert first is not None
    while news._wanted.is_set():
        await asyncio.sleep(0.01)
    rested = asked
    later = await news.after(0, 5)
    assert later is not None
    assert b'"asked":%d}' % (rested + 1) in later[1].plain, "what is shown is new"
    with pytest.raises(StopAsyncIteration):
        await anext(running)
