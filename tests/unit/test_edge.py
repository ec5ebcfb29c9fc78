"""The edge's agent with a real HAProxy on loopback ports."""

import asyncio
import contextlib
import http.client
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, make_mocked_request

from edge import agent as agent_module
from edge import haproxy
from edge.agent import Agent
from edge.haproxy import HAProxy
from tests.support.haproxy_check import free_port, program

SOON = 10  # seconds; what is awaited takes a few hundred milliseconds

CONFIG = """\
global
    stats socket {run}/stats.sock mode 600 level admin expose-fd listeners
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
frontend edge
    bind 127.0.0.1:{port}
    http-request return status 200 content-type text/plain string "{answer}" unless {{ path /slow }}
    default_backend app-web:web-0a1b2c3d
backend app-web:web-0a1b2c3d
    timeout connect 3s
    server-template web-0a1b2c3d_ 2 127.0.0.1:{behind}
backend app-web:web-4e5f6071
    server-template web-4e5f6071_ 3 127.0.0.1:{behind}
backend accepting
    server self 127.0.0.1:{behind}
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The agent's folders, away from the machine's own."""
    program()
    folder = tmp_path / "run"
    monkeypatch.setattr(haproxy, "RUN", folder)
    monkeypatch.setattr(haproxy, "CURRENT", folder / "current")
    monkeypatch.setattr(haproxy, "MASTER", folder / "master.sock")
    monkeypatch.setattr(haproxy, "WORKER", folder / "stats.sock")
    monkeypatch.setattr(agent_module, "LAST", tmp_path / "last.json")
    return folder


@pytest.fixture
async def agent(run: Path) -> AsyncIterator[Agent]:
    found = Agent()
    yield found
    await end(found.haproxy)


async def end(running: HAProxy) -> None:
    process = running._process
    if process and process.returncode is None:
        process.terminate()
        await asyncio.wait_for(process.wait(), SOON)


@contextlib.asynccontextmanager
async def following(agent: Agent) -> AsyncIterator[None]:
    """The agent at work, for as long as the block lasts."""
    task = asyncio.create_task(agent.follow())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Edge:
    """Configurations of one edge, on one port."""

    def __init__(self, run: Path) -> None:
        self.run, self.port, self.behind = run, free_port(), free_port()

    def bundle(self, version: str, answer: str | None = None) -> dict[str, Any]:
        text = CONFIG.format(
            run=self.run, port=self.port, behind=self.behind, answer=answer or version
        )
        return {"version": version, "files": {"haproxy.cfg": text, "routes.map": ""}}

    def bad(self, version: str) -> dict[str, Any]:
        bundle = self.bundle(version)
        bundle["files"]["haproxy.cfg"] += "    nonsense here\n"
        return bundle

    def ask(self, path: str = "/") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    async def answers(self, wanted: str) -> None:
        """Return once the edge answers so: a reload takes a moment."""
        async with asyncio.timeout(SOON):
            while True:
                with contextlib.suppress(OSError, http.client.HTTPException):
                    if await asyncio.to_thread(self.ask) == wanted:
                        return
                await asyncio.sleep(0.02)


@pytest.fixture
def edge(run: Path) -> Edge:
    return Edge(run)


async def status(agent: Agent) -> dict[str, Any]:
    answer = await agent.status(make_mocked_request("GET", "/status"))
    assert answer.text
    told: dict[str, Any] = json.loads(answer.text)
    return told


async def test_a_new_configuration_takes_the_place_of_the_old(
    agent: Agent, edge: Edge, run: Path
) -> None:
    await agent.take(edge.bundle("one"))
    await edge.answers("one")
    await agent.take(edge.bundle("two"))
    await edge.answers("two")
    assert agent.haproxy.version == "two"
    assert agent.error is None
    assert (run / "current").resolve() == run / "two"
    assert not (run / "one").exists(), "old configurations must not pile up"
    assert json.loads(agent_module.LAST.read_text())["version"] == "two"


async def test_configurations_may_follow_each_other_at_once(agent: Agent, edge: Edge) -> None:
    for number in range(5):
        await agent.take(edge.bundle(f"v{number}"))
    await edge.answers("v4")
    assert agent.error is None


async def test_a_refused_configuration_changes_nothing_and_is_told(
    agent: Agent, edge: Edge, run: Path
) -> None:
    await agent.take(edge.bundle("one"))
    await edge.answers("one")
    await agent.take(edge.bad("two"))
    told = await status(agent)
    assert told["version"] == "one"
    assert "nonsense" in told["error"]
    assert await asyncio.to_thread(edge.ask) == "one"
    assert json.loads(agent_module.LAST.read_text())["version"] == "one"
    assert not (run / "two").exists(), "refused configurations must not pile up"
    await agent.take(edge.bundle("three"))
    await edge.answers("three")
    assert (await status(agent))["error"] is None


