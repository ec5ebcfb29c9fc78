"""How an upstream is asked: tokens, redirects, limits, and answers that are wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from email.utils import formatdate

import aiohttp
import pytest
from aiohttp import web

from supply.cache import patience
from supply.cache import upstream as module
from supply.cache.failure import (
    DeniedError,
    LimitedError,
    MissingError,
    UnavailableError,
    UpstreamError,
    WrongError,
)
from supply.cache.settings import Upstream
from supply.cache.upstream import Client
from tests.support.upstream import FakeUpstream, digest_of, image, upstream

APP = "team/app"
IMAGE = image(300_000, 1000)
BLOB = max(IMAGE.blobs, key=lambda d: len(IMAGE.blobs[d]))
CONTENT = IMAGE.blobs[BLOB]


@pytest.fixture
def fake() -> Iterator[FakeUpstream]:
    with upstream() as found:
        found.put(APP, "1", IMAGE)
        yield found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of our own choice are short; those that an upstream asks for are as they are."""
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.01)


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as found:
        yield found


@pytest.fixture
def client(fake: FakeUpstream, session: aiohttp.ClientSession) -> Client:
    return Client(Upstream("up.test", fake.url, 60), session)


async def blob(
    client: Client, offset: int = 0, digest: str = BLOB
) -> tuple[int, int | None, bytes]:
    async with client.blob(APP, digest, offset) as body:
        return body.start, body.size, b"".join([chunk async for chunk in body.chunks])


async def test_a_manifest_comes_by_tag_and_by_digest(client: Client) -> None:
    for reference in ("1", IMAGE.digest):
        assert (await client.manifest(APP, reference)).digest == IMAGE.digest
    assert await client.digest(APP, "1") == IMAGE.digest


async def test_a_blob_comes_whole_or_from_an_offset_on(client: Client) -> None:
    assert await blob(client) == (0, len(CONTENT), CONTENT)
    assert await blob(client, 1000) == (1000, len(CONTENT), CONTENT[1000:])


async def test_a_transfer_that_is_cut_is_told_as_such(client: Client, fake: FakeUpstream) -> None:
    fake.break_after = 100_000
    with pytest.raises(UnavailableError, match="broke off"):
        await blob(client)
    assert (await blob(client))[2] == CONTENT


@pytest.mark.parametrize(
    ("reference", "error"), [("2", MissingError), (digest_of(b""), MissingError)]
)
async def test_what_is_not_there_is_missing_and_asked_for_once(
    client: Client, fake: FakeUpstream, reference: str, error: type[UpstreamError]
) -> None:
    with pytest.raises(error):
        await client.manifest(APP, reference)
    assert len(fake.requests) == 1


async def test_a_missing_blob_is_missing(client: Client, fake: FakeUpstream) -> None:
    fake.missing = {BLOB}
    with pytest.raises(MissingError):
        await blob(client)


async def test_wrong_content_is_refused(client: Client, fake: FakeUpstream) -> None:
    fake.wrong_digest = True
    with pytest.raises(WrongError, match="has the digest"):
        await client.manifest(APP, IMAGE.digest)


async def test_a_page_is_refused_whatever_was_asked_for(client: Client, fake: FakeUpstream) -> None:
    fake.html = True
    for asked in (client.manifest(APP, "1"), client.digest(APP, "1"), blob(client)):
        with pytest.raises(WrongError):
            await asked


async def test_an_upstream_that_is_gone_is_tried_four_times(
    client: Client, fake: FakeUpstream
) -> None:
    fake.gone = True
    with pytest.raises(UnavailableError, match=r"up\.test does not answer"):
        await client.manifest(APP, "1")
    # aiohttp itself repeats a request whose kept connection was closed, in some versions
    assert len(fake.requests) >= patience.TRIES


