"""Sending to a registry whose tokens end soon, that does not answer, or that is left in the middle."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from supply import oci
from supply.cache.body import Body
from supply.cache.failure import DeniedError, UnavailableError, WrongError
from supply.cache.settings import Upstream
from supply.cache.upstream import Tags
from supply.registry import place, sender
from supply.registry.place import Place
from tests.support.image import image

WEB = image(10)
MANIFEST = oci.manifest(WEB.manifests[WEB.digest][0])
CONTENT = b"a layer" * 1000
LAYER = oci.Reference(oci.digest_of(CONTENT), len(CONTENT), "blob")


class Strict:
    """A registry that takes a token until it is told not to, and does not answer before `held` is set."""

    def __init__(self) -> None:
        self.given, self.lasts, self.useless = 0, 300, False
        self.valid, self.rights = set[str](), set[str]()
        self.held: asyncio.Event | None = None
        self.url = ""
        self.shown: list[tuple[str, str]] = []
        self.deleted: list[str] = []

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/token", self.token),
            web.post("/v2/{name:.+}/blobs/uploads/", self.begin),
            web.put("/upload", self.take),
            web.delete("/upload", self.delete),
            web.put("/v2/{name:.+}/manifests/{reference}", self.take),
            web.head("/v2/{name:.+}/blobs/{reference}", self.known),
        ]

    def asks(self, request: web.Request) -> web.Response | None:
        header = request.headers.get("Authorization", "")
        self.shown.append((request.method, header.removeprefix("Bearer ")))
        if header.removeprefix("Bearer ") in self.valid:
            return None
        question = f'Bearer realm="{self.url}/token",service="x"'
        return web.Response(status=401, headers={"WWW-Authenticate": question})

    async def token(self, request: web.Request) -> web.Response:
        self.given += 1
        if not self.useless:
            self.valid.add(str(self.given))
        self.rights |= set(request.query["scope"].rpartition(":")[2].split(","))
        return web.json_response({"token": str(self.given), "expires_in": self.lasts})

    async def known(self, request: web.Request) -> web.Response:
        return self.asks(request) or web.Response(status=404)

    async def begin(self, request: web.Request) -> web.Response:
        return self.asks(request) or web.Response(status=202, headers={"Location": "/upload?a=b"})

    async def take(self, request: web.Request) -> web.Response:
        if self.held:
            await self.held.wait()
        asked = self.asks(request)
        await request.read()
        return asked or web.Response(status=201)

    async def delete(self, request: web.Request) -> web.Response:
        asked = self.asks(request)
        if asked is None:
            self.deleted.append(request.path_qs)
        return asked or web.Response(status=204)


@pytest.fixture
async def registry() -> AsyncIterator[Strict]:
    found = Strict()
    app = web.Application()
    app.add_routes(found.routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    if found.held:
        found.held.set()
    await runner.cleanup()


@pytest.fixture
async def client(registry: Strict) -> AsyncIterator[Place]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Place(Upstream("vault", registry.url, 0.0, "me", "secret"), session)


def body(content: bytes = CONTENT) -> Body:
    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1000):
            yield content[start : start + 1000]

    return Body(0, len(content), chunks())


async def test_a_manifest_is_sent_again_with_a_new_token(registry: Strict, client: Place) -> None:
    assert not await client.has_blob("web", LAYER.digest)
    registry.valid.clear()  # a layer took longer than the token lasted
    await client.put_manifest("web", "v1", MANIFEST)
    assert [shown for shown in registry.shown if shown[0] == "PUT"] == [("PUT", "1"), ("PUT", "2")]


async def test_a_manifest_that_no_token_helps_is_refused(registry: Strict, client: Place) -> None:
    registry.useless = True
    with pytest.raises(DeniedError):
        await client.put_manifest("web", "v1", MANIFEST)


async def test_a_layer_is_not_begun_with_a_token_that_ends_soon(
    registry: Strict, client: Place
) -> None:
    registry.lasts = 35  # and so for 25 s more, with the margin that clocks need
    assert not await client.has_blob("web", LAYER.digest)
    await client.put_blob("web", LAYER, body(), lambda _: None)
    assert registry.shown[-2:] == [("POST", "2"), ("PUT", "2")]


@pytest.mark.parametrize("lasts", [1, 300])
async def test_a_layer_is_sent_with_what_it_was_begun_with(
    lasts: int, registry: Strict, client: Place
) -> None:
    registry.lasts = lasts
    await client.put_blob("web", LAYER, body(), lambda _: None)
    assert registry.shown[-1] == ("PUT", "1")
    assert registry.deleted == []


async def test_a_registry_that_does_not_answer_to_a_manifest_is_not_waited_for_forever(
    registry: Strict, client: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "SILENCE_SECONDS", 0.2)
    registry.held = asyncio.Event()
    async with asyncio.timeout(10):
        with pytest.raises(UnavailableError, match="does not take a manifest"):
            await client.put_manifest("web", "v1", MANIFEST)


async def test_half_a_layer_is_taken_back(registry: Strict, client: Place) -> None:
    with pytest.raises(WrongError):
        await client.put_blob("web", LAYER, body(CONTENT[:-1] + b"x"), lambda _: None)
    assert registry.deleted == ["/upload?a=b"]
    assert "delete" in registry.rights


async def test_half_a_layer_is_taken_back_when_nobody_waits_for_it(
    registry: Strict, client: Place
) -> None:
    registry.held, sent = asyncio.Event(), asyncio.Event()
    sending = asyncio.create_task(client.put_blob("web", LAYER, body(), lambda _: sent.set()))
    await sent.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert registry.deleted == ["/upload?a=b"]


async def test_a_list_of_tags_that_does_not_end_is_none(
    client: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tags(_: str, query: str = "") -> Tags:
        return Tags(b'{"tags": ["a", "b"]}', f"last=b{query}")

    monkeypatch.setattr(place, "TAGS", 20)
    monkeypatch.setattr(client, "tags", tags)
    with pytest.raises(WrongError, match="does not end"):
        await client.tag_names("web")


async def test_what_is_in_a_list_of_tags_that_is_none_is_in_no_message(
    client: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tags(_: str, __: str = "") -> Tags:
        return Tags(b'\xff{"tags": "hidden"}', "")

    monkeypatch.setattr(client, "tags", tags)
    with pytest.raises(WrongError) as raised:
        await client.tag_names("web")
    assert "hidden" not in str(raised.value)
