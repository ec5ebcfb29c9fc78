"""How long requests take: counted by HAProxy in classes, told to Prometheus as a histogram."""

import http.client
import http.server
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from control.backend import Backend, Release
from control.haproxy import CLASSES, DURATIONS, LONGEST_BACKEND, render
from edge import haproxy
from edge.agent import Agent
from edge.haproxy import _ask, _counts
from edge.metrics import BOUNDS, EdgeCollector, by_release, cumulated
from tests.support.haproxy_check import free_port, running

# As HAProxy 2.6 prints it.
TABLE = """\
# table: durations, type: string, size:4096, used:2
0x5581: key=app-hello:hello-1 use=0 exp=0 shard=0 gpc0=8 gpc1=1 gpc2=1 gpc3=0 gpc4=0 gpc5=0 \
gpc6=0 gpc7=0 gpc8=0 gpc9=0 gpc10=0 gpc11=0 gpc12=0 gpc13=0 gpc14=0 gpc15=0 gpc16=0 gpc17=0 \
gpc18=0 gpc19=0 gpc20=0 gpc21=0 gpc22=0 gpc23=0 gpc24=0 gpc25=0 gpc26=2
0x5581: key=app-db_x:my_db use=0 exp=0 shard=0 gpc0=0 gpc1=0 gpc2=0 gpc3=0 gpc4=0 gpc5=0 gpc6=0 \
gpc7=0 gpc8=0 gpc9=0 gpc10=0 gpc11=0 gpc12=0 gpc13=0 gpc14=0 gpc15=0 gpc16=0 gpc17=0 gpc18=0 \
gpc19=0 gpc20=0 gpc21=0 gpc22=0 gpc23=0 gpc24=0 gpc25=5 gpc26=0

"""
OF_HELLO = [8, 1, 1, *[0] * 23, 2]
RELEASE = Release("hello-1", 80, 100, 4)
HELLO = Backend("hello", (("hello.test", "/"),), (RELEASE,), "hello-1", body_limit=1000)
SOON = 10  # seconds; what is awaited takes some milliseconds


def test_the_classes_of_both_sides_are_the_same() -> None:
    assert [float(bound) for bound in BOUNDS[:-1]] == [ms / 1000 for ms in CLASSES]
    assert BOUNDS[-1] == "+Inf"


def test_a_table_is_read_line_by_line() -> None:
    assert _counts(TABLE) == {
        "app-hello:hello-1": OF_HELLO,
        "app-db_x:my_db": [*[0] * 25, 5, 0],
    }


@pytest.mark.parametrize(
    "text", ["", "\n", "Unknown command\n", "Permission denied\n", "a=b key=c"]
)
def test_what_is_no_table_is_an_empty_one(text: str) -> None:
    assert _counts(text) == {}


def test_counts_are_told_by_app_and_release() -> None:
    assert by_release(_counts(TABLE)) == {
        ("hello", "hello-1"): OF_HELLO,
        ("db_x", "my_db"): [*[0] * 25, 5, 0],
    }


@pytest.mark.parametrize(
    "durations",
    [{"unknown": [1] * 27}, {"app-a:": [1] * 27}, {"app-a:a": [1] * 26}, {"": [1] * 27}],
)
def test_what_is_no_release_s_is_left_out(durations: dict[str, list[int]]) -> None:
    assert by_release(durations) == {}


def test_a_histogram_counts_all_that_were_as_fast() -> None:
    assert [count for _, count in cumulated(OF_HELLO)] == [8, 9, 10, *[10] * 23, 12]


def metrics(durations: dict[str, list[int]], *, refused: bool = False) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(EdgeCollector(durations, refused=refused))
    return generate_latest(registry).decode()


def test_the_text_is_a_histogram_that_prometheus_reads() -> None:
    text = metrics(_counts(TABLE))
    for line in (
        'horcrux_request_duration_seconds_bucket{app="hello",le="0.005",service="hello-1"} 9.0',
        'horcrux_request_duration_seconds_bucket{app="hello",le="1.0",service="hello-1"} 10.0',
        'horcrux_request_duration_seconds_bucket{app="hello",le="+Inf",service="hello-1"} 12.0',
        'horcrux_request_duration_seconds_count{app="hello",service="hello-1"} 12.0',
        "horcrux_edge_refused 0.0",
    ):
        assert f"{line}\n" in text
    families = {f.name: f.type for f in text_string_to_metric_families(text)}
    assert families["horcrux_request_duration_seconds"] == "histogram"


