"""What is asked now, from what edges and Prometheus count."""

from typing import Any

import promql_parser
from aiohttp import web

from control.elastic.counters import Counters
from control.elastic.load import Cpu, Latency, Load
from control.elastic.measure import cpu, latency, limits
from control.elastic.sampler import Sampler, edge_addresses
from control.prometheus import Series
from control.snapshot import Host, Release, Snapshot, Task
from control.upstream import Upstream
from tests.support.control_parts import PlayedService
from tests.support.elastic_parts import NANO, PlayedPrometheus, status


def rounds(*looks: dict[str, object], seconds: float = 2.0) -> Counters:
    """Counters that took these answers, one after the other; the first look is at 0."""
    counters = Counters()
    for number, look in enumerate(looks):
        counters.take(look, number * seconds)  # type: ignore[arg-type]
    return counters


def asked(*looks: dict[str, object], seconds: float = 2.0) -> list[float]:
    """What `web` was asked in each round of the last seconds."""
    now = (len(looks) - 1) * seconds
    found = rounds(*looks, seconds=seconds).rounds(now)
    return [r.asked.get("web", 0.0) for r in found]


def test_a_round_is_what_all_edges_counted_since_the_last() -> None:
    first = {"a": status(web=100), "b": status(web=7)}
    second = {"a": status(web=110), "b": status(web=10)}
    counters = rounds(first, second)
    (found,) = counters.rounds(2.0)
    assert (found.asked, found.seconds, found.complete) == ({"web": 13.0}, 2.0, True)


def test_one_look_tells_nothing() -> None:
    assert asked({"a": status(web=100)}) == []


def test_a_reload_begins_the_counters_anew() -> None:
    assert asked({"a": status("v1", web=100)}, {"a": status("v2", web=120)}) == [120.0]


def test_a_smaller_number_is_a_new_beginning_too() -> None:
    assert asked({"a": status(web=100)}, {"a": status(web=3)}) == [3.0]


def test_an_app_that_an_edge_has_not_counted_yet_begins_at_nothing() -> None:
    assert asked({"a": status()}, {"a": status(web=4)}) == [4.0]


def test_an_edge_that_is_new_tells_nothing_yet_and_the_round_is_not_complete() -> None:
    counters = rounds({"a": status(web=1)}, {"a": status(web=2), "b": status(web=500)})
    (found,) = counters.rounds(2.0)
    assert (found.asked, found.complete) == ({"web": 1.0}, False)


def test_an_edge_that_missed_a_look_tells_it_later() -> None:
    looks = ({"a": status(web=0)}, {"a": None}, {"a": status(web=8)})
    assert asked(*looks) == [8.0]
    counters = rounds({"a": status(), "b": status()}, {"a": None, "b": status()})
    assert not counters.rounds(2.0)[0].complete


def test_what_came_in_a_long_silence_is_no_burst() -> None:
    looks = [{"a": status(web=0), "b": status()}]
    looks += [{"a": None, "b": status()} for _ in range(29)]
    looks += [{"a": status(web=600), "b": status()}]
    assert asked(*looks)[-1] == 60.0, "ten a second for six seconds, not six hundred at once"


def test_a_rare_look_is_a_rate_as_well() -> None:
    found = rounds({"a": status(web=0)}, {"a": status(web=500)}, seconds=10.0).rounds(10.0)
    assert [r.asked["web"] / r.seconds for r in found] == [50.0]


def test_an_edge_that_runs_nothing_yet_does_not_count() -> None:
    nothing = {"version": None, "releases": {}, "error": None}
    assert asked({"a": status(web=5)}, {"a": nothing}, {"a": status(web=6)}) == [1.0]
    assert asked({"a": nothing}, {"a": nothing}) == []


def test_old_rounds_are_forgotten() -> None:
    counters = rounds(*({"a": status(web=n)} for n in range(10)))
    assert [r.at for r in counters.rounds(18.0)] == [14.0, 16.0, 18.0]
    assert counters.rounds(100.0) == []


def snapshot(*addresses: str) -> Snapshot:
    """Edges at these addresses, on hosts that are well."""
    hosts = tuple(Host(f"h{n}", "worker", "a", "ready", "") for n in range(len(addresses)))
    tasks = tuple(
        Task(
            f"edge-{n}",
            *("edge", "horcrux-edge", f"h{n}", "running", True, "", 0.0),
            addresses={"platform": address},
        )
        for n, address in enumerate(addresses)
    )
    return Snapshot(hosts, (Release("", "horcrux-edge", "", None, 1.0, 1, 0.0, tasks),))


