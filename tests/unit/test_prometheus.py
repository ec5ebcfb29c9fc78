"""Questions to several Prometheus servers, some of which have gaps, hang or are away."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from control import upstream
from control.prometheus import Prometheus, merged
from control.upstream import Upstream, UpstreamError
from tests.support.control_parts import PlayedService

SOON = 5  # seconds in which what is awaited surely comes; it takes milliseconds
QUERY, RANGE, ALERTS = "/api/v1/query", "/api/v1/query_range", "/api/v1/alerts"


@pytest.fixture
async def service() -> AsyncIterator[PlayedService]:
    played = PlayedService()
    yield played
    await played.close()


@pytest.fixture
def prometheus(service: PlayedService) -> Prometheus:
    return Prometheus(service)


def answers(path: str, result: Any, kind: str, seen: list[Any] | None = None) -> web.RouteDef:
    """A Prometheus that always says this."""

    async def answer(request: web.Request) -> web.Response:
        if seen is not None:
            seen.append(dict(request.query))
        return web.json_response(
            {"status": "success", "data": {"resultType": kind, "result": result}}
        )

    return web.get(path, answer)


def fails(path: str, status: int = 503, text: str = "starting") -> web.RouteDef:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    return web.get(path, answer)


def hangs(path: str) -> web.RouteDef:
    async def answer(_: web.Request) -> web.Response:
        await asyncio.sleep(SOON * 10)
        return web.Response()

    return web.get(path, answer)


def vector(value: str, **labels: str) -> list[dict[str, Any]]:
    return [{"metric": labels, "value": [1000.5, value]}]


def matrix(*values: tuple[float, str], **labels: str) -> list[dict[str, Any]]:
    return [{"metric": labels, "values": [list(pair) for pair in values]}]


async def test_the_values_of_now(service: PlayedService, prometheus: Prometheus) -> None:
    seen: list[Any] = []
    async with service.task(answers(QUERY, vector("0.25", app="a"), "vector", seen)):
        found = await prometheus.now('up{app="a"}')
    assert found == [{"labels": {"app": "a"}, "values": [[1000.5, 0.25]]}]
    assert seen == [{"query": 'up{app="a"}', "timeout": "3s"}]


@pytest.mark.parametrize("text", ["NaN", "+Inf", "-Inf"])
async def test_what_json_has_no_number_for_is_nothing(
    service: PlayedService, prometheus: Prometheus, text: str
) -> None:
    async with service.task(answers(QUERY, vector(text), "vector")):
        found = await prometheus.now("up")
    assert found == [{"labels": {}, "values": [[1000.5, None]]}]
    json.dumps(found, allow_nan=False)


async def test_a_scalar_is_a_series_without_labels(
    service: PlayedService, prometheus: Prometheus
) -> None:
    async with service.task(answers(QUERY, [1000, "7"], "scalar")):
        assert await prometheus.now("7") == [{"labels": {}, "values": [[1000.0, 7.0]]}]


async def test_one_that_answers_is_enough_for_now(
    service: PlayedService, prometheus: Prometheus
) -> None:
    async with service.task(fails(QUERY)), service.task(answers(QUERY, [], "vector")):
        assert await prometheus.now("up") == []


async def test_who_answered_last_is_asked_first(
    service: PlayedService, prometheus: Prometheus
) -> None:
    first: list[Any] = []
    second: list[Any] = []
    one, other = answers(QUERY, [], "vector", first), answers(QUERY, [], "vector", second)
    async with service.task(one), service.task(other) as address:
        service.tasks = [address]
        await prometheus.now("up")
        service.tasks = ["127.0.0.1", address]
        await prometheus.now("up")
    assert (len(first), len(second)) == (0, 2)


async def test_when_all_are_away_the_error_says_what_each_did(
    service: PlayedService, prometheus: Prometheus
) -> None:
    bad = fails(QUERY, 400, '{"error": "parse error"}')
    async with service.task(bad), service.task(fails(QUERY)):
        service.tasks.append("127.0.0.9")
        with pytest.raises(UpstreamError) as error:
            await prometheus.now("up{")
    said = str(error.value)
    assert said.startswith("horcrux-played: 127.0.0.1 answers 400: ")
    assert "parse error" in said
    assert "127.0.0.2 answers 503: starting" in said
    assert "127.0.0.9 does not answer (ClientConnectorError" in said


async def test_when_none_runs_the_error_says_so(prometheus: Prometheus) -> None:
    with pytest.raises(UpstreamError, match="horcrux-played: no task runs"):
        await prometheus.now("up")
    with pytest.raises(UpstreamError, match=r"horcrux-played does not answer the query up"):
        await prometheus.over("up", 0, 60, 5)


async def test_gaps_are_filled_from_the_others(
    service: PlayedService, prometheus: Prometheus
) -> None:
    first = matrix((0, "1"), (10, "2"), host="a")
    second = matrix((0, "9"), (5, "3"), (15, "4"), host="a") + matrix((5, "7"), host="b")
    async with (
        service.task(answers(RANGE, first, "matrix")),
        service.task(answers(RANGE, second, "matrix")),
        service.task(fails(RANGE)),
    ):
        found = await prometheus.over("up", 0, 15, 5)
    assert found == [
        {"labels": {"host": "a"}, "values": [[0.0, 1.0], [5.0, 3.0], [10.0, 2.0], [15.0, 4.0]]},
        {"labels": {"host": "b"}, "values": [[5.0, 7.0]]},
    ]


async def test_a_stretch_of_time_is_asked_for_as_given(
    service: PlayedService, prometheus: Prometheus
) -> None:
    seen: list[Any] = []
    async with service.task(answers(RANGE, [], "matrix", seen)):
        assert await prometheus.over("up", 100.0, 160.0, 5.0) == []
    assert seen == [{"query": "up", "start": "100.0", "end": "160.0", "step": "5.0"}]


async def test_one_that_hangs_holds_the_others_up_for_its_limit_alone(
    service: PlayedService, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    service._session._timeout = aiohttp.ClientTimeout(total=0.2)
    told = answers(RANGE, matrix((0, "1")), "matrix")
    async with service.task(hangs(RANGE)), service.task(told):
        began = time.monotonic()
        found = await prometheus.over("up", 0, 1, 1)
        assert time.monotonic() - began < SOON
    assert found == [{"labels": {}, "values": [[0.0, 1.0]]}]
    assert upstream.ANSWER_SECONDS < SOON, "a page is renewed every five seconds"


async def test_one_that_answers_no_json_is_as_good_as_away(
    service: PlayedService, prometheus: Prometheus
) -> None:
    async with service.task(fails(QUERY, 200, "<html>")):
        with pytest.raises(UpstreamError, match="does not answer"):
            await prometheus.now("up")


async def test_only_alerts_that_fire_are_told(
    service: PlayedService, prometheus: Prometheus
) -> None:
    alerts = [{"state": "pending", "labels": {}}, {"state": "firing", "labels": {"a": "b"}}]

    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"data": {"alerts": alerts}})

    async with service.task(web.get(ALERTS, answer)):
        assert await prometheus.alerts() == alerts[1:]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # hosts have aiohttp 3.8
async def test_the_account_goes_with_every_question() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(request.headers.get("Authorization"))

    played = PlayedService()
    played._auth = aiohttp.BasicAuth("horcrux", "secret")
    async with played.task(web.get("/", answer)):
        assert await played.ask("GET", "/") == "Basic aG9yY3J1eDpzZWNyZXQ="
    await played.close()


async def test_tasks_are_found_by_docker_s_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        assert host == "tasks.horcrux-prometheus"
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in ("10.0.0.2", "10.0.0.1", "10.0.0.2")
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    found = Upstream("horcrux-prometheus", 9090)
    assert await found.addresses() == ["10.0.0.1", "10.0.0.2"]
    found._last = "10.0.0.2"
    assert await found.addresses() == ["10.0.0.2", "10.0.0.1"]
    await found.close()


async def test_a_name_that_is_not_known_is_a_service_without_tasks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
    found = Upstream("horcrux-prometheus", 9090)
    assert await found.addresses() == []
    await found.close()


def test_labels_in_another_order_are_the_same_series() -> None:
    one = [{"labels": {"a": "1", "b": "2"}, "values": [[0.0, 1.0]]}]
    other = [{"labels": {"b": "2", "a": "1"}, "values": [[5.0, 2.0]]}]
    assert merged([one, other]) == [
        {"labels": {"a": "1", "b": "2"}, "values": [[0.0, 1.0], [5.0, 2.0]]}
    ]
    assert merged([]) == merged([[], []]) == []
