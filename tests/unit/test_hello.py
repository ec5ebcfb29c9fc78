"""The sample app hello: its routes, its settings, and how it leaves."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from aiohttp import ClientConnectionError, ClientPayloadError, ClientResponse, WSMsgType
from aiohttp.test_utils import TestClient, TestServer

from tests.support.client import Client

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from samples.hello.app import Hello  # noqa: E402 - found through the line above
from samples.hello.settings import SettingsError, read_settings  # noqa: E402

LIMIT = 2**20
PLATFORM = {
    "HORCRUX_HOST": "worker-1",
    "HORCRUX_TASK": "web.2",
    "HORCRUX_APP": "web",
    "HORCRUX_RELEASE": "1a2b3c4d",
    "HELLO_ECHO_LIMIT_BYTES": str(LIMIT),
    "DB_HOST": "db",
    "DB_PORT": "3306",
    "DB_URL": "mysql://app:hunter2@db:3306/app",
    "DB_PASSWORD": "hunter2",
}


@asynccontextmanager
async def serving(
    environment: dict[str, str] | None = None,
) -> AsyncIterator[tuple[Client, Hello]]:
    """Hello on a free port of this process, and a client to it."""
    hello = Hello(read_settings(environment or PLATFORM))
    async with TestClient(TestServer(hello.application())) as client:
        yield client, hello


async def get(path: str) -> tuple[int, str]:
    """Ask a fresh hello once; its status and text."""
    async with serving() as (client, _), client.get(path) as answer:
        return answer.status, await answer.text()


def count_of(metrics: str, series: str) -> float:
    found = re.search(rf"^{re.escape(series)} (\S+)$", metrics, re.MULTILINE)
    assert found, f"{series} is missing in:\n{metrics}"
    return float(found[1])


async def test_it_says_who_answers_and_names_its_bindings_without_their_values() -> None:
    async with serving() as (client, _), client.get("/") as answer:
        assert await answer.json() == {
            "host": "worker-1",
            "task": "web.2",
            "app": "web",
            "release": "1a2b3c4d",
            "bindings": ["DB_HOST", "DB_PORT", "DB_URL"],
        }
        assert "hunter2" not in await answer.text()


@pytest.mark.parametrize("size", [0, 1, 70_000, LIMIT])
async def test_an_echo_is_the_same_bytes_under_the_same_content_type(size: int) -> None:
    body = os.urandom(size)
    async with (
        serving() as (client, _),
        client.post("/echo", data=body, headers={"Content-Type": "image/x-odd"}) as answer,
    ):
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/x-odd")
        assert await answer.read() == body


async def test_an_echo_begins_before_the_body_has_ended() -> None:
    first_part_is_back = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first "
        await first_part_is_back.wait()
        yield b"second"

    async with (
        asyncio.timeout(2),
        serving() as (client, _),
        client.post("/echo", data=body()) as answer,
    ):
        assert await answer.content.readexactly(6) == b"first "
        first_part_is_back.set()
        assert await answer.read() == b"second"


async def test_a_body_declared_too_large_is_refused_with_a_sentence() -> None:
    async with serving() as (client, _), client.post("/echo", data=bytes(LIMIT + 1)) as answer:
        assert answer.status == 413
        assert f"at most {LIMIT}" in await answer.text()


async def test_a_body_that_turns_out_too_large_never_looks_complete() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(2**16)

    async with asyncio.timeout(2), serving() as (client, _):
        with pytest.raises((ClientConnectionError, ClientPayloadError)):
            async with client.post("/echo", data=endless()) as answer:
                await answer.read()


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/slow", "seconds", "soon"),
        ("/slow", "seconds", "-1"),
        ("/burn", "ms", "nan"),
        ("/fail", "ratio", "1.5"),
        ("/fail", "ratio", ""),
    ],
)
async def test_a_bad_parameter_is_answered_with_400_and_a_sentence(
    path: str, name: str, value: str
) -> None:
    status, text = await get(f"{path}?{name}={value}")
    assert status == 400
    assert f"The parameter '{name}' is '{value}'" in text
    assert "give a number" in text


@pytest.mark.parametrize(("ratio", "status"), [("0", 200), ("1", 500)])
async def test_the_ends_of_the_fail_ratio_are_certain(ratio: str, status: int) -> None:
    assert (await get(f"/fail?ratio={ratio}"))[0] == status


async def test_a_slow_answer_takes_the_time_asked_for() -> None:
    async with serving() as (client, _):
        started = asyncio.get_running_loop().time()
        async with client.get("/slow?seconds=0.1") as answer:
            assert await answer.json() == {"slept_seconds": 0.1}
        assert asyncio.get_running_loop().time() - started >= 0.1


async def test_the_health_check_answers_while_a_request_burns() -> None:
    async with serving() as (client, _):
        burning = asyncio.ensure_future(client.get("/burn?ms=300"))
        async with client.get("/healthz") as health:
            assert health.status == 200
        assert not burning.done(), "the health check waited for the burn"
        async with await burning as answer:
            assert (await answer.json())["burned_ms"] == 300


async def test_a_websocket_brings_text_and_bytes_back() -> None:
    async with serving() as (client, _), client.ws_connect("/ws") as ws:
        await ws.send_str("häh")
        assert await ws.receive_str() == "häh"
        await ws.send_bytes(b"\x00\xff")
        assert await ws.receive_bytes() == b"\x00\xff"


async def test_a_leaving_hello_closes_its_websockets_as_going_away() -> None:
    async with serving() as (client, hello), client.ws_connect("/ws") as ws:
        await ws.send_str("there")
        await ws.receive_str()
        hello.draining = True
        goodbye = asyncio.ensure_future(hello.say_goodbye())
        assert (await ws.receive()).type is WSMsgType.CLOSE
        assert ws.close_code == 1001
        await goodbye


async def test_a_draining_hello_is_unhealthy_but_answers_and_lets_connections_go() -> None:
    async with serving() as (client, hello):
        hello.draining = True
        async with client.get("/healthz") as health:
            assert health.status == 503
        async with client.get("/") as answer:
            assert (answer.status, answer.headers["Connection"]) == (200, "close")


async def test_metrics_count_requests_by_route_and_status() -> None:
    async with serving() as (client, _):
        answers: list[ClientResponse] = [
            await client.get(path) for path in ("/", "/", "/fail?ratio=1", "/x1", "/x2")
        ]
        assert [answer.status for answer in answers] == [200, 200, 500, 404, 404]
        async with client.get("/metrics") as answer:
            metrics = await answer.text()
    assert count_of(metrics, 'hello_requests_total{path="/",status="200"}') == 2
    assert count_of(metrics, 'hello_requests_total{path="/fail",status="500"}') == 1
    assert count_of(metrics, 'hello_requests_total{path="other",status="404"}') == 2
    assert count_of(metrics, "hello_requests_in_flight") == 1
    assert count_of(metrics, 'hello_request_duration_seconds_bucket{path="/",le="+Inf"}') == 2
    assert count_of(metrics, 'hello_request_duration_seconds_count{path="/"}') == 2


async def test_a_request_is_in_flight_until_it_is_answered() -> None:
    async with asyncio.timeout(2), serving() as (client, hello):
        slow = asyncio.ensure_future(client.get("/slow?seconds=0.2"))
        while not hello.meter.in_flight:
            await asyncio.sleep(0)
        await hello.meter.idle()
        assert (await slow).status == 200


async def test_a_release_with_faults_fails_that_share_of_its_answers_and_looks_healthy() -> None:
    asked = 200
    async with serving({**PLATFORM, "HELLO_FAIL_RATIO": "0.5"}) as (client, hello):
        answers = [await client.get("/") for _ in range(asked)]
        failed = [answer for answer in answers if answer.status == 500]
        assert 60 < len(failed) < 140, "half of them; 1 run in 60 million falls outside"
        assert await failed[0].json() == {"failed": True, "release": "1a2b3c4d"}
        assert hello.meter.requests["/", 500] == len(failed)
        health = [(await client.get(path)).status for path in ("/healthz", "/metrics") * 20]
        assert set(health) == {200}


async def test_answers_begin_to_fail_at_the_age_asked_for() -> None:
    for age, status in (("3600", 200), ("0", 500)):
        faults = {"HELLO_FAIL_RATIO": "1", "HELLO_FAIL_AFTER_SECONDS": age}
        environment = {**PLATFORM, **faults}
        async with serving(environment) as (client, _), client.get("/") as answer:
            assert answer.status == status


@pytest.mark.parametrize(
    "faults",
    [
        {"HELLO_DELAY_SECONDS": "0.1"},
        {"HELLO_SLOW_RATIO": "1", "HELLO_SLOW_SECONDS": "0.1"},
        {"HELLO_DELAY_SECONDS": "0.05", "HELLO_SLOW_RATIO": "1", "HELLO_SLOW_SECONDS": "0.05"},
    ],
)
async def test_a_slow_release_takes_its_time_and_echoes_all_the_same(
    faults: dict[str, str],
) -> None:
    async with serving({**PLATFORM, **faults}) as (client, _):
        started = asyncio.get_running_loop().time()
        async with client.post("/echo", data=b"late but right") as answer:
            assert await answer.read() == b"late but right"
        assert asyncio.get_running_loop().time() - started >= 0.1
        started = asyncio.get_running_loop().time()
        async with client.get("/healthz") as health:
            assert health.status == 200
        assert asyncio.get_running_loop().time() - started < 0.1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HELLO_PORT", "70000"),
        ("HELLO_FAIL_RATIO", "5"),
        ("HELLO_FAIL_AFTER_SECONDS", "later"),
        ("HELLO_DELAY_SECONDS", "-1"),
        ("HELLO_SLOW_RATIO", "half"),
        ("HELLO_SLOW_SECONDS", "61"),
        ("HELLO_DRAIN_SECONDS", "a while"),
        ("HELLO_ECHO_LIMIT_BYTES", "-1"),
        ("HELLO_IGNORE_SIGTERM", "yes"),
    ],
)
def test_a_wrong_setting_is_refused_by_name_and_value(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name} is '{value}'"):
        read_settings({name: value})


@contextmanager
def process(**environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Hello as a process of its own, and its port."""
    running = subprocess.Popen(
        [sys.executable, "-m", "samples.hello"],
        cwd=ROOT,
        env={"HELLO_PORT": "0", **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        yield running, int(running.stdout.readline().split()[-1])
    finally:
        running.kill()
        running.communicate()


def wait_for_in_flight(port: int, wanted: int) -> None:
    """Ask for metrics until that many requests are in flight, a hundred times at most."""
    for _ in range(100):
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=2) as answer:
            if count_of(answer.read().decode(), "hello_requests_in_flight") == wanted:
                return
    pytest.fail(f"there were never {wanted} requests in flight")


def test_sigterm_loses_no_request_in_flight() -> None:
    with process(HELLO_DRAIN_SECONDS="0") as (running, port):
        with socket.create_connection(("127.0.0.1", port), timeout=2) as client:
            client.sendall(b"GET /slow?seconds=0.3 HTTP/1.0\r\n\r\n")
            wait_for_in_flight(port, 2)  # the slow one and the question itself
            running.send_signal(signal.SIGTERM)
            assert client.makefile().read().endswith('{"slept_seconds": 0.3}')
        assert running.wait(2) == 0


def test_a_hello_told_to_die_dies_at_once() -> None:
    with process(HELLO_IGNORE_SIGTERM="die", HELLO_DRAIN_SECONDS="600") as (running, _):
        running.send_signal(signal.SIGTERM)
        assert running.wait(1) == 143
