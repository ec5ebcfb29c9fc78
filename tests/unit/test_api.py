"""Every endpoint of the internal API, over a real Swarm's snapshot and monitoring that a test plays."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from control.api import LONGEST_MINUTES, LONGEST_SILENCE, MOST_POINTS
from control.event_log import MOST, EventLog
from control.events import Event
from control.metrics import Failures, SwarmCollector, registry
from control.prometheus import Series
from control.upstream import UpstreamError
from control.watch import Watch
from tests.support.client import Client
from tests.support.control_parts import OUTSIDE, api
from tests.support.recorded import Recorded

SOON = 5  # seconds in which what is awaited surely comes; it takes milliseconds


class Prometheus:
    """One that knows a single series."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.away = False

    async def now(self, query: str) -> list[Series]:
        self.asked.append((query,))
        if self.away:
            raise UpstreamError("horcrux-prometheus: no task runs")
        labels = {"__name__": "app:requests:rate1m", "app": "hello"}
        return [{"labels": labels, "values": [[1.0, 42.0]]}]

    async def over(self, query: str, *span: float) -> list[Series]:
        self.asked.append((query, *span))
        return [{"labels": {}, "values": [[span[0], 1.0], [span[1], None]]}]


class Alertmanager:
    """One that has an alert, and takes silences."""

    def __init__(self) -> None:
        self.silenced: list[tuple[Any, ...]] = []

    async def alerts(self) -> list[dict[str, Any]]:
        return [{"name": "HostDown", "severity": "critical"}]

    async def silences(self) -> list[dict[str, Any]]:
        return [{"id": "s1"}]

    async def silence(self, *asked: Any) -> str:
        self.silenced.append(asked)
        return "s2"

    async def unsilence(self, identity: str) -> None:
        if identity != "s1":
            raise UpstreamError(f"answers 404: {identity}")


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    found = Watch("manager-1", EventLog(tmp_path / "events.jsonl"))
    found.snapshot = Recorded().take()
    found.events.add(
        Event(f"e{n}", float(n), "host", "info", "manager-1", "text") for n in range(1, 6)
    )
    return found


@pytest.fixture
def prometheus() -> Prometheus:
    return Prometheus()


@pytest.fixture
def alertmanager() -> Alertmanager:
    return Alertmanager()


@pytest.fixture
async def client(
    watch: Watch, prometheus: Prometheus, alertmanager: Alertmanager
) -> AsyncIterator[Client]:
    collector = SwarmCollector(lambda: watch.snapshot, lambda: watch.read_at, Failures(), lambda: 0)
    made = api(None, watch, prometheus, alertmanager, [registry(collector)])

    async def more(_: web.Request) -> web.Response:
        return web.json_response({"more": True})

    async def broken(_: web.Request) -> web.Response:
        raise web.HTTPRequestEntityTooLarge(1, 2)

    others = [web.get("/v1/more", more), web.get("/v1/broken", broken)]
    async with TestClient(TestServer(made.application(others))) as found:
        yield found


async def told(client: Client, path: str, **query: Any) -> Any:
    asked = {key: str(value) for key, value in query.items()}
    async with client.get(path, params=asked) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/json"
        return await answer.json()


async def refused(answer: Any, status: int) -> str:
    """The sentence that goes with an error."""
    async with answer as response:
        assert response.status == status, await response.text()
        document = await response.json()
        assert list(document) == ["error"]
        return str(document["error"])


async def test_the_overview_is_of_what_is_known(client: Client) -> None:
    document = await told(client, "/v1/overview")
    assert document["environment"] == "dev"
    assert document["monitoring"] == {"answering": True}
    assert [h["name"] for h in document["hosts"]] == ["manager-1", "manager-2", "manager-3"]
    assert {a["name"]: a["requests"] for a in document["apps"]} == {
        "db": None,
        "hello": 42.0,
        "wiki": None,
    }
    assert document["alerts"] == [{"name": "HostDown", "severity": "critical"}]
    assert [e["id"] for e in document["events"]] == ["e5", "e4", "e3", "e2", "e1"]
    assert abs(document["time"] - time.time()) < SOON


