"""What Prometheus is told to fetch, from a real Swarm and from what may happen to it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from control.targets import BLACKBOX, OTHERS, PORTS, Outside, targets
from tests.support.control_parts import OUTSIDE
from tests.support.recorded import HELLO, NEXT, Recorded

ROOT = Path(__file__).parents[2]
FRONT = "http://front-door:8080"
RULES: dict[str, Any] = {"port": 8080, "routes": [["hello.test", "/"]], "check": "/healthz"}
NUMBERS = {HELLO: 1, NEXT: 2}
# Each task's address on the platform's network, by its service and host.
ADDRESSES = {
    "control": ("124", "123", "125"),
    "edge": ("9", "10", "8"),
    "exporter": ("15", "16", "14"),
    "node-exporter": ("13", "11", "12"),
    "prometheus": ("131", "134", "128"),
    "alertmanager": ("130", "133", "127"),
    "blackbox": ("129", "132", "126"),
}


@pytest.fixture
def swarm() -> Recorded:
    return Recorded()


def told(swarm: Recorded, job: str, outside: Outside = OUTSIDE) -> list[dict[str, Any]]:
    found = targets(job, swarm.take(), outside)
    return sorted(found, key=lambda t: json.dumps(t, sort_keys=True))


def probed(swarm: Recorded, via: str = "") -> list[tuple[str, ...]]:
    """Each probe's app, route, module, target and host name."""
    keys = ("app", "route", "__param_module", "__param_target", "__param_hostname")
    return [
        tuple(t["labels"].get(key, "") for key in keys)
        for t in told(swarm, "probe")
        if t["labels"]["via"].startswith(via)
    ]


@pytest.mark.parametrize(
    ("job", "role", "port"),
    [
        ("control", "control", 8081),
        ("edge", "edge", 8404),
        ("edge-agent", "edge", 8405),
        ("containers", "exporter", 9101),
        ("engine", "exporter", 9101),
        ("node", "node-exporter", 9100),
        ("prometheus", "prometheus", 9090),
        ("alertmanager", "alertmanager", 9093),
        ("blackbox", "blackbox", 9115),
    ],
)
def test_a_platform_s_service_is_fetched_from_every_host(
    swarm: Recorded, job: str, role: str, port: int
) -> None:
    by_host = sorted(told(swarm, job), key=lambda t: str(t["labels"]))
    assert by_host == [
        {"targets": [f"10.210.1.{address}:{port}"], "labels": {"host": f"manager-{number}"}}
        for number, address in enumerate(ADDRESSES[role], 1)
    ]


def test_the_image_cache_is_fetched_where_there_is_one(swarm: Recorded) -> None:
    assert told(swarm, "cache") == []
    swarm.service("horcrux-blackbox")["Spec"]["Name"] = "horcrux-cache"
    assert {t["targets"][0]: t["labels"] for t in told(swarm, "cache")} == {
        f"10.210.1.{address}:5080": {"host": f"manager-{number}"}
        for number, address in enumerate(ADDRESSES["blackbox"], 1)
    }


def test_a_lost_host_is_not_asked(swarm: Recorded) -> None:
    swarm.lose("manager-3")
    assert {t["labels"]["host"] for t in told(swarm, "edge")} == {"manager-1", "manager-2"}
    assert {t["labels"]["host"] for t in told(swarm, "probe-tls") if "host" in t["labels"]} == {
        "manager-1",
        "manager-2",
    }


def test_a_task_that_has_no_address_yet_is_not_asked(swarm: Recorded) -> None:
    tasks = swarm.tasks_of("horcrux-edge")
    tasks[0]["NetworksAttachments"] = None
    tasks[1]["NetworksAttachments"][0]["Network"]["Spec"]["Name"] = "apps"
    assert len(told(swarm, "edge")) == 1, "one has none, and one is on another network"


def test_a_drained_host_still_shows_its_certificate(swarm: Recorded) -> None:
    swarm.node("manager-2")["Spec"]["Availability"] = "drain"
    hosts = [t["labels"].get("host") for t in told(swarm, "probe-tls")]
    assert sorted(filter(None, hosts)) == ["manager-1", "manager-2", "manager-3"]


