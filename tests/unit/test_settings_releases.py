"""Settings of releases and elastic apps: what is accepted, and what a wrong one is told."""

from typing import Any

import pytest

from horcrux.settings import Settings, SettingsError, parse
from horcrux.settings.releases import surge_tasks

WEB: dict[str, Any] = {"image": "web:1", "port": 8080, "routes": ["/"]}
VOLUME = [{"name": "data", "path": "/data"}]
QUEUE = {"target": {"queue": 5}, "max": 9}


def settings(app: dict[str, Any], **others: Any) -> Settings:
    return parse({"apps": {"web": {**WEB, **app}}, **others}, "dev")


def refused(app: dict[str, Any], **others: Any) -> dict[str, str]:
    with pytest.raises(SettingsError) as error:
        settings(app, **others)
    return dict(error.value.findings)


@pytest.mark.parametrize(
    ("app", "strategy"),
    [
        ({}, "rolling"),
        ({"volumes": VOLUME}, "recreate"),
        ({"strategy": "blue-green"}, "blue-green"),
        ({"strategy": "canary"}, "canary"),
        ({"strategy": "recreate"}, "recreate"),
    ],
)
def test_the_strategy_is_the_app_s_own_or_follows_from_its_volumes(
    app: dict[str, Any], strategy: str
) -> None:
    assert settings(app).apps["web"].releases_by == strategy


@pytest.mark.parametrize("strategy", ["canary", "rolling", "blue-green"])
def test_two_releases_never_share_a_volume(strategy: str) -> None:
    told = refused({"strategy": strategy, "volumes": VOLUME})
    assert "would write to one volume" in told["apps.web.strategy"]


def test_a_canary_needs_requests_and_measurements() -> None:
    told = refused({"strategy": "canary", "routes": []})
    assert "give the app routes" in told["apps.web.strategy"]
    told = refused({"strategy": "canary"}, monitoring={"enabled": False})
    assert "monitoring.enabled" in told["apps.web.strategy"]


@pytest.mark.parametrize(
    ("steps", "path", "words"),
    [
        ([{"weight": 150}], "steps[0].weight", "150 is out of range; it must be at most 100"),
        ([{"weight": 0}], "steps[0].weight", "at least 1"),
        ([{"weight": 20}, {"weight": 10}], "steps[1].weight", "10 is not above 20"),
        ([], "steps", "are none"),
        ([{"weight": 5, "pause": -1}], "steps[0].pause", "at least 1"),
    ],
)
def test_steps_that_lead_nowhere_are_refused(steps: Any, path: str, words: str) -> None:
    assert words in refused({"canary": {"steps": steps}})[f"apps.web.canary.{path}"]


def test_a_query_that_does_not_parse_is_told_before_anything_runs() -> None:
    query = {"name": "orders", "query": "sum(rate(orders_total[5m])", "max": 1}
    told = refused({"canary": {"analysis": {"queries": [query]}}})
    assert "is not PromQL" in told["apps.web.canary.analysis.queries[0].query"]


def test_a_query_may_name_the_release_and_the_time_since_the_step_began() -> None:
    query = 'sum(rate(orders_failed_total{service="$service", app="$app"}[$window]))'
    analysis = {"queries": [{"name": "orders", "query": query, "max_ratio": 1.2}]}
    assert settings({"canary": {"analysis": analysis}}).apps["web"].canary.analysis.queries


def test_a_query_without_a_bound_decides_nothing() -> None:
    told = refused({"canary": {"analysis": {"queries": [{"name": "a", "query": "up"}]}}})
    assert "one of `max`, `min`" in told["apps.web.canary.analysis.queries[0]"]


@pytest.mark.parametrize(
    ("surge", "replicas", "tasks"),
    [("25%", 4, 1), ("25%", 5, 2), ("25%", 1, 1), ("100%", 4, 4), ("3", 4, 3), (2, 8, 2)],
)
def test_a_surge_is_a_share_or_a_number_and_at_least_one(
    surge: str | int, replicas: int, tasks: int
) -> None:
    assert surge_tasks(settings({"surge": surge}).apps["web"].surge, replicas) == tasks


@pytest.mark.parametrize("surge", ["0", "0%", "-1", "a lot", True, "1.5"])
def test_other_surges_are_refused(surge: Any) -> None:
    assert "is not a surge" in refused({"surge": surge})["apps.web.surge"]


def test_smoke_is_a_path_or_a_command() -> None:
    assert "one of" in refused({"smoke": {}})["apps.web.smoke"]
    told = refused({"routes": [], "smoke": {"path": "/ready"}})
    assert "or a `command`" in told["apps.web.smoke.path"]


@pytest.mark.parametrize(
    ("elastic", "path", "words"),
    [
        ({"min": 5, "max": 3, "target": {"queue": 5}}, "", "`min` (5) is above `max` (3)"),
        ({"max": 3, "target": {}}, ".target", "exactly one"),
        ({"max": 3, "target": {"queue": 5, "cpu": 0.5}}, ".target", "exactly one"),
        ({"max": 3, "target": {"cpu": 70}}, ".target.cpu", "at most 1"),
        ({**QUEUE, "timezone": "Mars/Olympus"}, ".timezone", "is not a time zone"),
        ({**QUEUE, "schedule": [{"at": "8:30", "min": 2}]}, ".schedule[0].at", "8:30"),
        ({**QUEUE, "schedule": [{"at": "08:30", "min": 12}]}, "", "at 08:30"),
    ],
)
def test_an_elastic_app_without_sense_is_refused(elastic: Any, path: str, words: str) -> None:
    assert words in refused({"elastic": elastic})[f"apps.web.elastic{path}"]


@pytest.mark.parametrize("kind", ["requests_per_second", "latency_p95", "queue"])
def test_a_target_without_its_measurement_is_refused(kind: str) -> None:
    told = refused({"routes": [], "elastic": {"max": 3, "target": {kind: 0.5}}})
    assert "measured at the edges" in told[f"apps.web.elastic.target.{kind}"]


@pytest.mark.parametrize("kind", ["cpu", "latency_p95"])
def test_what_prometheus_measures_needs_monitoring(kind: str) -> None:
    elastic = {"max": 3, "target": {kind: 0.5}}
    told = refused({"elastic": elastic}, monitoring={"enabled": False})
    assert "needs monitoring.enabled" in told[f"apps.web.elastic.target.{kind}"]


def test_an_elastic_app_has_no_fixed_number_no_volume_and_wakes_by_requests() -> None:
    assert "apps.web.replicas" in refused({"elastic": QUEUE, "replicas": 2})
    assert "lives on one host" in refused({"elastic": QUEUE, "volumes": VOLUME})["apps.web.elastic"]
    asleep = {"max": 3, "target": {"cpu": 0.5}, "scale_to_zero": 300}
    told = refused({"elastic": asleep, "routes": []})
    assert "an edge wakes the app" in told["apps.web.elastic.scale_to_zero"]


def test_an_elastic_app_starts_with_its_least() -> None:
    assert settings({"elastic": {**QUEUE, "min": 3}}).apps["web"].first_tasks == 3
    assert settings({"replicas": 4}).apps["web"].first_tasks == 4


def test_more_workers_than_hosts_may_become_are_refused() -> None:
    told = refused({}, hosts={"workers": 4, "elastic": {"max_workers": 2}})
    assert told["hosts.workers"] == "4 is not within hosts.elastic (0 to 2)"
