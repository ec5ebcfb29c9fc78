"""Which release a request goes to, asked of the real HAProxy, and what the edge reads of its counts."""

import asyncio
import contextlib
import http.client
import http.server
import json
import re
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from control.backend import backends
from control.haproxy import CONFIG, PROBES, render
from edge import haproxy
from edge.haproxy import HAProxy
from tests.support.haproxy_check import free_port, listening, on_loopback, program, written
from tests.support.swarm_objects import service, traffic

SOON = 10  # seconds; what is awaited takes two at most
MANY = 20_000  # requests: the greatest share's standard deviation is 0.2 %
WAITING = 20  # requests for an app that sleeps
AT_ONCE = 100  # requests in one go, down one connection
PROBE = {"User-Agent": f"{PROBES}/1"}
OLD, NEW, NEWEST = "web-1", "web-2", "web-3"


class Task(http.server.BaseHTTPRequestHandler):
    """Says who it is and what it was asked with; /broken ends without an answer, /error is its fault."""

    protocol_version = "HTTP/1.1"
    name = ""

    def do_GET(self) -> None:
        if self.path == "/broken":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())

    do_POST = do_GET  # noqa: N815

    def _answer(self, body: str) -> None:
        asked = [(name.lower(), value) for name, value in self.headers.items()]
        text = json.dumps({"task": self.name, "headers": asked, "body": body}).encode()
        self.send_response(500 if self.path == "/error" else 200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def task(name: str, port: int) -> Iterator[None]:
    """A task of a release, for as long as the block lasts."""
    handler = type("Named", (Task,), {"name": name})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Answer:
    """What a client got; `task` and `headers`: who answered, and what it was asked with."""

    status: int
    cookie: str | None = None
    task: str | None = None
    headers: Sequence[tuple[str, str]] = ()
    body: str = ""


class Edge:
    """An edge's HAProxy on a port of this machine, before releases whose tasks are on others."""

    def __init__(self, run: Path) -> None:
        self.run, self.port = run, free_port()
        self.haproxy = HAProxy()
        self.ports = {name: free_port() for name in (OLD, NEW, NEWEST, "api-1")}
        self._takes = 0
        self._clients = ThreadPoolExecutor(WAITING + 5)

    async def take(self, weights: Mapping[str, int], **rules: Any) -> None:
        """The app `web` with these releases and rules, and an app `api` beside it."""
        self._takes += 1
        label = {"port": 80, "routes": [["web.test", "/"]], **rules}
        services = [
            service(name, label, created=f"2026-01-0{name[-1]}T00:00:00Z") for name in weights
        ]
        services.append(
            service(
                "api-1",
                {"port": 80, "routes": [["api.test", f"/v{self._takes}"], ["api.test", "/"]]},
                app="api",
            )
        )
        found, problems = backends(
            services, [traffic("web", weights), traffic("api", {"api-1": 1})]
        )
        assert problems == []
        self.run.mkdir(exist_ok=True)
        config = written(render(found), self.run)
        files = {path.name: path.read_text() for path in config.parent.iterdir() if path.is_file()}
        files[CONFIG] = on_loopback(files[CONFIG], self.port, self.ports)
        await self.haproxy.apply(str(self._takes), files)
        await asyncio.to_thread(listening, self.port)

    async def ask(
        self,
        path: str = "/",
        headers: Mapping[str, str] | None = None,
        *,
        host: str = "web.test",
        body: str | None = None,
    ) -> Answer:
        """One request over a connection of its own."""
        told = {**(headers or {}), "Host": host}
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._clients, self._ask, path, told, body)

    def _ask(self, path: str, headers: Mapping[str, str], body: str | None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=4 * SOON)
        with contextlib.closing(connection):
            connection.request("POST" if body else "GET", path, body, dict(headers))
            answer = connection.getresponse()
            text, cookie = answer.read().decode(), answer.getheader("Set-Cookie")
        told = json.loads(text) if text.startswith("{") else {}
        return Answer(answer.status, cookie, **told)

    async def tasks(self, number: int, headers: Mapping[str, str] | None = None) -> Counter[str]:
        """By whom so many requests are answered."""
        answers = [await self.ask(headers=headers) for _ in range(number)]
        assert {a.status for a in answers} == {200}
        return Counter(str(a.task) for a in answers)

    async def up(self, **tasks: int) -> None:
        """Return once the edge finds so many slots of releases well: `web_1=4`."""
        wanted = {name.replace("_", "-"): number for name, number in tasks.items()}

        async def found() -> bool:
            seen = await self.haproxy.releases()
            return all(seen[name]["up"] == number for name, number in wanted.items())

        await until(found)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Return once it holds."""
    async with asyncio.timeout(SOON):
        while not await condition():
            await asyncio.sleep(0.02)


@pytest.fixture
async def edge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Edge]:
    found = Edge(tmp_path / "run")
    monkeypatch.setattr(haproxy, "RUN", found.run)
    monkeypatch.setattr(haproxy, "CURRENT", found.run / "current")
    monkeypatch.setattr(haproxy, "MASTER", found.run / "master.sock")
    monkeypatch.setattr(haproxy, "WORKER", found.run / "stats.sock")
    yield found
    process = found.haproxy._process
    if process and process.returncode is None:
        process.terminate()
        await asyncio.wait_for(process.wait(), SOON)


@pytest.fixture
def tasks(edge: Edge) -> Iterator[None]:
    """A task of each release, and of the other app."""
    with contextlib.ExitStack() as stack:
        for name, port in edge.ports.items():
            stack.enter_context(task(name, port))
        yield


@pytest.fixture
def quick_tasks(edge: Edge, tmp_path: Path) -> Iterator[None]:
    """The same, by a HAProxy, that answer with their names alone: for many requests."""
    head = "defaults\n  mode http\n  timeout client 9s\n  timeout server 9s\n  timeout connect 9s\n"
    answers = [
        f"frontend {name}\n  bind 127.0.0.1:{port}\n"
        f'  http-request return status 200 content-type text/plain string "<{name}>"\n'
        for name, port in edge.ports.items()
    ]
    (tmp_path / "tasks.cfg").write_text(head + "".join(answers))
    process = subprocess.Popen([program(), "-f", str(tmp_path / "tasks.cfg")])
    try:
        listening(edge.ports["api-1"])
        yield
    finally:
        process.kill()
        process.wait()


def many(port: int, number: int) -> Counter[str]:
    """By which release so many requests are answered, sent in a row down one connection."""
    request = b"GET / HTTP/1.1\r\nHost: web.test\r\n\r\n" * AT_ONCE
    found: Counter[str] = Counter()
    with socket.create_connection(("127.0.0.1", port), SOON) as connection:
        for _ in range(number // AT_ONCE):
            connection.sendall(request)
            text = b""
            while text.count(b">") < AT_ONCE:
                part = connection.recv(1 << 16)
                assert part, "the edge closed the connection"
                text += part
            found.update(name.decode() for name in re.findall(rb"<([^>]+)>", text))
    return found


@pytest.mark.usefixtures("quick_tasks")
@pytest.mark.parametrize(
    "weights",
    [
        {OLD: 95, NEW: 5},
        {OLD: 9000, NEW: 700, NEWEST: 300},
        {OLD: 3, NEW: 97},
        {OLD: 100, NEW: 0, NEWEST: 5},
        {OLD: 0, NEW: 100},
        {OLD: 1},
    ],
    ids=str,
)
async def test_each_release_gets_its_share(edge: Edge, weights: dict[str, int]) -> None:
    await edge.take(weights)
    seen = await asyncio.to_thread(many, edge.port, MANY)
    total = sum(weights.values())
    for name, weight in weights.items():
        assert seen[name] / MANY == pytest.approx(weight / total, abs=0.01)
        assert weight or not seen[name], "no weight is no request at all"


@pytest.mark.usefixtures("tasks")
async def test_a_client_stays_with_the_release_that_it_got(edge: Edge) -> None:
    await edge.take({OLD: 50, NEW: 50}, sticky=True)
    for release in (OLD, NEW):
        told: list[Answer] = []

        async def drawn(name: str = release, told: list[Answer] = told) -> bool:
            told.append(await edge.ask())
            return told[-1].task == name

        await until(drawn)
        assert told[-1].cookie == f"horcrux-web={release}; Path=/; HttpOnly; SameSite=Lax"
        again = [await edge.ask(headers={"Cookie": f"horcrux-web={release}"}) for _ in range(20)]
        assert {(a.task, a.cookie) for a in again} == {(release, None)}, "told once"


@pytest.mark.usefixtures("tasks")
async def test_a_release_that_lost_its_weight_keeps_no_client(edge: Edge) -> None:
    await edge.take({OLD: 100, NEW: 0}, sticky=True)
    for cookie in (NEW, "web-9", "", "x" * 200):
        answer = await edge.ask(headers={"Cookie": f"a=b; horcrux-web={cookie}"})
        assert answer.task == OLD
        assert answer.cookie
        assert answer.cookie.startswith(f"horcrux-web={OLD};")


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize(
    ("weights", "sticky"), [({OLD: 50, NEW: 50}, False), ({OLD: 100}, True)], ids=str
)
async def test_without_need_no_client_gets_a_cookie(
    edge: Edge, weights: dict[str, int], sticky: bool
) -> None:
    await edge.take(weights, sticky=sticky)
    assert {(await edge.ask()).cookie for _ in range(10)} == {None}


@pytest.mark.usefixtures("tasks")
@pytest.mark.parametrize("weights", [{OLD: 100, NEW: 0}, {OLD: 1, NEW: 9999}], ids=str)
@pytest.mark.parametrize("form", ["{}", "Cookie: {}"], ids=["header", "cookie"])
async def test_a_tester_chooses(edge: Edge, weights: dict[str, int], form: str) -> None:
    await edge.take(weights, tester="X-Canary", sticky=True)
    for word, wanted in (("always", NEW), ("Always", NEW), ("never", OLD)):
        asked = {"Cookie": f"X-Canary={word}"} if "Cookie" in form else {"X-Canary": word}
        assert await edge.tasks(10, asked) == {wanted: 10}
    remembered = {"X-Canary": "never", "Cookie": f"horcrux-web={NEW}"}
    assert await edge.tasks(10, remembered) == {OLD: 10}, "a word said now counts before a cookie"


@pytest.mark.usefixtures("tasks")
async def test_only_a_header_of_that_name_and_word_is_a_tester_s(edge: Edge) -> None:
    await edge.take({OLD: 100, NEW: 0}, tester="X-New")
    for headers in ({"X-Canary": "always"}, {"X-New": "yes"}, {"Cookie": "X-Canary=always"}):
        assert await edge.tasks(5, headers) == {OLD: 5}
    await edge.take({OLD: 100, NEW: 0})
    assert await edge.tasks(5, {"X-New": "always"}) == {OLD: 5}, "nobody is a tester"


async def test_a_tester_is_not_sent_to_where_no_task_is(edge: Edge) -> None:
    with task(OLD, edge.ports[OLD]):
        await edge.take({OLD: 100, NEW: 0}, tester="X-Canary")
        await edge.up(web_1=4, web_2=0)
        assert await edge.tasks(5, {"X-Canary": "always"}) == {OLD: 5}


@pytest.mark.usefixtures("tasks")
async def test_probes_ask_the_main_release(edge: Edge) -> None:
    await edge.take({OLD: 1, NEW: 9999}, tester="X-Canary", sticky=True)
    headers = {**PROBE, "X-Canary": "always", "Cookie": f"horcrux-web={NEW}"}
    assert await edge.tasks(20, headers) == {OLD: 20}


@pytest.mark.parametrize(
    ("weights", "well"),
    [
        ({OLD: 1, NEW: 9999}, OLD),
        ({OLD: 9999, NEW: 1}, NEW),
        ({OLD: 60, NEW: 30, NEWEST: 10}, NEWEST),
        ({OLD: 10, NEW: 30, NEWEST: 60}, NEW),
    ],
    ids=str,
)
async def test_a_release_without_a_task_that_is_well_gives_way(
    edge: Edge, weights: dict[str, int], well: str
) -> None:
    with task(well, edge.ports[well]):
        await edge.take(weights, sticky=True)
        await edge.up(**{n.replace("-", "_"): 4 * (n == well) for n in weights})
        assert await edge.tasks(20) == {well: 20}
        ill = next(name for name in weights if name != well)
        assert await edge.tasks(5, {"Cookie": f"horcrux-web={ill}"}) == {well: 5}


async def test_a_request_waits_for_a_sleeping_app_and_holds_nobody_up(edge: Edge) -> None:
    with task("api-1", edge.ports["api-1"]):
        await edge.take({OLD: 100}, sleeps=True)
        await edge.up(web_1=0, api_1=4)
        began = time.monotonic()
        waiting = [asyncio.create_task(edge.ask("/", body=f"{n}")) for n in range(WAITING)]
        meanwhile = []
        while time.monotonic() < began + 2:
            asked = time.monotonic()
            assert (await edge.ask(host="api.test")).task == "api-1"
            meanwhile.append(time.monotonic() - asked)
        assert not any(w.done() for w in waiting)
        assert len(meanwhile) >= 20
        assert sorted(meanwhile)[len(meanwhile) // 2] < 0.2, "others are served meanwhile"
        with task(OLD, edge.ports[OLD]):
            answers = await asyncio.wait_for(asyncio.gather(*waiting), SOON)
    assert {(a.status, a.task) for a in answers} == {(200, OLD)}
    assert [a.body for a in answers] == [str(n) for n in range(WAITING)]
    assert time.monotonic() - began >= 2


async def test_a_sleeping_app_is_well_for_probes_and_they_do_not_wake_it(edge: Edge) -> None:
    await edge.take({OLD: 100}, sleeps=True)
    await edge.up(web_1=0)
    assert await edge.ask(headers=PROBE) == Answer(200)
    assert await edge.haproxy.asked() == {}


async def test_probes_of_an_app_that_does_not_sleep_tell_that_it_has_no_task(edge: Edge) -> None:
    await edge.take({OLD: 100})
    await edge.up(web_1=0)
    assert (await edge.ask(headers=PROBE)).status == 503


async def test_what_waits_too_long_is_503_and_was_asked(edge: Edge) -> None:
    await edge.take({OLD: 100}, sleeps=True, hold=1)
    await edge.up(web_1=0)
    began = time.monotonic()
    waiting = asyncio.create_task(edge.ask())
    await until(lambda: _asked(edge, {"web": 1}))
    assert not waiting.done(), "counted when it comes, not when it is answered"
    assert (await waiting).status == 503
    assert 1 <= time.monotonic() - began < 1 + SOON
    assert (await edge.haproxy.releases())[OLD]["errors"] == 1


async def test_while_another_release_has_tasks_a_sleeping_one_is_not_waited_for(
    edge: Edge,
) -> None:
    with task(NEW, edge.ports[NEW]):
        await edge.take({OLD: 50, NEW: 50}, sleeps=True)
        await edge.up(web_1=0, web_2=4)
        async with asyncio.timeout(SOON):
            assert await edge.tasks(20) == {NEW: 20}


async def _asked(edge: Edge, wanted: dict[str, int]) -> bool:
    return await edge.haproxy.asked() == wanted


@pytest.mark.parametrize("reloads", [1, 2])
async def test_what_waits_for_a_task_goes_on_waiting_after_a_reload(
    edge: Edge, reloads: int
) -> None:
    await edge.take({OLD: 100}, sleeps=True)
    await edge.up(web_1=0)
    waiting = [asyncio.create_task(edge.ask("/", body=f"{n}" * 5000)) for n in range(5)]
    await until(lambda: _asked(edge, {"web": 5}))
    for _ in range(reloads):
        await edge.take({OLD: 100}, sleeps=True)
        # The new worker counts them too: so control, whose figures begin anew, learns of them.
        await until(lambda: _asked(edge, {"web": 5}))
    assert not any(w.done() for w in waiting)
    with task(OLD, edge.ports[OLD]):
        answers = await asyncio.wait_for(asyncio.gather(*waiting), SOON)
    assert [(a.status, a.task, a.body) for a in answers] == [
        (200, OLD, f"{n}" * 5000) for n in range(5)
    ]
    for name, value in (("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "http")):
        assert [v for n, v in answers[0].headers if n == name] == [value], "told once"


async def test_after_a_reload_what_waited_follows_the_new_weights(edge: Edge) -> None:
    await edge.take({OLD: 100}, sleeps=True)
    await edge.up(web_1=0)
    waiting = asyncio.create_task(edge.ask())
    await until(lambda: _asked(edge, {"web": 1}))
    with task(NEW, edge.ports[NEW]):
        await edge.take({NEW: 100}, sleeps=True)
        assert (await asyncio.wait_for(waiting, SOON)).task == NEW


@pytest.mark.usefixtures("tasks")
async def test_requests_are_counted_by_app_without_probes_and_strangers(edge: Edge) -> None:
    await edge.take({OLD: 50, NEW: 50})
    for _ in range(7):
        await edge.ask()
    for _ in range(3):
        await edge.ask(host="api.test")
        await edge.ask(headers=PROBE)
        assert (await edge.ask(host="nobody.test")).status == 404
    assert await edge.haproxy.asked() == {"web": 7, "api": 3}


@pytest.mark.usefixtures("tasks")
async def test_each_release_s_answers_and_errors_are_told(edge: Edge) -> None:
    await edge.take({OLD: 100, NEW: 0}, tester="X-Canary")
    new = {"X-Canary": "always"}
    assert [(await edge.ask(path)).status for path in ("/", "/", "/error")] == [200, 200, 500]
    assert [(await edge.ask(path, new)).status for path in ("/", "/broken")] == [200, 502]
    told = await edge.haproxy.releases()
    assert told[OLD] == {"up": 4, "sessions": 0, "requests": 3, "errors": 1}
    assert told[NEW] == {"up": 4, "sessions": 0, "requests": 2, "errors": 1}


async def test_what_finds_no_task_is_the_release_s_error(edge: Edge) -> None:
    await edge.take({OLD: 100})
    await edge.up(web_1=0)
    assert (await edge.ask()).status == 503
    assert (await edge.haproxy.releases())[OLD] == {
        "up": 0,
        "sessions": 0,
        "requests": 1,
        "errors": 1,
    }