async def test_all_who_look_at_once_are_shown_the_same(
    client: Client, prometheus: Prometheus
) -> None:
    answers = await asyncio.gather(*(told(client, "/v1/overview") for _ in range(20)))
    assert len({a["time"] for a in answers}) == 1
    assert len(prometheus.asked) == 2, "one for each of the overview's questions"


async def test_the_overview_answers_whatever_does_not(watch: Watch) -> None:
    async with TestClient(TestServer(api(watch=watch).application([]))) as client:
        document = await told(client, "/v1/overview")
    assert document["monitoring"] == {"answering": False}
    assert document["alerts"] == []
    assert len(document["apps"]) == 3


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["e1", "e2", "e3", "e4", "e5"]),
        ({"since": 3}, ["e4", "e5"]),
        ({"limit": 2}, ["e4", "e5"]),
        ({"since": 1, "limit": 3}, ["e3", "e4", "e5"]),
        ({"since": 99}, []),
    ],
)
async def test_events_come_the_oldest_first(
    client: Client, query: dict[str, Any], expected: list[str]
) -> None:
    found = (await told(client, "/v1/events", **query))["events"]
    assert [e["id"] for e in found] == expected


@pytest.mark.parametrize(
    "query",
    [
        *("since=yesterday", "since=nan", "since=inf", "limit=0", "limit=-1", "limit=x"),
        f"limit={MOST + 1}",
    ],
)
async def test_events_are_not_given_for_what_is_no_number(client: Client, query: str) -> None:
    said = await refused(client.get(f"/v1/events?{query}"), 400)
    assert said.startswith(query.partition("=")[0])


async def test_who_follows_gets_lines_as_things_happen(client: Client, watch: Watch) -> None:
    async with client.get("/v1/events", params={"follow": "1", "since": "4"}) as answer:
        assert answer.content_type == "application/x-ndjson"
        async with asyncio.timeout(SOON):
            assert json.loads(await answer.content.readline())["id"] == "e5"
            watch.events.add([Event("e6", 6.0, "host", "info", "manager-1", "text")])
            assert json.loads(await answer.content.readline())["id"] == "e6"


async def test_curves(client: Client, prometheus: Prometheus) -> None:
    found = await told(client, "/v1/series", what="app", name="hello", minutes=15)
    assert list(found["series"]) == ["requests", "errors", "p50", "p95", "p99"]
    assert found["series"]["p50"][0] == 1.0
    assert len(found["times"]) == len(found["series"]["p50"]) == 181
    assert prometheus.asked[0][0] == 'app:requests:rate1m{app="hello"}'


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("what=zone&name=a", "what='zone': there are app, release and host"),
        ("name=a", "what='': there are app, release and host"),
        ("what=app&minutes=0", f"minutes=0 is not from 1 to {LONGEST_MINUTES}"),
        ("what=app&minutes=-5", f"minutes=-5 is not from 1 to {LONGEST_MINUTES}"),
        ("what=app&minutes=1e300", f"minutes=1e+300 is not from 1 to {LONGEST_MINUTES}"),
        ("what=app&minutes=inf", "minutes='inf' is not a number"),
        ("what=app&minutes=x", "minutes='x' is not a number"),
    ],
)
async def test_curves_of_nothing_are_refused(client: Client, query: str, said: str) -> None:
    assert await refused(client.get(f"/v1/series?{query}"), 400) == said


async def test_a_query_of_now_and_one_over_time(client: Client, prometheus: Prometheus) -> None:
    now = await told(client, "/v1/query", query="up")
    assert now["result"][0]["values"] == [[1.0, 42.0]]
    over = await told(client, "/v1/query", query="up", start=100, end=160, step=30)
    assert over == {"result": [{"labels": {}, "values": [[100.0, 1.0], [160.0, None]]}]}
    assert prometheus.asked == [("up",), ("up", 100.0, 160.0, 30.0)]


async def test_a_query_without_an_end_goes_up_to_now(
    client: Client, prometheus: Prometheus
) -> None:
    await told(client, "/v1/query", query="up", start=time.time() - 600)
    ((_, start, end, step),) = prometheus.asked
    assert (round(end - start), step) == (600, 60.0)


