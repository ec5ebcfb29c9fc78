"""How registries are asked: what they send is what its digest is over."""

import gzip
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import web

from supply.cache import __main__ as cache
from supply.cache.settings import Upstream
from supply.registry import __main__ as registry
from supply.registry.place import Place
from supply.registry.replica_settings import ReplicaSettings
from supply.session import session

TAGS = b'{"tags": ["v1"]}'


@pytest.fixture
async def url() -> AsyncIterator[str]:
    """A registry that compresses whatever it may."""

    async def tags(request: web.Request) -> web.Response:
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=TAGS)
        return web.Response(body=gzip.compress(TAGS), headers={"Content-Encoding": "gzip"})

    app = web.Application()
    app.router.add_get("/v2/{name:.+}/tags/list", tags)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_registry_that_compresses_is_understood(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssl, "create_default_context", lambda **_: False)
    async with AsyncExitStack() as stack:
        for made in (session(), ReplicaSettings(url, "", "me", "secret").session()):
            asked = await stack.enter_async_context(made)
            assert await Place(Upstream("vault", url, 0.0), asked).tag_names("web") == ["v1"]


def test_the_registry_and_the_cache_ask_so() -> None:
    for program in (cache, registry):
        assert vars(program)["plain_session"] is session
