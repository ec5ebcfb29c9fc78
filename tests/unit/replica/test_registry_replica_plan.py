"""What a replica is to have, and how a registry is asked that is not of our kind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from supply import oci
from supply.cache.body import Body
from supply.cache.failure import DeniedError, LimitedError, UnavailableError, WrongError
from supply.cache.settings import Upstream
from supply.registry import passing, replica_list, sender
from supply.registry.place import Place
from supply.registry.refusal import RefusedError
from supply.registry.replica_plan import held, held_tag, named, wanted
from supply.registry.storage import Tagged

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
CONTENT = b"a layer" * 1000
LAYER = oci.Reference(oci.digest_of(CONTENT), len(CONTENT), "blob")


def at(tag: str, digest: str, pushed: float, repository: str = "web") -> Tagged:
    return Tagged(repository, tag, digest, pushed)


def test_tags_are_wanted_the_oldest_first() -> None:
    tags = [at("v2", B, 20), at("v1", A, 10)]
    assert wanted(tags, [at("", A, 10), at("", B, 20)], lambda _: []) == [tags[1], tags[0]]


def test_a_manifest_that_nothing_names_is_wanted_under_a_tag_of_its_own() -> None:
    found = wanted([at("v1", A, 10)], [at("", A, 10), at("", B, 5)], lambda _: [])
    assert found[0] == at(held_tag(B), B, 5)
    assert held(found[0].tag) == B


def test_what_an_index_names_comes_with_it() -> None:
    revisions = [at("", A, 10), at("", B, 9), at("", C, 8)]
    found = wanted([at("v1", A, 10)], revisions, lambda digest: [B, C] if digest == A else [])
    assert found == [at("v1", A, 10)]


def test_another_repository_s_index_or_tag_is_no_reason_to_leave_it_out() -> None:
    revisions = [at("", A, 10), at("", B, 9, "shop")]
    found = wanted([at("v1", A, 10)], revisions, lambda digest: [B] if digest == A else [])
    assert (found[0].repository, held(found[0].tag)) == ("shop", B)


@pytest.mark.parametrize("tag", ["v1", "digest-", "digest-abc", f"sha256-{'a' * 64}"])
def test_other_tags_hold_nothing(tag: str) -> None:
    assert held(tag) is None


def test_a_held_tag_is_a_tag() -> None:
    assert oci.TAG.fullmatch(held_tag(A))


@pytest.mark.parametrize(("prefix", "name"), [("", "shop/web"), ("acme/dev", "acme/dev/shop/web")])
def test_a_prefix_is_before_the_name(prefix: str, name: str) -> None:
    assert named(prefix, "shop/web") == name


class Elsewhere:
    """A registry that sends uploads to another host, and lists tags page by page."""

    def __init__(self) -> None:
        self.status, self.headers = 201, dict[str, str]()
        self.seen: list[tuple[str, str | None]] = []
        self.uploads = ""
        self.got = b""

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v2/{name:.+}/blobs/uploads/", self.begin),
            web.put("/upload", self.take),
            web.get("/v2/{name:.+}/tags/list", self.tags),
            web.get("/v2/{name:.+}/manifests/latest", self.manifest),
        ]

    def note(self, request: web.Request) -> None:
        self.seen.append((request.path, request.headers.get("Authorization")))

    async def begin(self, request: web.Request) -> web.Response:
        self.note(request)
        if "Authorization" not in request.headers:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
        where = f"{self.uploads}/upload?state=a%2Fb%3D"
        return web.Response(status=202, headers={"Location": where})

    async def take(self, request: web.Request) -> web.Response:
        self.note(request)
        assert request.query["state"] == "a/b="
        self.got = await request.read()
        return web.Response(status=self.status, headers=self.headers, text="it says why")

    async def tags(self, request: web.Request) -> web.Response:
        after = request.query.get("last")
        link = {} if after else {"Link": f'<{request.path}?last=b&n=2>; rel="next"'}
        return web.json_response({"tags": ["c"] if after else ["a", "b"]}, headers=link)

    async def manifest(self, _: web.Request) -> web.Response:
        return web.Response(text="<html>log in</html>", content_type="text/html")


@asynccontextmanager
async def serving(registry: Elsewhere) -> AsyncIterator[str]:
    """Its URL."""
    app = web.Application()
    app.add_routes(registry.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def registry() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
async def client(registry: Elsewhere) -> AsyncIterator[Place]:
    async with serving(registry) as url, aiohttp.ClientSession() as session:
        yield Place(Upstream("vault", url, 0.0, "me", "secret"), session)


def body(content: bytes = CONTENT) -> Body:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    return Body(0, len(content), chunks())


def nobody(_: int) -> None:
    """It is not counted."""


async def test_an_upload_goes_on_at_the_same_host_with_the_account(
    registry: Elsewhere, client: Place
) -> None:
    sent: list[int] = []
    await client.put_blob("web", LAYER, body(), sent.append)
    assert registry.got == CONTENT
    assert sum(sent) == len(CONTENT)
    assert str(registry.seen[-1][1]).startswith("Basic ")


async def test_another_host_that_uploads_go_to_is_not_shown_the_account(
    registry: Elsewhere, client: Place
) -> None:
    other = Elsewhere()
    async with serving(other) as registry.uploads:
        await client.put_blob("web", LAYER, body(), nobody)
    assert other.got == CONTENT
    assert other.seen == [("/upload", None)]


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (400, {}, RefusedError),
        (403, {}, DeniedError),
        (503, {}, UnavailableError),
        (429, {"Retry-After": "90"}, LimitedError),
    ],
)
async def test_a_refusal_says_why(
    registry: Elsewhere, client: Place, status: int, headers: dict[str, str], error: type[Exception]
) -> None:
    registry.status, registry.headers = status, headers
    with pytest.raises(error) as raised:
        await client.put_blob("web", LAYER, body(), nobody)
    assert "secret" not in str(raised.value)
    if error is RefusedError:
        assert "it says why" in str(raised.value)
    if isinstance(raised.value, LimitedError):
        assert raised.value.seconds == 90


async def test_what_is_damaged_on_its_way_is_told_as_that(
    registry: Elsewhere, client: Place
) -> None:
    registry.status = 400
    with pytest.raises(WrongError, match="is damaged"):
        await client.put_blob("web", LAYER, body(CONTENT[:-1] + b"x"), nobody)


async def test_a_source_that_breaks_off_is_told_as_the_source_s_failure(
    registry: Elsewhere, client: Place
) -> None:

    async def chunks() -> AsyncIterator[bytes]:
        yield CONTENT[:1000]
        raise UnavailableError("the source broke off")

    with pytest.raises(UnavailableError, match="the source broke off"):
        await client.put_blob("web", LAYER, Body(0, len(CONTENT), chunks()), nobody)


async def test_a_place_that_takes_nothing_more_is_not_waited_for_forever(
    registry: Elsewhere, client: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(passing, "SILENCE_SECONDS", 0.2)

    async def chunks() -> AsyncIterator[bytes]:
        yield CONTENT[:1000]
        await asyncio.Event().wait()

    with pytest.raises(UnavailableError, match="does not take a layer"):
        await client.put_blob("web", LAYER, Body(0, len(CONTENT), chunks()), nobody)


async def test_tags_are_listed_over_all_pages(registry: Elsewhere, client: Place) -> None:
    assert await client.tag_names("web") == ["a", "b", "c"]


async def test_a_page_in_place_of_the_list_of_repositories_is_no_empty_list(
    registry: Elsewhere, client: Place
) -> None:
    with pytest.raises(WrongError):
        await replica_list.read(client, "dev")
