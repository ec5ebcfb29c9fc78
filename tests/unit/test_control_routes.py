"""The edges' configuration, as control's API gives it, over a Swarm of the tests' own."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from control import edges
from control import routes as routes_module
from control.haproxy import CONFIG, LUA, ROUTES
from control.routes import Routes, watch
from tests.support.client import Client
from tests.support.control_parts import api
from tests.support.swarm_objects import service

RULES = {"port": 80, "routes": [["web.test", "/"]]}
SOON = 5  # seconds in which what is awaited surely comes; it takes milliseconds


class Swarm:
    """What control reads, set by the test."""

    def __init__(self) -> None:
        self.listed: list[dict[str, Any]] = []
        self.addresses: dict[str, str] = {}
        self.gone = False
        self.event = asyncio.Event()

    def deploy(self, name: str) -> None:
        """Another service, and the event that Docker tells of it."""
        self.listed.append(service(name, RULES, app=name, release=False))
        self.event.set()

    async def services(self) -> list[dict[str, Any]]:
        if self.gone:
            raise aiohttp.ClientConnectionError("no such socket")
        return list(self.listed)

    async def configs(self) -> list[dict[str, Any]]:
        return []

    async def edge_addresses(self) -> dict[str, str]:
        return self.addresses

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self.event.wait()
            self.event.clear()
            yield


@pytest.fixture
async def swarm() -> Swarm:
    return Swarm()


@pytest.fixture
async def routes(swarm: Swarm) -> AsyncIterator[Routes]:
    """Routes that are kept true to the Swarm."""
    async with watching(swarm) as found:
        yield found


@contextlib.asynccontextmanager
async def watching(swarm: Swarm) -> AsyncIterator[Routes]:
    """Control at work, for as long as the block lasts."""
    found = Routes()
    watcher = asyncio.create_task(watch(found, swarm))  # type: ignore[arg-type]
    try:
        yield found
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


@pytest.fixture
async def client(routes: Routes) -> AsyncIterator[Client]:
    async with TestClient(TestServer(api(routes).application([]))) as found:
        yield found


async def configuration(client: Client, have: str = "") -> dict[str, Any]:
    async with client.get("/v1/edge/config", params={"have": have}) as answer:
        assert answer.status == 200
        told: dict[str, Any] = await answer.json()
        return told


async def test_an_edge_with_another_version_is_answered_at_once(client: Client) -> None:
    told = await asyncio.wait_for(configuration(client, "another"), SOON)
    assert len(told["version"]) == 16
    assert set(told["files"]) == {CONFIG, LUA, ROUTES}


async def test_an_edge_that_is_current_waits_and_is_woken_by_a_change(
    client: Client, swarm: Swarm
) -> None:
    first = await configuration(client)
    waiting = asyncio.create_task(configuration(client, first["version"]))
    done, _ = await asyncio.wait({waiting}, timeout=0.2)
    assert not done, "it must wait while nothing changes"
    swarm.deploy("web")
    second = await asyncio.wait_for(waiting, routes_module.RESYNC_SECONDS - 1)
    assert second["version"] != first["version"]
    assert "backend app-web" in second["files"][CONFIG]


async def test_all_edges_are_woken(client: Client, swarm: Swarm) -> None:
    have = (await configuration(client))["version"]
    waiting = [asyncio.create_task(configuration(client, have)) for _ in range(5)]
    await asyncio.sleep(0)
    swarm.deploy("web")
    answers = await asyncio.wait_for(asyncio.gather(*waiting), SOON)
    assert len({a["version"] for a in answers} - {have}) == 1


async def test_nothing_new_within_the_limit_is_204(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    have = (await configuration(client))["version"]
    monkeypatch.setattr(routes_module, "WAIT_SECONDS", 0.1)
    began = time.monotonic()
    async with client.get("/v1/edge/config", params={"have": have}) as answer:
        assert answer.status == 204
    assert 0.1 <= time.monotonic() - began < SOON


async def test_a_change_that_nobody_told_of_is_found_by_looking(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_module, "RESYNC_SECONDS", 0.05)
    async with watching(swarm) as routes:
        first = await asyncio.wait_for(routes.newer_than(""), SOON)
        assert first
        swarm.listed.append(service("web", RULES, release=False))  # and no event
        second = await asyncio.wait_for(routes.newer_than(first.version), SOON)
    assert second
    assert "web.test" in second.files[ROUTES]


async def test_health_fails_once_the_swarm_could_not_be_read_for_long(
    client: Client, swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configuration(client)
    assert (await client.get("/healthz")).status == 200
    swarm.gone = True
    swarm.event.set()
    assert (await client.get("/healthz")).status == 200, "one bad look is no illness yet"
    monkeypatch.setattr(routes_module, "STALE_SECONDS", 0)
    assert (await client.get("/healthz")).status == 503


async def test_control_is_not_well_before_its_first_look() -> None:
    async with TestClient(TestServer(api(Routes()).application([]))) as client:
        assert (await client.get("/healthz")).status == 503


async def test_the_edges_keep_what_they_have_while_the_swarm_is_gone(
    client: Client, swarm: Swarm
) -> None:
    swarm.deploy("web")
    have = await configuration(client, "other")
    swarm.gone = True
    swarm.event.set()
    await asyncio.sleep(0.1)
    assert await configuration(client, "other") == have


async def test_gather_tells_what_each_edge_says_and_which_do_not_answer(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: dict[str, Any] = {"version": "v", "error": None, "releases": {}}

    async def status(_: web.Request) -> web.Response:
        return web.json_response(said)

    app = web.Application()
    app.add_routes([web.get("/status", status)])
    swarm.deploy("web")
    swarm.listed.append(service("bad", "{", app="bad"))
    async with TestServer(app, host="127.0.0.1") as edge:
        monkeypatch.setattr(edges, "PORT", edge.port)
        swarm.addresses = {"manager-1": "127.0.0.1", "manager-2": "127.0.0.9"}
        found = await edges.gather(swarm)  # type: ignore[arg-type]
    assert found["edges"]["manager-1"] == said
    lost = found["edges"]["manager-2"]
    assert lost["version"] is None
    assert "does not answer" in lost["error"]
    assert len(found["version"]) == 16
    assert found["problems"] == [p for p in found["problems"] if "service bad" in p] != []


async def test_an_edge_that_hangs_holds_nobody_up(
    swarm: Swarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def status(_: web.Request) -> web.Response:
        await asyncio.sleep(SOON)
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/status", status)])
    monkeypatch.setattr(edges, "ANSWER_SECONDS", 0.1)
    async with TestServer(app, host="127.0.0.1") as edge:
        monkeypatch.setattr(edges, "PORT", edge.port)
        swarm.addresses = {"manager-1": "127.0.0.1"}
        found = await asyncio.wait_for(edges.gather(swarm), SOON)  # type: ignore[arg-type]
    assert "does not answer" in found["edges"]["manager-1"]["error"]