@pytest.mark.parametrize(
    ("span", "said"),
    [
        ("start=0&end=60&step=0", "is not 1 to"),
        ("start=0&end=60&step=-1", "is not 1 to"),
        ("start=60&end=0&step=1", "is not 1 to"),
        (f"start=0&end={MOST_POINTS + 1}&step=1", f"is not 1 to {MOST_POINTS} points"),
        ("start=x", "start='x' is not a number"),
        ("start=nan&end=60&step=1", "start='nan' is not a number"),
        ("start=0&end=60&step=inf", "step='inf' is not a number"),
    ],
)
async def test_a_span_that_is_none_is_refused(client: Client, span: str, said: str) -> None:
    assert said in await refused(client.get(f"/v1/query?query=up&{span}"), 400)


async def test_prometheus_away_is_502_with_the_reason(
    client: Client, prometheus: Prometheus
) -> None:
    prometheus.away = True
    said = await refused(client.get("/v1/query?query=up"), 502)
    assert said == "horcrux-prometheus: no task runs"


async def test_alerts_and_silences(client: Client, alertmanager: Alertmanager) -> None:
    assert await told(client, "/v1/alerts") == {
        "alerts": [{"name": "HostDown", "severity": "critical"}]
    }
    assert await told(client, "/v1/silences") == {"silences": [{"id": "s1"}]}
    body = {"matchers": {"alertname": "HostDown"}, "seconds": 3600, "comment": "a", "author": "b"}
    async with client.post("/v1/silences", json=body) as answer:
        assert await answer.json() == {"id": "s2"}
    assert alertmanager.silenced == [({"alertname": "HostDown"}, 3600, "a", "b")]
    async with client.delete("/v1/silences/s1") as answer:
        assert (answer.status, await answer.json()) == (200, {})
    assert await refused(client.delete("/v1/silences/s9"), 502) == "answers 404: s9"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "matchers: say which alerts"),
        ({"matchers": {}, "seconds": 60}, "matchers: say which alerts"),
        ({"matchers": {"a": 7}, "seconds": 60}, "matchers: say which alerts"),
        ({"matchers": {"a": "b"}}, "seconds: None is not from 1"),
        ({"matchers": {"a": "b"}, "seconds": 0}, "seconds: 0 is not from 1"),
        ({"matchers": {"a": "b"}, "seconds": 1.5}, "seconds: 1.5 is not from 1"),
        ({"matchers": {"a": "b"}, "seconds": True}, "seconds: True is not from 1"),
        ({"matchers": {"a": "b"}, "seconds": LONGEST_SILENCE + 1}, "is not from 1 to"),
        ({"matchers": ["a"], "seconds": 60}, "cannot be read"),
        ([], "cannot be read"),
        ("{", "cannot be read"),
    ],
)
async def test_a_silence_of_nothing_is_refused(
    client: Client, alertmanager: Alertmanager, body: Any, said: str
) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    assert said in await refused(client.post("/v1/silences", data=text), 400)
    assert alertmanager.silenced == []


async def test_targets_are_as_prometheus_wants_them(client: Client) -> None:
    found = await told(client, "/v1/targets/edge")
    assert {t["labels"]["host"] for t in found} == {"manager-1", "manager-2", "manager-3"}
    certificates = await told(client, "/v1/targets/probe-tls")
    assert OUTSIDE.registry in {t["labels"]["instance"] for t in certificates}
    said = await refused(client.get("/v1/targets/nonsense"), 404)
    assert said == "there is no job 'nonsense'"


async def test_metrics_of_all_registries_are_one_text(client: Client) -> None:
    async with client.get("/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert "horcrux_cluster_managers 3.0" in await answer.text()


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/v1/nonsense", 404, "GET /v1/nonsense: Not Found"),
        ("DELETE", "/v1/overview", 405, "DELETE /v1/overview: Method Not Allowed"),
        ("GET", "/v1/broken", 413, "GET /v1/broken: Request Entity Too Large"),
    ],
)
async def test_errors_of_the_server_s_own_are_json_too(
    client: Client, method: str, path: str, status: int, said: str
) -> None:
    assert await refused(client.request(method, path), status) == said


async def test_others_routes_are_part_of_it(client: Client) -> None:
    assert await told(client, "/v1/more") == {"more": True}