def test_a_refused_configuration_is_told() -> None:
    assert "horcrux_edge_refused 1.0\n" in metrics({}, refused=True)


def test_the_longest_name_of_a_release_fits_its_key() -> None:
    assert len(f"app-{'a' * 63}:{'s' * 63}") <= LONGEST_BACKEND


class App(http.server.BaseHTTPRequestHandler):
    """An app that takes the milliseconds that its path says; /broken ends without an answer."""

    def do_GET(self) -> None:
        if self.path == "/broken":
            self.connection.close()
            return
        time.sleep(int(self.path.rpartition("/")[2] or 0) / 1000)
        self.send_response(500 if self.path.startswith("/error") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def app() -> Iterator[int]:
    """The app's port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


class Asked:
    """A real HAProxy, and what it has counted."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder

    def ask(self, path: str, host: str = "hello.test", body: str | None = None) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SOON)
        connection.request("GET", path, body, {"Host": host})
        status = connection.getresponse().status
        connection.close()
        return status

    async def counts(self) -> list[int]:
        """The counts of the one release; all zeros before its first answer."""
        text = await _ask(self.folder / "stats.sock", f"show table {DURATIONS}")
        assert text.startswith(f"# table: {DURATIONS}")
        found = by_release(_counts(text))
        assert set(found) <= {("hello", "hello-1")}
        return found.get(("hello", "hello-1"), [0] * len(BOUNDS))


@pytest.fixture
def edge(app: int, tmp_path: Path) -> Iterator[Asked]:
    with running(render([HELLO]), tmp_path, app) as port:
        yield Asked(port, tmp_path)


async def test_requests_land_in_the_class_of_their_duration(edge: Asked) -> None:
    assert await edge.counts() == [0] * len(BOUNDS)
    paths = ["/0"] * 6 + ["/300"] * 2 + ["/error/600"]
    with ThreadPoolExecutor(len(paths)) as pool:
        statuses = list(pool.map(edge.ask, paths))
    assert statuses == [200] * 8 + [500]
    counts = await edge.counts()

    def between(above: str, bound: str) -> int:
        return sum(counts[BOUNDS.index(above) + 1 : BOUNDS.index(bound) + 1])

    assert sum(counts) == 9
    assert sum(counts[: BOUNDS.index("0.25")]) == 6, "at once: some milliseconds on a busy machine"
    assert (between("0.25", "0.5"), between("0.5", "1.0")) == (2, 1)


@pytest.mark.parametrize(
    ("path", "host", "body", "status"),
    [
        ("/broken", "hello.test", None, 502),
        ("/", "nobody.test", None, 404),
        ("/", "hello.test", "x" * 2000, 413),
    ],
)
async def test_answers_that_haproxy_makes_itself_are_not_counted_and_break_nothing(
    edge: Asked, path: str, host: str, body: str | None, status: int
) -> None:
    assert edge.ask(path, host, body) == status
    assert await edge.counts() == [0] * len(BOUNDS)
    assert edge.ask("/0") == 200
    assert sum(await edge.counts()) == 1


async def test_no_task_that_answers_is_503_and_not_counted(tmp_path: Path) -> None:
    with running(render([HELLO]), tmp_path, free_port()) as port:
        edge = Asked(port, tmp_path)
        assert edge.ask("/0") == 503
        assert await edge.counts() == [0] * len(BOUNDS)


async def test_the_agent_asks_its_own_haproxy(edge: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haproxy, "WORKER", edge.folder / "stats.sock")
    assert edge.ask("/0") == 200
    (counts,) = (await haproxy.HAProxy().durations()).values()
    assert sum(counts) == 1


async def test_without_haproxy_there_are_no_durations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haproxy, "WORKER", tmp_path / "none")
    assert await haproxy.HAProxy().durations() == {}


async def test_the_agent_s_metrics_are_those_of_its_haproxy(
    edge: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(haproxy, "WORKER", edge.folder / "stats.sock")
    assert edge.ask("/0") == 200
    agent = Agent()
    agent.error = "unknown keyword"
    answer = await agent.metrics(make_mocked_request("GET", "/metrics"))
    assert isinstance(answer.body, bytes)
    text = answer.body.decode()
    assert 'seconds_count{app="hello",service="hello-1"} 1.0\n' in text
    assert "horcrux_edge_refused 1.0\n" in text