def test_edges_on_hosts_that_are_lost_are_not_asked() -> None:
    there = snapshot("10.0.0.1", "10.0.0.2")
    assert edge_addresses(there) == {"edge-0": "10.0.0.1", "edge-1": "10.0.0.2"}
    lost = Host("h1", "worker", "a", "down", "")
    assert edge_addresses(Snapshot((there.hosts[0], lost), there.releases)) == {
        "edge-0": "10.0.0.1"
    }


async def test_edges_are_asked_over_http() -> None:
    counts = iter((10, 30))

    async def first(_: web.Request) -> web.Response:
        told = status(web=next(counts))
        return web.json_response({**told, "releases": {"web-1": {"up": 1, "sessions": 4}}})

    async def second(_: web.Request) -> web.Response:
        return web.json_response({**status(), "releases": {"web-2": {"up": 1, "sessions": 2}}})

    edges = PlayedService()
    route = "/status"
    async with edges.task(web.get(route, first)) as a, edges.task(web.get(route, second)) as b:
        sampler = Sampler(edges)
        for now in (0.0, 2.0):
            await sampler.look(snapshot(a, b), now)
    assert sampler.load("web", ["web-1", "web-2"], 2.0) == Load(10.0, 6.0, idle=False)
    assert sampler.load("db", ["db-1"], 2.0) == Load(0.0, 0.0, idle=True)
    assert sampler.load("web", ["web-1"], 60.0) == Load(), "too old"
    await edges.close()


async def test_an_edge_that_does_not_answer_makes_nobody_idle() -> None:
    async def well(_: web.Request) -> web.Response:
        return web.json_response(status())

    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=500)

    edges = PlayedService()
    async with (
        edges.task(web.get("/status", well)) as a,
        edges.task(web.get("/status", broken)) as b,
    ):
        sampler = Sampler(edges)
        for now in (0.0, 2.0):
            await sampler.look(snapshot(a, b), now)
    assert sampler.load("web", ["web-1"], 2.0) == Load(0.0, 0.0, idle=False)
    await edges.close()


async def test_when_no_edge_answers_nothing_is_known() -> None:
    edges = Upstream("horcrux-edge", 1)
    sampler = Sampler(edges)
    for now in (0.0, 2.0):
        await sampler.look(snapshot("127.0.0.1"), now)
    assert sampler.load("web", ["web-1"], 2.0) == Load()
    await edges.close()


def series(value: float | None, **labels: str) -> Series:
    return {"labels": labels, "values": [[0.0, value]]}


async def test_processors_in_tasks_limits() -> None:
    prometheus = PlayedPrometheus()
    prometheus.answers = {
        "sum by (service)": [series(1.5, service="web-1"), series(None, service="api-1")],
        "count by (service)": [series(2.0, service="web-1"), series(1.0, service="api-1")],
    }
    found = await cpu(prometheus, {"web-1": 0.5, "api-1": 1.0})  # type: ignore[arg-type]
    assert found == {"web-1": Cpu(3.0, 2)}
    assert all('service=~"api-1|web-1"' in question for question in prometheus.questions)


async def test_latency_and_how_many_requests_it_is_of() -> None:
    prometheus = PlayedPrometheus()
    prometheus.answers = {
        "histogram_quantile": [series(0.25, app="web"), series(None, app="api")],
        "sum by (app)": [series(900.0, app="web"), series(0.0, app="api")],
    }
    found = await latency(prometheus, {"web", "api", "new"})  # type: ignore[arg-type]
    assert found == {
        "web": Latency(0.25, 900.0),
        "api": Latency(None, 0.0),
        "new": Latency(None, 0.0),
    }


async def test_prometheus_understands_the_questions() -> None:
    prometheus: Any = PlayedPrometheus()
    await cpu(prometheus, {"web-1": 0.5})
    await latency(prometheus, {"web"})
    assert len(prometheus.questions) == 4
    for question in prometheus.questions:
        promql_parser.parse(question)


async def test_nothing_is_asked_about_nobody() -> None:
    prometheus = PlayedPrometheus()
    assert await cpu(prometheus, {}) == {}  # type: ignore[arg-type]
    assert await latency(prometheus, set()) == {}  # type: ignore[arg-type]
    assert prometheus.questions == []


def test_limits_of_services() -> None:
    def service(name: str, resources: object) -> dict[str, object]:
        return {"Spec": {"Name": name, "TaskTemplate": {"Resources": resources}}}

    services = [
        service("web-1", {"Limits": {"NanoCPUs": NANO // 2}}),
        service("free-1", None),
        service("zero-1", {"Limits": {"NanoCPUs": 0}}),
        service("other-1", {"Limits": {"NanoCPUs": NANO}}),
    ]
    assert limits(services, {"web-1", "free-1", "zero-1"}) == {"web-1": 0.5}