async def test_an_upstream_that_nobody_listens_at_is_unavailable(
    session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    client = Client(Upstream("up.test", f"http://127.0.0.1:{unused_tcp_port}", 60), session)
    with pytest.raises(UnavailableError):
        await client.digest(APP, "1")


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_an_upstream_that_recovers_is_not_noticed(
    client: Client, fake: FakeUpstream, status: int
) -> None:
    fake.status, fake.busy_times = status, 3
    assert (await client.manifest(APP, "1")).digest == IMAGE.digest
    assert fake.asked("/manifests/") == 4


async def test_errors_without_end_are_told(client: Client, fake: FakeUpstream) -> None:
    fake.status = 500
    with pytest.raises(UnavailableError, match="answers 500"):
        await client.manifest(APP, "1")


@pytest.mark.parametrize("as_date", [False, True])
async def test_the_wait_that_is_asked_for_is_kept(
    client: Client, fake: FakeUpstream, as_date: bool
) -> None:
    fake.status, fake.busy_times = 429, 1
    fake.retry_after = formatdate(time.time() + 2, usegmt=True) if as_date else "1"
    began = time.monotonic()
    await client.manifest(APP, "1")
    assert time.monotonic() - began >= 0.9  # a date has no fractions of a second
    assert fake.asked("/manifests/") == 2


async def test_a_wait_that_is_too_long_is_told_at_once(client: Client, fake: FakeUpstream) -> None:
    fake.status, fake.retry_after = 429, "600"
    with pytest.raises(LimitedError) as raised:
        await client.manifest(APP, "1")
    assert (raised.value.seconds, len(fake.requests)) == (600.0, 1)


async def test_all_waits_together_are_no_longer_than_a_client_s_patience(
    client: Client, fake: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 1.5)
    fake.status, fake.retry_after = 429, "1"
    with pytest.raises(LimitedError):
        await client.manifest(APP, "1")
    assert len(fake.requests) == 2, "a third would come after two seconds"


async def test_a_token_is_got_once_and_shown(
    fake: FakeUpstream, session: aiohttp.ClientSession
) -> None:
    fake.private = {APP}
    client = Client(Upstream("up.test", fake.url, 60, *fake.account), session)
    await client.manifest(APP, "1")
    assert (await blob(client))[2] == CONTENT
    assert fake.asked("/token") == 1


async def test_who_may_not_is_denied(fake: FakeUpstream, session: aiohttp.ClientSession) -> None:
    fake.private = {APP}
    wrong = Client(Upstream("up.test", fake.url, 60, "puller", "wrong"), session)
    with pytest.raises(DeniedError):
        await wrong.manifest(APP, "1")


async def test_an_anonymous_question_does_not_use_the_account(
    fake: FakeUpstream, session: aiohttp.ClientSession
) -> None:
    fake.private = {APP}
    client = Client(Upstream("up.test", fake.url, 60, *fake.account), session)
    await client.manifest(APP, "1")
    with pytest.raises(DeniedError):
        await client.digest(APP, "1", anonymous=True)
    fake.private = {"another"}
    assert await client.digest(APP, "1", anonymous=True) == IMAGE.digest


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_another_host_is_not_shown_who_we_are(
    fake: FakeUpstream, session: aiohttp.ClientSession, elsewhere: bool
) -> None:
    fake.private = {APP}
    client = Client(Upstream("up.test", fake.url, 60, *fake.account), session)
    with upstream("127.0.0.2") as store:
        store.put(APP, "1", IMAGE)
        fake.redirect_blobs = f"http://127.0.0.2:{store.port}" if elsewhere else fake.url
        assert await blob(client, 1000) == (1000, len(CONTENT), CONTENT[1000:])
        shown = store.seen_elsewhere if elsewhere else fake.seen_elsewhere
        assert shown == [None if elsewhere else f"Bearer for-{APP}"]


class Scripted:
    """A registry of one answer after the other, and then of silence."""

    def __init__(self, *answers: web.StreamResponse) -> None:
        self.answers, self.requests = list(answers), list[web.Request]()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if not self.answers:
            await asyncio.Event().wait()
        return self.answers.pop(0)


@pytest.fixture
async def scripted(session: aiohttp.ClientSession) -> AsyncIterator[tuple[Scripted, Client, str]]:
    told = Scripted()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", told.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server
    url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"  # type: ignore[attr-defined]
    yield told, Client(Upstream("up.test", url, 60, "puller", "secret"), session), url
    await runner.cleanup()


def asks(text: str) -> web.Response:
    return web.Response(status=401, headers={"WWW-Authenticate": text})


async def test_basic_is_shown_and_remembered(scripted: tuple[Scripted, Client, str]) -> None:
    told, client, _ = scripted
    told.answers = [asks('Basic realm="x"'), web.Response(text="{}"), web.Response(text="{}")]
    for _ in range(2):
        assert (await client.tags(APP)).data == b"{}"
    basic = "Basic cHVsbGVyOnNlY3JldA=="
    assert [r.headers.get("Authorization") for r in told.requests] == [None, basic, basic]


async def test_an_upstream_that_says_nothing_is_given_up_when_patience_ends(
    scripted: tuple[Scripted, Client, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told, client, _ = scripted
    silence = aiohttp.ClientTimeout(total=None, sock_connect=1, sock_read=0.2)
    monkeypatch.setattr(module, "TIMEOUT", silence)
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.3)
    with pytest.raises(UnavailableError, match="does not answer"):
        await client.manifest(APP, "1")
    assert len(told.requests) == 2


@pytest.mark.parametrize("realm", ["ftp://127.0.0.1/token", "file:///etc/passwd", ""])
async def test_a_token_is_asked_for_where_it_is_safe(
    scripted: tuple[Scripted, Client, str], realm: str
) -> None:
    told, client, _ = scripted
    told.answers = [asks(f'Bearer realm="{realm}"')]
    with pytest.raises(WrongError, match="for a token"):
        await client.tags(APP)


@pytest.mark.parametrize(
    "body", ["<html>log in</html>", "[]", '{"token": "x", "expires_in": "soon"}']
)
async def test_what_is_no_token_is_refused(
    scripted: tuple[Scripted, Client, str], body: str
) -> None:
    told, client, url = scripted
    told.answers = [asks(f'Bearer realm="{url}/token"'), web.Response(text=body)]
    with pytest.raises(WrongError, match="token"):
        await client.tags(APP)


async def test_a_limit_on_tokens_is_a_limit(scripted: tuple[Scripted, Client, str]) -> None:
    told, client, url = scripted
    busy = web.Response(status=429, headers={"Retry-After": "600"})
    told.answers = [asks(f'Bearer realm="{url}/token"'), busy]
    with pytest.raises(LimitedError) as raised:
        await client.tags(APP)
    assert raised.value.seconds == 600


async def test_a_token_that_is_refused_is_got_anew(scripted: tuple[Scripted, Client, str]) -> None:
    told, client, url = scripted
    asked = f'Bearer realm="{url}/token",service="s"'
    for token in ("one", "two"):
        given = web.json_response({"access_token": token, "expires_in": 300})
        told.answers += [asks(asked), given, web.Response(text="{}")]
    for _ in range(2):
        await client.tags(APP)
    last = told.requests[-1].headers["Authorization"]
    assert (last, told.requests[1].query["service"]) == ("Bearer two", "s")
    assert told.requests[1].query["scope"] == f"repository:{APP}:pull"


async def test_a_signed_address_is_followed_to_the_letter(
    scripted: tuple[Scripted, Client, str],
) -> None:
    told, client, url = scripted
    signed = "/store/a%2Fb%7E?Credential=AKIA%2F2020%2Fs3&Signature=a%2Bb%3D%3D&x=%7Ey"
    moved = web.Response(status=307, headers={"Location": url + signed})
    told.answers = [moved, web.Response(text="blob")]
    async with client.blob(APP, BLOB):
        pass
    assert told.requests[-1].raw_path == signed


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://[bad/"])
async def test_a_redirect_to_no_server_is_refused(
    scripted: tuple[Scripted, Client, str], target: str
) -> None:
    told, client, _ = scripted
    told.answers = [web.Response(status=307, headers={"Location": target})]
    with pytest.raises(WrongError):
        await client.tags(APP)


async def test_redirects_have_an_end(scripted: tuple[Scripted, Client, str]) -> None:
    told, client, url = scripted
    told.answers = [web.Response(status=302, headers={"Location": f"{url}/on"}) for _ in range(40)]
    with pytest.raises(UnavailableError, match="redirects"):
        await client.tags(APP)


async def test_another_part_than_the_one_asked_for_is_refused(
    scripted: tuple[Scripted, Client, str],
) -> None:
    told, client, _ = scripted
    headers = {"Content-Range": "bytes 0-3/4"}
    told.answers = [web.Response(status=206, text="blob", headers=headers)]
    with pytest.raises(WrongError, match="bytes 0-3/4"):
        async with client.blob(APP, BLOB, 2):
            pass


async def test_a_manifest_that_never_ends_is_refused(
    scripted: tuple[Scripted, Client, str],
) -> None:
    told, client, _ = scripted
    told.answers = [web.Response(body=b" " * (5 << 20))]
    with pytest.raises(WrongError, match="above"):
        await client.manifest(APP, "1")


async def test_many_questions_at_once_are_all_answered(client: Client) -> None:
    found = await asyncio.gather(*(client.manifest(APP, "1") for _ in range(20)))
    assert {f.digest for f in found} == {IMAGE.digest}


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), (" 7 ", 7.0), ("soon", None), (None, None), ("-1", None),
     ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)],
)  # fmt: skip
def test_a_wait_is_read(header: str | None, seconds: float | None) -> None:
    assert patience.retry_after(header) == seconds


def test_pauses_grow_and_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.5)
    for attempt in range(10):
        longest = min(0.5 * 2**attempt, patience.LONGEST_SECONDS)
        assert longest / 2 <= patience.pause(attempt, None) <= longest
    assert patience.pause(0, 12.0) == 12.0
