"""Control at its work on elastic apps: when it acts, what it tells, and what it leaves alone."""

import logging
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import generate_latest

from control.elastic.decision import Decision
from control.elastic.gauges import ElasticCollector
from control.elastic.scaler import SEEN_SECONDS, STALE_SECONDS, STANDBY_SECONDS
from control.elastic.schedule import Bounds
from control.elastic.state import SETTLE_SECONDS, begin
from control.elastic.told import AGAIN_SECONDS, summary
from control.metrics import registry
from control.prometheus import Series
from control.rollouts.plan import of_label
from control.rollouts.progress import Progress
from control.rollouts.walk import Walk
from control.swarm import SwarmError
from tests.support.elastic_parts import SERVICE, Cloud

RATE: dict[str, Any] = {"min": 1, "max": 10, "target": {"requests_per_second": 50}}
SLEEPY = {**RATE, "scale_to_zero": 60}
PLAN = """{"id": "0123456789abcdef", "strategy": "rolling", "new": "web-1a2b3c4d", "release": "1a2b3c4d",
"number": 2, "old": "web-00000000", "old_number": 1, "replicas": 2, "surge": 1, "routed": true,
"drain": 30, "start_timeout": 300, "began": 1790000000}"""


def walk(outcome: str | None) -> Walk:
    plan, raw = of_label(PLAN)
    return Walk(plan, Progress(plan.id, "over", 0.0, outcome=outcome), raw)  # type: ignore[arg-type]


async def test_a_burst_has_its_tasks_within_three_looks() -> None:
    cloud = Cloud(RATE)
    await cloud.tick(3, rate=80)
    assert cloud.swarm.scaled == []
    await cloud.tick(3, rate=290)
    assert cloud.swarm.scaled[-1] == (SERVICE, 6)


async def test_every_decision_is_told_once() -> None:
    cloud = Cloud(RATE)
    await cloud.tick(20, rate=290)
    assert cloud.swarm.scaled == [(SERVICE, 6)]
    assert cloud.told == ["web: 2 → 6 tasks: 290 requests/s, 50 a task wanted"]


async def test_tasks_go_after_the_cooldown() -> None:
    cloud = Cloud(RATE)
    await cloud.tick(5, rate=290)
    await cloud.tick(29, rate=40)
    assert cloud.swarm.replicas == 6
    await cloud.tick(10, rate=40)
    assert cloud.swarm.replicas == 1
    assert cloud.told[-1].endswith(" → 1 task: 40 requests/s, 50 a task wanted")


async def test_only_the_control_that_leads_acts() -> None:
    cloud = Cloud(RATE)
    cloud.leads = False
    await cloud.tick(60, rate=290)
    assert (cloud.swarm.scaled, cloud.told) == ([], [])
    cloud.leads = True
    await cloud.tick(3, rate=290)
    assert cloud.swarm.scaled == [(SERVICE, 6)], "it has looked all the time, and goes on at once"


async def test_a_control_that_does_not_lead_looks_seldom() -> None:
    cloud = Cloud(RATE)
    cloud.leads = False
    looks = 0

    async def counted(*_: object, **__: object) -> dict[str, object]:
        nonlocal looks
        looks += 1
        return {"version": "v1", "releases": {}, "asked": {}}

    cloud.edges.ask_at = counted  # type: ignore[method-assign]
    await cloud.tick(100)
    assert looks / len(cloud.edges.by_address) == pytest.approx(200 / STANDBY_SECONDS, abs=1)


async def test_nothing_is_done_while_the_swarm_cannot_be_read() -> None:
    cloud = Cloud(RATE)
    await cloud.tick(3, rate=80)
    cloud.watch.read_at = float("-inf")
    cloud.look = lambda: None  # type: ignore[method-assign]
    await cloud.tick(30, rate=290)
    assert cloud.swarm.scaled == []


@pytest.mark.parametrize(("outcome", "acts"), [(None, False), ("promoted", True)])
async def test_an_app_on_its_way_to_another_release_is_left_alone(
    outcome: str | None, acts: bool
) -> None:
    cloud = Cloud(RATE)
    cloud.walk = walk(outcome)
    await cloud.tick(6, rate=290)
    assert bool(cloud.swarm.scaled) is acts


async def test_after_a_walk_nothing_is_taken_away_before_the_cooldown() -> None:
    cloud = Cloud(RATE)
    await cloud.tick(60, rate=40)
    assert cloud.swarm.replicas == 1
    cloud.walk = walk(None)
    await cloud.tick(5, rate=40)
    cloud.swarm.replicas, cloud.walk = 4, walk("promoted")
    await cloud.tick(28, rate=40)
    assert cloud.swarm.replicas == 4
    await cloud.tick(6, rate=40)
    assert cloud.swarm.replicas == 1


