"""The exporter: containers under both versions of control groups, and an engine that is away."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from prometheus_client.parser import text_string_to_metric_families

import exporter.__main__ as exporter_main
from exporter import containers, engine, host
from exporter.__main__ import Exporter
from exporter.engine import Engine
from exporter.host import Host

SOON = 5  # seconds in which what is awaited surely comes; it takes milliseconds
HELLO: dict[str, Any] = {
    "Id": "c1",
    "Created": 1_790_000_000,
    "Labels": {
        "horcrux.app": "hello",
        "horcrux.release": "6368bb5c",
        "com.docker.swarm.service.name": "hello-6368bb5c",
        "com.docker.swarm.task.name": "hello-6368bb5c.2.x1y2z3",
    },
}
EDGE: dict[str, Any] = {
    "Id": "c2",
    "Created": 1_790_000_001,
    "Labels": {
        "horcrux.platform": "edge",
        "com.docker.swarm.service.name": "horcrux-edge",
        "com.docker.swarm.task.name": "horcrux-edge.node1.x1y2z3",
    },
}
OF_HELLO = ("hello", "hello-6368bb5c", "6368bb5c", "hello-6368bb5c.2")
OF_EDGE = ("", "horcrux-edge", "", "horcrux-edge.node1")
# What an engine says on a host with cgroup v1, and on one with v2, of the same container.
V1: dict[str, Any] = {
    "cpu_stats": {"cpu_usage": {"total_usage": 12_500_000_000}},
    "memory_stats": {
        "usage": 60_000_000,
        "limit": 134_217_728,
        "stats": {"inactive_file": 1, "total_inactive_file": 20_000_000},
    },
    "networks": {
        "eth0": {"rx_bytes": 1000, "tx_bytes": 50},
        "eth1": {"rx_bytes": 500, "tx_bytes": 7},
    },
}
V2: dict[str, Any] = {
    **V1,
    "memory_stats": {**V1["memory_stats"], "stats": {"inactive_file": 20_000_000}},
}


def labels(**changes: str | None) -> dict[str, Any]:
    there = {**HELLO["Labels"], **changes}
    return {"Labels": {key: value for key, value in there.items() if value is not None}}


def values(text: str, name: str) -> dict[tuple[str, ...], float]:
    """A metric's values by app, service, release and task."""
    return {
        tuple(sample.labels.get(key, "") for key in containers.LABELS): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (HELLO, OF_HELLO),
        (EDGE, OF_EDGE),
        (labels(**{"horcrux.platform": "x"}), ("", *OF_HELLO[1:])),
        (labels(**{"com.docker.swarm.task.name": None}), (*OF_HELLO[:3], "")),
        (labels(**{"com.docker.swarm.task.name": "odd"}), (*OF_HELLO[:3], "odd")),
        ({"Labels": None}, ("", "", "", "")),
        ({}, ("", "", "", "")),
    ],
)
def test_what_a_container_is_of(listed: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert containers.labels_of(listed) == expected


@pytest.mark.parametrize("stats", [V1, V2], ids=["v1", "v2"])
def test_a_container_is_measured_alike_under_both_versions(stats: dict[str, Any]) -> None:
    told = {
        sample.name: sample.value
        for family in containers.families([(HELLO, stats)], {OF_HELLO: 2})
        for sample in family.samples
    }
    assert told == {
        "horcrux_container_cpu_seconds_total": 12.5,
        "horcrux_container_memory_bytes": 40_000_000,
        "horcrux_container_memory_limit_bytes": 134_217_728,
        "horcrux_container_network_receive_bytes_total": 1500,
        "horcrux_container_network_transmit_bytes_total": 57,
        "horcrux_container_started_seconds": 1_790_000_000,
        "horcrux_container_oom_kills_total": 2,
    }


def test_a_container_without_a_network_or_a_cache_is_measured_too() -> None:
    stats = {"cpu_stats": V1["cpu_stats"], "memory_stats": {"usage": 5}, "networks": None}
    told = {f.name: f.samples[0].value for f in containers.families([(HELLO, stats)], {})}
    assert told["horcrux_container_memory_bytes"] == 5
    assert told["horcrux_container_network_receive_bytes"] == 0


def test_more_cache_than_memory_is_no_negative_memory() -> None:
    stats = {**V2, "memory_stats": {"usage": 5, "stats": {"inactive_file": 9}}}
    told = {f.name: f.samples[0].value for f in containers.families([(HELLO, stats)], {})}
    assert told["horcrux_container_memory_bytes"] == 0


def test_who_was_killed_and_is_gone_still_counts() -> None:
    *_, kills = containers.families([(EDGE, V2)], {OF_HELLO: 3})
    told = {tuple(s.labels[k] for k in containers.LABELS): s.value for s in kills.samples}
    assert told == {OF_HELLO: 3, OF_EDGE: 0}, "a first kill is to be an increase"


class PlayedEngine:
    """An engine on a socket of the test's."""

    def __init__(self) -> None:
        self.listed = [HELLO, EDGE]
        self.stats: dict[str, Any] = {"c1": V1, "c2": V2}
        self.killed: list[dict[str, Any]] = []
        self.told = asyncio.Event()
        self.metrics = "engine_daemon_container_states_containers 2\n"

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(self.listed)

    async def _stats(self, request: web.Request) -> web.Response:
        assert request.query == {"stream": "false", "one-shot": "true"}
        found = self.stats.get(request.match_info["id"])
        return web.json_response(found, status=200 if found is not None else 404)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        assert json.loads(request.query["filters"]) == {"type": ["container"], "event": ["oom"]}
        response = web.StreamResponse()
        await response.prepare(request)
        for attributes in self.killed:
            line = json.dumps({"Actor": {"Attributes": attributes}})
            await response.write(f"{line}\n".encode())
        self.killed = []
        self.told.set()
        return response

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(text=self.metrics)

    def application(self) -> web.Application:
        app = web.Application()
        app.add_routes(
            [
                web.get("/v1.41/containers/json", self._list),
                web.get("/v1.41/containers/{id}/stats", self._stats),
                web.get("/v1.41/events", self._events),
            ]
        )
        return app


@pytest.fixture
def socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the engine would be: not this machine's own."""
    path = str(tmp_path / "docker.sock")
    monkeypatch.setattr(engine, "SOCKET", path)
    return path


@pytest.fixture
async def played(socket: str) -> AsyncIterator[PlayedEngine]:
    found = PlayedEngine()
    runner = web.AppRunner(found.application())
    await runner.setup()
    await web.UnixSite(runner, socket).start()
    yield found
    await runner.cleanup()


@pytest.fixture
async def asked(socket: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exporter]:
    """An exporter on a host of two processors."""
    monkeypatch.setattr(host, "read", lambda *_: Host(2.0, 7.5, 1e9, 4e9))
    found = Engine()
    yield Exporter(found)
    await found.close()


async def metrics(exporter: Exporter, status: int = 200) -> str:
    answer = await exporter.metrics(make_mocked_request("GET", "/metrics"))
    assert answer.status == status
    assert isinstance(answer.body, bytes)
    return answer.body.decode()


async def test_containers_and_their_host_are_one_text(
    played: PlayedEngine, asked: Exporter
) -> None:
    text = await metrics(asked)
    assert values(text, "horcrux_container_cpu_seconds_total") == {OF_HELLO: 12.5, OF_EDGE: 12.5}
    assert values(text, "horcrux_host_cpus") == {("", "", "", ""): 2.0}


@pytest.mark.parametrize("stats", [None, {}, {"memory_stats": {}}])
async def test_a_container_that_ends_meanwhile_is_left_out(
    played: PlayedEngine, asked: Exporter, stats: Any
) -> None:
    played.stats["c1"] = stats
    text = await metrics(asked)
    assert set(values(text, "horcrux_container_memory_bytes")) == {OF_EDGE}


async def test_an_engine_that_is_away_fails_the_scrape(
    asked: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "the engine does not answer" in await metrics(asked, 503)
    monkeypatch.setattr(engine, "METRICS", "http://127.0.0.1:1/metrics")
    answer = await asked.engine(make_mocked_request("GET", "/engine"))
    assert answer.status == 503


async def test_kills_for_want_of_memory_are_counted_over_restarts_of_the_engine(
    played: PlayedEngine, asked: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter_main, "RETRY_SECONDS", 0.0)
    played.killed = [HELLO["Labels"], HELLO["Labels"]]
    listener = asyncio.create_task(asked.listen())
    async with asyncio.timeout(SOON):
        for _ in range(2):  # the engine closes the stream each time, as when it restarts
            played.told.clear()
            await played.told.wait()
        played.killed = [EDGE["Labels"]]
        while values(await metrics(asked), "horcrux_container_oom_kills_total")[OF_EDGE] == 0:
            await asyncio.sleep(0)
    listener.cancel()
    await asyncio.gather(listener, return_exceptions=True)
    kills = values(await metrics(asked), "horcrux_container_oom_kills_total")
    assert kills == {OF_HELLO: 2, OF_EDGE: 1}


async def test_names_of_the_killed_do_not_pile_up(
    asked: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporter_main, "MOST_NAMES", 3)
    for number in range(10):
        asked._count((str(number), "", "", ""))
    assert len(asked._killed) <= 3
