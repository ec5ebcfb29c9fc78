"""The load client: it keeps its rate, knows right answers, and calls every failure one."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from samples.hello.app import Hello
from samples.hello.settings import read_settings
from tests.support.load import Load, Result
from tests.support.load.connection import LostError, parse
from tests.support.load.process import PROJECT
from tests.support.load.requester import FailedError, Good, Requester
from tests.support.load.result import read
from tests.support.load.run import Run
from tests.support.load.timetable import SHARES, rates

HELLO = {"HORCRUX_RELEASE": "1a2b3c4d"}
QUICK = {name: share for name, share in SHARES.items() if name != "slow"}  # that takes 5 s each
RIGHT = b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"release": "r"}'
Reply = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def hello(**environment: str) -> AsyncIterator[int]:
    """Hello's port."""
    async with TestServer(Hello(read_settings({**HELLO, **environment})).application()) as server:
        assert server.port
        yield server.port


@asynccontextmanager
async def answering(reply: Reply) -> AsyncIterator[Requester]:
    """A client of a server that treats its connections, numbered from 0, as `reply` does."""
    numbers = iter(range(1000))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reply(next(numbers), reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    requester = Requester("127.0.0.1", server.sockets[0].getsockname()[1], "x.localhost")
    try:
        yield requester
    finally:
        requester.close()
        server.close()


async def loaded(port: int, rate: float, sorts: Mapping[str, float], seconds: float) -> Result:
    """The result of so many seconds."""
    stop, run = asyncio.Event(), Run("127.0.0.1", port, "hello.localhost")
    asyncio.get_running_loop().call_later(seconds, stop.set)
    await run.until(stop, rate, sorts)
    return run.result


async def test_every_sort_is_sent_and_answered_in_its_share() -> None:
    async with hello() as port:
        result = await loaded(port, 200, QUICK, 1.0)
    assert result.failures == []
    assert set(result.sorts) == set(QUICK)
    for sort, rate in rates(200, QUICK).items():
        assert rate * 0.7 <= result.sorts[sort].answered <= rate * 1.3 + 1, sort
    gets = result.sorts["get"].answered + result.sorts["get-new"].answered
    assert result.answers("1a2b3c4d") == gets
    assert result.answers("1a2b3c4d", since=result.began + 60) == 0


async def test_late_answers_slow_nothing_down() -> None:
    async with hello(HELLO_DELAY_SECONDS="0.5") as port:
        result = await loaded(port, 100, {"get": 1}, 1.0)
    assert result.answered >= 95
    assert result.sorts["get"].p50 is not None
    assert result.sorts["get"].p50 >= 0.5


async def test_a_failed_answer_is_counted_with_its_release() -> None:
    async with hello(HELLO_FAIL_RATIO="1") as port:
        result = await loaded(port, 100, {"get": 1}, 0.3)
    assert result.answered == 0
    assert result.failed == len(result.failures) == result.answers("1a2b3c4d") > 0
    assert set(result.kinds) == {"get: status 500"}
    assert {failure.release for failure in result.failures} == {"1a2b3c4d"}


async def test_a_socket_that_is_closed_in_order_is_opened_again_and_loses_nothing() -> None:
    closed = []

    async def twice(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str((await socket.receive()).data)
        closed.append(True)
        await socket.close(code=1001)
        return socket

    app = web.Application()
    app.router.add_get("/ws", twice)
    async with TestServer(app) as server:
        assert server.port
        result = await loaded(server.port, 40, {"ws": 1}, 0.5)
    assert result.failures == []
    assert result.answered == len(closed) > 4


async def test_a_socket_that_is_cut_off_is_a_failure() -> None:
    async def cut(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        assert request.transport
        request.transport.abort()
        return socket

    app = web.Application()
    app.router.add_get("/ws", cut)
    async with TestServer(app) as server:
        assert server.port
        result = await loaded(server.port, 40, {"ws": 1}, 0.3)
    assert result.answered == 0
    assert set(result.kinds) == {"ws: ended uncleanly, with 1006"}


async def test_what_is_idempotent_is_asked_again_once_after_a_lost_connection() -> None:
    async def lose_first(
        number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if number:
            writer.write(RIGHT)

    async with answering(lose_first) as requester:
        assert await requester.send("get") == Good("r", repeated=True)

    async def lose(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with answering(lose) as requester:
        with pytest.raises(LostError, match="closed before an answer"):
            await requester.send("get-new")


@pytest.mark.parametrize(
    ("sort", "sent", "kind"),
    [
        ("post", b"", "closed before an answer"),
        ("get", RIGHT[:-1], "cut off within its answer"),
        ("get", RIGHT[:10], "cut off within its answer"),
        ("get", b"HTTP/1.1 200 OK\r\n\r\n", "ValueError within an answer"),
    ],
)
async def test_what_may_have_had_an_effect_or_had_an_answer_is_not_asked_again(
    sort: str, sent: bytes, kind: str
) -> None:
    seen = []

    async def part(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(number)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(sent)

    async with answering(part) as requester:
        with pytest.raises(LostError, match=kind):
            await requester.send(sort)
    assert seen == [0]


async def test_another_body_than_the_one_sent_is_a_failure() -> None:
    async def wrong(_: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
        writer.write(body[:-1] + bytes([body[-1] ^ 1]))

    async with answering(wrong) as requester:
        with pytest.raises(FailedError, match="another body"):
            await requester.send("post")


async def test_kept_connections_are_used_again_and_new_ones_are_not() -> None:
    opened = []

    async def keep(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(number)
        while not reader.at_eof():
            try:
                await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            writer.write(RIGHT)

    async with answering(keep) as requester:
        for sort in ("get", "get", "get", "get-new", "get-new"):
            await requester.send(sort)
    assert len(opened) == 3


def test_an_answers_head_says_whether_its_connection_is_kept() -> None:
    assert parse(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 7\r\n\r\n") == (200, 7, True)
    assert parse(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n") == (
        503,
        0,
        False,
    )


async def test_the_result_comes_back_as_it_was_written() -> None:
    async with hello(HELLO_FAIL_RATIO="0.5") as port:
        result = await loaded(port, 100, {"get": 1}, 0.3)
    assert read(result.as_json()) == result


async def test_in_a_process_of_its_own_it_runs_for_the_time_of_the_block() -> None:
    async with hello() as port:

        def block() -> Result:
            with Load(port, "hello.localhost", 100, {"get": 1}) as load:
                time.sleep(1)
            return load.result

        result = await asyncio.to_thread(block)
    assert result.failures == []
    assert result.answered > 50
    assert 0 < result.cpu_seconds < 2


async def test_it_ends_with_whoever_began_it() -> None:
    words = (sys.executable, "-m", "tests.support.load", "127.0.0.1", "9", "x.localhost")
    pipe = subprocess.PIPE
    client = await asyncio.create_subprocess_exec(*words, cwd=PROJECT, stdin=pipe, stdout=pipe)
    assert client.stdin
    assert client.stdout
    assert await client.stdout.readline() == b"begun\n"
    client.stdin.close()
    result = read((await client.stdout.read()).decode())
    assert await client.wait() == 0
    assert result.answered == 0
    assert "get: no connection: ConnectionRefusedError" in result.kinds