def test_all_that_has_a_certificate_is_asked_for_it(swarm: Recorded) -> None:
    def probe(target: str, **labels: str) -> dict[str, Any]:
        asked = {"__param_target": target, "__param_module": "tls", "instance": target}
        return {"targets": [BLACKBOX], "labels": {**labels, **asked}}

    found = targets("probe-tls", swarm.take(), OUTSIDE)
    assert found == [
        probe("registry:5000", what="registry"),
        probe("front-door:8443", what="front-door"),
        probe("10.87.1.10:2376", what="docker-api", host="manager-1"),
        probe("10.87.1.11:2376", what="docker-api", host="manager-2"),
        probe("10.87.1.12:2376", what="docker-api", host="manager-3"),
    ]


def test_the_registry_is_measured_where_hosts_reach_it(swarm: Recorded) -> None:
    assert targets("registry", swarm.take(), OUTSIDE) == [
        {"targets": ["registry:5000"], "labels": {}}
    ]


def test_what_lies_outside_may_be_unknown(swarm: Recorded) -> None:
    nothing = Outside("", "", "")
    assert told(swarm, "registry", nothing) == []
    assert {t["labels"]["what"] for t in told(swarm, "probe-tls", nothing)} == {"docker-api"}
    assert {t["labels"]["via"] for t in told(swarm, "probe", nothing)} == {"inside"}


def test_the_recorded_apps_are_probed_from_inside_and_as_clients_have_them(
    swarm: Recorded,
) -> None:
    inside = f"http://{HELLO}:8080/healthz"
    assert {
        "targets": [BLACKBOX],
        "labels": {
            "app": "hello",
            "route": "/healthz",
            "via": "inside",
            "__param_target": inside,
            "__param_module": "http_well",
            "instance": inside,
        },
    } in told(swarm, "probe")
    assert sorted(probed(swarm)) == [
        ("hello", "/healthz", "http_well", inside, ""),
        ("hello", "hello.dev.localhost/", "http_well", f"{FRONT}/healthz", "hello.dev.localhost"),
        ("wiki", "wiki.dev.localhost/", "http_answers", f"{FRONT}/", "wiki.dev.localhost"),
    ]


@pytest.mark.parametrize(
    ("path", "check", "target", "module"),
    [
        ("/", "/healthz", "/healthz", "http_well"),
        ("/shop", "/shop/healthz", "/shop/healthz", "http_well"),
        ("/shop/", "/shop/healthz", "/shop/healthz", "http_well"),
        ("/shop", "/healthz", "/shop", "http_answers"),
        ("/shop", "/shopping", "/shop", "http_answers"),
        ("/shop", None, "/shop", "http_answers"),
        ("/a%20b/", None, "/a%20b", "http_answers"),
    ],
)
def test_a_route_is_asked_for_its_check_where_that_lies_under_it(
    swarm: Recorded, path: str, check: str | None, target: str, module: str
) -> None:
    rules = {**RULES, "routes": [["hello.test", path]], "check": check}
    swarm.label(HELLO, edge=json.dumps(rules))
    (found,) = (p for p in probed(swarm, "front") if p[0] == "hello")
    assert found[2:] == (module, FRONT + target, "hello.test")


@pytest.mark.parametrize(
    ("weights", "old", "asked"),
    [
        ({HELLO: 90, NEXT: 10}, 2, HELLO),
        ({HELLO: 10, NEXT: 90}, 2, NEXT),
        ({HELLO: 90, NEXT: 10}, 0, NEXT),  # one without a task cannot answer
    ],
)
def test_the_release_with_most_of_the_traffic_is_probed(
    swarm: Recorded, weights: dict[str, int], old: int, asked: str
) -> None:
    swarm.next_release()
    swarm.traffic("hello", weights, NUMBERS)
    swarm.scale(HELLO, old)
    (inside,) = probed(swarm, "inside")
    assert inside[3] == f"http://{asked}:8080/healthz"