async def test_two_releases_that_serve_are_somebody_else_s_doing() -> None:
    cloud = Cloud(RATE)
    cloud.others = {"web-00000000": 0.5}
    await cloud.tick(6, rate=290)
    assert cloud.swarm.scaled == []
    cloud.others = {"web-00000000": 0.0}
    await cloud.tick(6, rate=290)
    assert cloud.swarm.scaled == [(SERVICE, 6)], "parked releases do not count"


async def test_an_app_without_the_label_is_left_alone_and_no_edge_is_asked() -> None:
    cloud = Cloud(None)
    cloud.edges.ask_at = None  # type: ignore[method-assign,assignment]
    await cloud.tick(6, rate=290)
    assert (cloud.swarm.scaled, cloud.scaler.states) == ([], {})


async def test_a_label_that_cannot_be_used_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    cloud = Cloud({"max": 3, "target": {"magic": 1}})
    with caplog.at_level(logging.WARNING):
        await cloud.tick(20, rate=290)
    assert cloud.swarm.scaled == []
    (said,) = caplog.messages
    assert said.startswith(f"service {SERVICE}: label horcrux.elastic cannot be used")
    assert "magic" in said


async def test_what_finds_no_room_is_told_at_first_and_now_and_then() -> None:
    cloud = Cloud({**RATE, "max": 60})
    cloud.swarm.hosts = 1  # ten tasks find room
    await cloud.tick(5, rate=1000)
    assert cloud.swarm.replicas == 10
    assert cloud.told == [
        "web: 2 → 10 tasks: 1,000 requests/s, 50 a task wanted; "
        "20 are wanted, hosts have room for only 8 more"
    ]
    assert cloud.watch.events.events[0].level == "warning"
    await cloud.tick(int(AGAIN_SECONDS / 2) + 3, rate=1000)
    assert cloud.told[1:] == [
        "web: stays at 10 tasks: 1,000 requests/s, 50 a task wanted; "
        "20 are wanted, hosts have room for no more"
    ]
    found = summary(cloud.scaler.states["web"])
    assert found
    assert (found["wanted"], found["limited"], found["short"]) == (20, "room", 10)


async def test_the_maximum_is_told_too() -> None:
    cloud = Cloud({**RATE, "max": 4})
    await cloud.tick(20, rate=290)
    assert cloud.told == [
        "web: 2 → 4 tasks: 290 requests/s, 50 a task wanted; 6 are needed, at most 4 allowed"
    ]
    assert summary(cloud.scaler.states["web"]) == {
        "min": 1,
        "max": 4,
        "wanted": 6,
        "limited": "max",
        "short": 0,
        "reason": "290 requests/s, 50 a task wanted; 6 are needed, at most 4 allowed",
    }


async def test_an_idle_app_sleeps_and_the_next_request_wakes_it() -> None:
    cloud = Cloud(SLEEPY, replicas=1)
    await cloud.tick(3, rate=5)
    await cloud.tick(29)
    assert cloud.swarm.replicas == 1
    await cloud.tick(5)
    assert cloud.swarm.replicas == 0
    await cloud.tick(100)
    assert cloud.swarm.scaled == [(SERVICE, 0)], "it sleeps on"
    cloud.edges.ask(1)
    await cloud.tick()
    assert cloud.swarm.replicas == 1
    assert cloud.told == [
        "web: 1 → 0 tasks: no request for 60 s",
        "web: 0 → 1 task: asked while it slept",
    ]


async def test_a_request_that_comes_as_an_app_falls_asleep_is_not_forgotten() -> None:
    cloud = Cloud(SLEEPY, replicas=1)
    for _ in range(60):
        await cloud.tick()
        if cloud.swarm.replicas == 0:
            break
    cloud.edges.ask(1)  # control's snapshot still has a task
    await cloud.tick(int(SEEN_SECONDS))
    assert cloud.swarm.replicas == 1


async def test_a_request_under_way_keeps_an_app_awake() -> None:
    cloud = Cloud(SLEEPY, replicas=1)
    cloud.edges.busy(1)
    await cloud.tick(60)
    assert cloud.swarm.replicas == 1


async def test_who_begins_to_look_wakes_nobody_for_what_was_asked_before() -> None:
    cloud = Cloud(SLEEPY, replicas=0)
    cloud.edges.ask(10_000)
    await cloud.tick(60)
    assert cloud.swarm.scaled == []


