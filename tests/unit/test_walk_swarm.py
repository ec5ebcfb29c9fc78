"""What control writes to the Swarm, against an engine that a test plays, and smoke tests at an edge."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from control.reading import take
from control.rollouts import smoke
from control.rollouts.plan import plan_of
from control.rollouts.smoke import Smoke, job
from control.snapshot import Release
from control.swarm import TRIES, OutdatedError, Swarm, SwarmError, unframed
from tests.support.walked import NEW, OLD, World


class Engine:
    """The engine's API, as far as control writes to it."""

    def __init__(self) -> None:
        self.replicas = 2
        self.version = 5
        self.outdated = 0
        self.refuses = False
        self.written: list[tuple[str, Any]] = []

    def application(self) -> web.Application:
        """Its HTTP service."""
        app = web.Application()
        base = "/v1.41"
        app.add_routes(
            [
                web.get(f"{base}/services", self._services),
                web.post(f"{base}/services/create", self._write),
                web.post(f"{base}/{{kind}}/{{id}}/update", self._update),
                web.delete(f"{base}/services/{{id}}", self._remove),
                web.get(f"{base}/services/{{id}}/logs", self._log),
            ]
        )
        return app

    async def _services(self, _: web.Request) -> web.Response:
        mode = {"Replicated": {"Replicas": self.replicas}}
        named = {"Name": "web-1", "Mode": mode, "TaskTemplate": {"ForceUpdate": 3}}
        every = {"Name": "edge", "Mode": {"Global": {}}}
        return web.json_response(
            [
                {"ID": i, "Version": {"Index": self.version}, "Spec": s}
                for i, s in (("s1", named), ("s2", every))
            ]
        )

    async def _update(self, request: web.Request) -> web.Response:
        if self.outdated:
            self.outdated -= 1
            text = {"message": "rpc error: code = Unknown desc = update out of sequence"}
            return web.json_response(text, status=500)
        assert request.query["version"] == str(self.version)
        return await self._write(request)

    async def _write(self, request: web.Request) -> web.Response:
        if self.refuses:
            return web.json_response({"message": "no such network"}, status=400)
        self.written.append((request.path.removeprefix("/v1.41/"), await request.json()))
        return web.json_response({"Warnings": None})

    async def _remove(self, request: web.Request) -> web.Response:
        self.written.append((f"remove {request.match_info['id']}", None))
        return web.Response(status=404 if request.match_info["id"] == "gone" else 200)

    async def _log(self, request: web.Request) -> web.Response:
        assert request.query["tail"] == "5"
        return web.Response(body=b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x04 two")


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
async def swarm(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Swarm]:
    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr("control.swarm.SOCKET", path)
    runner = web.AppRunner(engine.application())
    await runner.setup()
    await web.UnixSite(runner, path).start()
    found = Swarm()
    yield found
    await found.close()
    await runner.cleanup()


async def test_only_the_number_of_tasks_is_changed(swarm: Swarm, engine: Engine) -> None:
    await swarm.scale("web-1", 3)
    (written,) = engine.written
    assert written == (
        "services/s1/update",
        {
            "Name": "web-1",
            "Mode": {"Replicated": {"Replicas": 3}},
            "TaskTemplate": {"ForceUpdate": 3},
        },
    )


async def test_a_service_that_has_its_tasks_is_left_alone(swarm: Swarm, engine: Engine) -> None:
    await swarm.scale("web-1", 2)
    assert engine.written == []


@pytest.mark.parametrize("name", ["web-2", "edge"])
async def test_what_cannot_be_scaled_is_told(swarm: Swarm, name: str) -> None:
    with pytest.raises(SwarmError, match=f"{name} cannot be scaled"):
        await swarm.scale(name, 2)


async def test_a_change_that_another_one_overtakes_is_tried_again(
    swarm: Swarm, engine: Engine
) -> None:
    engine.outdated = TRIES - 1
    await swarm.scale("web-1", 3)
    assert len(engine.written) == 1
    engine.outdated = TRIES
    with pytest.raises(OutdatedError):
        await swarm.scale("web-1", 4)


async def test_labels_are_changed_only_as_they_were_looked_at(swarm: Swarm, engine: Engine) -> None:
    config = {"ID": "c1", "Version": {"Index": 5}, "Spec": {"Name": "x", "Data": "eA=="}}
    await swarm.label(config, {"a": "b"})
    assert engine.written == [
        ("configs/c1/update", {"Name": "x", "Data": "eA==", "Labels": {"a": "b"}})
    ]
    engine.outdated = 1
    with pytest.raises(OutdatedError):
        await swarm.label(config, {"a": "c"})


async def test_a_job_is_made_read_and_taken_away(swarm: Swarm, engine: Engine) -> None:
    await swarm.create({"Name": "web-1-smoke"})
    assert await swarm.log("web-1-smoke", 5) == "one two"
    await swarm.remove("web-1-smoke")
    await swarm.remove("gone")
    assert [what for what, _ in engine.written] == [
        "services/create",
        "remove web-1-smoke",
        "remove gone",
    ]
    engine.refuses = True
    with pytest.raises(
        SwarmError, match=r"services/create: the engine answers 400.*no such network"
    ):
        await swarm.create({})


def test_half_a_frame_is_told_as_far_as_it_goes() -> None:
    assert unframed(b"\x01\0\0\0\0\0\0\x09half") == b"half"
    assert unframed(b"\x01\0\0") == b""


# Smoke tests.


async def parts(world: World, **smoke_: Any) -> tuple[Any, Release, dict[str, Any]]:
    """A plan with a smoke test, the new release as control sees it, and all services by name."""
    world.begin(strategy="blue-green", smoke=smoke_)
    await world.scale(NEW, 2)
    world.now += 5
    services = await world.services()
    snapshot = take(services, await world.configs(), await world.nodes(), await world.tasks())
    release = next(r for r in snapshot.releases if r.service == NEW)
    plan = plan_of(json.loads(world.labels["horcrux.walk"]))
    return plan, release, {s["Spec"]["Name"]: s for s in services}


async def test_a_command_runs_as_a_task_of_the_release_would_once() -> None:
    plan, release, services = await parts(World(), command=["check", "it"])
    spec = job(plan, services[NEW], release)
    container = spec["TaskTemplate"]["ContainerSpec"]
    assert spec["Name"] == f"{NEW}-smoke"
    assert spec["Labels"] == {"horcrux.environment": "dev", "horcrux.walk": plan.id}
    assert container == {
        "Image": "registry/web@sha256:1",
        "Command": ["check", "it"],
        "Env": ["A=1", f"HORCRUX_SMOKE_URL=http://tasks.{NEW}:8080"],
        "Healthcheck": {"Test": ["NONE"]},
    }
    assert spec["TaskTemplate"]["Networks"] == [{"Target": "net1"}], "no request is to find it"
    assert spec["TaskTemplate"]["Placement"] == {"Constraints": ["node.hostname==manager-1"]}
    assert spec["TaskTemplate"]["RestartPolicy"] == {"Condition": "none"}


async def test_a_job_that_an_earlier_walk_left_is_made_anew() -> None:
    world = World()
    plan, release, services = await parts(world, command=["check"])
    left = {"Spec": {"Name": f"{NEW}-smoke", "Labels": {"horcrux.walk": "another"}}}
    world.services_by_name[f"{NEW}-smoke"] = left
    swarm: Any = world
    assert await Smoke(swarm).look(plan, release, {**services, f"{NEW}-smoke": left}) is None
    assert world.effects[-2:] == [f"remove {NEW}-smoke", f"create {NEW}-smoke"]


@pytest.mark.parametrize(
    ("status", "ok"), [("200 OK", True), ("302 Found", True), ("500 Oh", False), ("404 No", False)]
)
async def test_a_path_is_asked_at_every_edge_as_a_tester_asks(
    status: str, ok: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []

    async def edge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(edge, "127.0.0.1", 0)
    monkeypatch.setattr(smoke, "HTTP_PORT", server.sockets[0].getsockname()[1])
    world = World()
    plan, release, services = await parts(world, path="/ready?deep=1")
    swarm: Any = world
    async with server:
        found = await Smoke(swarm).look(plan, release, services)
    assert found
    assert found.ok is ok
    assert ok or found.text == f"/ready?deep=1 answers {status[:3]} at the edge on manager-1"
    first, get, *headers = asked[0].decode().splitlines()
    assert first.startswith("PROXY TCP4 ")
    assert get == "GET /ready?deep=1 HTTP/1.1"
    assert {"Host: web.test", "X-Canary: always"} <= set(headers)


async def test_an_edge_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "HTTP_PORT", 1)
    world = World()
    plan, release, services = await parts(world, path="/ready")
    swarm: Any = world
    assert await Smoke(swarm).look(plan, release, services) is None


async def test_a_path_needs_routes() -> None:
    world = World(routed=False)
    plan, release, services = await parts(world, path="/ready")
    swarm: Any = world
    found = await Smoke(swarm).look(plan, release, services)
    assert found
    assert not found.ok
    assert world.weights == {OLD: 100, NEW: 0}