def test_an_app_that_is_scaled_to_nothing_is_not_probed(swarm: Recorded) -> None:
    swarm.scale(HELLO, 0)
    swarm.scale("wiki", 0)
    assert told(swarm, "probe") == []


@pytest.mark.parametrize(
    "label", [None, "", "{", "[]", "{}", '{"port": 8080}', '{"port": 0, "routes": []}']
)
def test_an_app_whose_rules_cannot_be_used_is_not_probed(
    swarm: Recorded, label: str | None
) -> None:
    swarm.label(HELLO, edge=label)
    assert {p[0] for p in probed(swarm)} == {"wiki"}


def test_apps_without_measurements_of_their_own_are_not_fetched(swarm: Recorded) -> None:
    assert told(swarm, "apps") == []


def test_every_task_of_an_app_with_measurements_is_fetched(swarm: Recorded) -> None:
    swarm.label(HELLO, metrics='{"port": 9000, "path": "/own"}')
    swarm.next_release(replicas=1)
    swarm.traffic("hello", {HELLO: 90, NEXT: 10}, NUMBERS)

    def task(service: str, slot: int, host: str, address: str, port: int) -> dict[str, Any]:
        labels = {
            "app": "hello",
            "service": service,
            "release": service.rpartition("-")[2],
            "task": f"{service}.{slot}",
            "host": host,
            "__metrics_path__": "/own",
        }
        return {"targets": [f"{address}:{port}"], "labels": labels}

    swarm.label(NEXT, metrics='{"port": 9001, "path": "/own"}')
    addresses = {
        t["Slot"]: t["NetworksAttachments"][0]["Addresses"][0].partition("/")[0]
        for t in swarm.tasks_of(HELLO)
    }
    assert sorted(told(swarm, "apps"), key=lambda t: t["labels"]["task"]) == [
        task(NEXT, 1, "manager-1", "10.210.2.101", 9001),
        task(HELLO, 1, "manager-3", addresses[1], 9000),
        task(HELLO, 2, "manager-2", addresses[2], 9000),
    ]


@pytest.mark.parametrize("state", ["starting", "preparing", "failed", "shutdown"])
def test_a_task_that_does_not_serve_is_not_fetched(swarm: Recorded, state: str) -> None:
    swarm.label(HELLO, metrics='{"port": 9000}')
    swarm.task(HELLO, 3, state)
    assert {t["labels"]["task"] for t in told(swarm, "apps")} == {f"{HELLO}.1", f"{HELLO}.2"}


def test_measurements_are_at_metrics_if_nothing_else_is_said(swarm: Recorded) -> None:
    swarm.label(HELLO, metrics='{"port": 9000}')
    assert {t["labels"]["__metrics_path__"] for t in told(swarm, "apps")} == {"/metrics"}


@pytest.mark.parametrize("label", ["", "{", "[]", "{}", '{"path": "/own"}', '{"port": "http"}'])
def test_an_app_whose_label_cannot_be_used_is_not_fetched(swarm: Recorded, label: str) -> None:
    swarm.label(HELLO, metrics=label)
    assert told(swarm, "apps") == []


def test_no_target_has_an_empty_label(swarm: Recorded) -> None:
    swarm.label(HELLO, metrics='{"port": 9000}', release=None)
    swarm.nodes = []
    labels = [t["labels"] for job in (*PORTS, *OTHERS) for t in told(swarm, job)]
    assert labels
    assert all(value for one in labels for value in one.values())


def test_a_job_that_nobody_knows_is_an_error(swarm: Recorded) -> None:
    with pytest.raises(KeyError):
        targets("nonsense", swarm.take(), OUTSIDE)


def test_prometheus_asks_for_these_jobs_and_no_others() -> None:
    configured = yaml.safe_load((ROOT / "monitoring" / "prometheus.yml").read_text())
    urls = [job["http_sd_configs"][0]["url"] for job in configured["scrape_configs"]]
    assert sorted(url.rpartition("/")[2] for url in urls) == sorted([*PORTS, *OTHERS])