async def test_a_check_that_hangs_is_a_refusal(
    agent: Agent, edge: Edge, run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow = tmp_path / "bin" / "haproxy"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/usr/bin:/bin")
    monkeypatch.setattr(haproxy, "CHECK_SECONDS", 0.2)
    await agent.take(edge.bundle("one"))
    assert agent.error == "the check took longer than 0.2 s"
    assert agent.haproxy.version is None


async def test_status_counts_each_release_s_servers(agent: Agent, edge: Edge) -> None:
    await agent.take(edge.bundle("one"))
    await edge.answers("one")
    assert (await status(agent))["releases"] == {
        "web-0a1b2c3d": {"up": 2, "sessions": 0, "requests": 0, "errors": 0},
        "web-4e5f6071": {"up": 3, "sessions": 0, "requests": 0, "errors": 0},
    }


async def test_sessions_of_a_worker_that_finishes_count(agent: Agent, edge: Edge) -> None:
    arrived, let_go = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        arrived.set()
        await let_go.wait()
        return web.Response(text="done")

    app = web.Application()
    app.add_routes([web.get("/slow", slow)])
    async with TestServer(app, host="127.0.0.1", port=edge.behind):
        await agent.take(edge.bundle("one"))
        await edge.answers("one")
        request = asyncio.create_task(asyncio.to_thread(edge.ask, "/slow"))
        await asyncio.wait_for(arrived.wait(), SOON)
        await agent.take(edge.bundle("two"))
        await edge.answers("two")
        sessions = (await status(agent))["releases"]["web-0a1b2c3d"]["sessions"]
        let_go.set()
        assert await asyncio.wait_for(request, SOON) == "done", "a reload must not cut a request"
    assert sessions == 1


async def test_an_edge_without_configuration_says_so(agent: Agent) -> None:
    nothing = dict.fromkeys(("version", "error", "refused"))
    assert await status(agent) == {**nothing, "releases": {}, "asked": {}}


async def test_leaving_fails_the_front_door_s_check(agent: Agent, edge: Edge) -> None:
    await agent.take(edge.bundle("one"))
    await agent.haproxy.leave()
    state = await haproxy._ask(haproxy.WORKER, "show servers state accepting")
    assert state.splitlines()[-2].split()[6] == "1", "forced maintenance"


async def test_stopping_ends_haproxy(agent: Agent, edge: Edge) -> None:
    await agent.take(edge.bundle("one"))
    agent.haproxy.stop()
    assert await asyncio.wait_for(agent.haproxy.ended(), SOON) == 0


async def test_an_agent_follows_control_and_starts_with_the_last_it_had(
    agent: Agent, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, current = list[str](), asyncio.Event()
    agent_module.LAST.write_text(json.dumps(edge.bundle("last")))
    bundles = {"last": edge.bad("refused"), "refused": edge.bundle("new")}

    async def config(request: web.Request) -> web.Response:
        asked.append(request.query["have"])
        if asked[-1] in bundles:
            return web.json_response(bundles[asked[-1]])
        current.set()
        await asyncio.sleep(SOON)
        return web.Response(status=204)

    app = web.Application()
    app.add_routes([web.get("/v1/edge/config", config)])
    async with TestServer(app, host="127.0.0.1") as control:
        monkeypatch.setattr(agent_module, "CONTROL", str(control.make_url("/v1/edge/config")))
        async with following(agent):
            await asyncio.wait_for(current.wait(), SOON)
    assert asked == ["last", "refused", "new"], "what was refused is not asked for again"
    assert await asyncio.to_thread(edge.ask) == "new"
    assert agent.error is None


async def test_what_was_refused_is_tried_again_for_its_cause_may_be_gone(
    agent: Agent, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, current = list[str](), asyncio.Event()
    agent_module.LAST.write_text(json.dumps(edge.bundle("last")))
    answers = [edge.bad("new"), None, edge.bundle("new")]

    async def config(request: web.Request) -> web.Response:
        asked.append(request.query["have"])
        if not answers:
            current.set()
            await asyncio.sleep(SOON)
            return web.Response(status=204)
        bundle = answers.pop(0)
        return web.json_response(bundle) if bundle else web.Response(status=204)

    app = web.Application()
    app.add_routes([web.get("/v1/edge/config", config)])
    async with TestServer(app, host="127.0.0.1") as control:
        monkeypatch.setattr(agent_module, "CONTROL", str(control.make_url("/v1/edge/config")))
        async with following(agent):
            await asyncio.wait_for(current.wait(), SOON)
    assert asked == ["last", "new", "last", "new"]
    assert agent.error is None


@pytest.mark.parametrize("text", ["", "{", '{"version": "x"}', "null", "[]", "\x00"])
async def test_a_broken_last_configuration_does_not_keep_the_edge_from_starting(
    agent: Agent, edge: Edge, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    agent_module.LAST.write_text(text)

    async def config(request: web.Request) -> web.Response:
        if request.query["have"] == "new":
            await asyncio.sleep(SOON)
        return web.json_response(edge.bundle("new"))

    app = web.Application()
    app.add_routes([web.get("/v1/edge/config", config)])
    async with TestServer(app, host="127.0.0.1") as control:
        monkeypatch.setattr(agent_module, "CONTROL", str(control.make_url("/v1/edge/config")))
        async with following(agent):
            await edge.answers("new")


def test_the_table_that_haproxy_prints_is_read_by_its_head() -> None:
    text = "# pxname,svname,scur,status,\napp-web,web_1,3,UP,\n\n"
    assert haproxy._table(text)[0]["svname"] == "web_1"
    assert haproxy._table(text)[0]["status"] == "UP"


@pytest.mark.parametrize("text", ["", "\n", "Unknown command\n", "Permission denied\n"])
def test_an_answer_that_is_no_table_is_an_empty_one(text: str) -> None:
    assert haproxy._table(text) == []