async def test_an_app_without_routes_is_not_put_to_sleep() -> None:
    cloud = Cloud(SLEEPY, replicas=1)
    cloud.routed = False
    await cloud.tick(100)
    assert cloud.swarm.scaled == []


def measured(value: float, **labels: str) -> list[Series]:
    return [{"labels": labels, "values": [[0.0, value]]}]


async def test_processors_decide_where_they_are_the_target() -> None:
    cloud = Cloud({**RATE, "target": {"cpu": 0.7}})
    cloud.prometheus.answers = {
        "sum by (service)": measured(0.95, service=SERVICE),  # two tasks of half a processor
        "count by (service)": measured(2.0, service=SERVICE),
    }
    cloud.look()
    await cloud.scaler.measure()
    await cloud.tick(3)
    assert cloud.swarm.replicas == 3
    assert cloud.told == ["web: 2 → 3 tasks: cpu 95% of 2 tasks, 70% wanted"]


async def test_latency_decides_where_it_is_the_target() -> None:
    cloud = Cloud({**RATE, "target": {"latency_p95": 0.3}})
    cloud.prometheus.answers = {
        "histogram_quantile": measured(0.42, app="web"),
        "sum by (app)": measured(900.0, app="web"),
    }
    for _ in range(int(SETTLE_SECONDS / 2) + 2):
        cloud.look()
        await cloud.scaler.measure()
        await cloud.tick(rate=40)
    assert cloud.told == ["web: 2 → 3 tasks: p95 0.42 s, 0.3 s wanted"]


async def test_latency_waits_for_tasks_that_are_not_healthy_yet() -> None:
    cloud = Cloud({**RATE, "target": {"latency_p95": 0.3}})
    cloud.running = 1
    cloud.prometheus.answers = {
        "histogram_quantile": measured(3.0, app="web"),
        "sum by (app)": measured(900.0, app="web"),
    }
    for _ in range(60):
        cloud.look()
        await cloud.scaler.measure()
        await cloud.tick(rate=40)
    assert cloud.swarm.scaled == []


async def test_old_measurements_are_none() -> None:
    cloud = Cloud({**RATE, "target": {"cpu": 0.7}})
    cloud.prometheus.answers = {
        "sum by (service)": measured(0.01, service=SERVICE),
        "count by (service)": measured(2.0, service=SERVICE),
    }
    cloud.look()
    await cloud.scaler.measure()
    cloud.now += STALE_SECONDS
    await cloud.tick(60)
    assert cloud.swarm.scaled == []


async def test_prometheus_is_not_asked_without_need() -> None:
    cloud = Cloud(RATE)
    cloud.look()
    await cloud.scaler.measure()
    assert cloud.prometheus.questions == []


async def test_a_swarm_that_refuses_is_tried_again() -> None:
    cloud = Cloud(RATE)
    cloud.swarm.broken = SwarmError("no quorum")
    await cloud.tick(1, rate=290)
    with pytest.raises(SwarmError):
        await cloud.tick(3, rate=290)
    assert cloud.told == [], "what was not done is not told"
    cloud.swarm.broken = None
    await cloud.tick(rate=290)
    assert cloud.swarm.replicas == 6


async def test_the_gauges_are_the_leader_s() -> None:
    cloud = Cloud({**RATE, "max": 4})
    await cloud.tick(6, rate=290)
    collector = ElasticCollector(lambda: cloud.scaler.states, lambda: cloud.scaler.acts)
    text = generate_latest(registry(collector)).decode()
    for line in ("replicas", "wanted", "limited"):
        assert f"# TYPE horcrux_elastic_{line} gauge" in text
    assert 'horcrux_elastic_replicas{app="web"} 4.0' in text
    assert 'horcrux_elastic_wanted{app="web"} 6.0' in text
    assert 'horcrux_elastic_limited{app="web"} 1.0' in text
    cloud.leads = False
    cloud.look()
    assert "{" not in generate_latest(registry(collector)).decode()


def test_of_an_app_that_nothing_is_decided_of_there_is_no_summary() -> None:
    assert summary(None) is None
    assert summary(begin("web", 2, 0.0)) is None


def test_a_summary_counts_only_tasks_that_are_allowed_as_short() -> None:
    decision = Decision(3, "no room", 20, Bounds(1, 5), "room")
    found = summary(replace(begin("web", 3, 0.0), decision=decision))
    assert found
    assert found["short"] == 2
