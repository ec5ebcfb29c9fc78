"""Monitoring on a real environment: what is measured, real faults, and who hears of them."""

import functools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import SECRET_PATH

from monitoring.mixin import dashboards
from providers.x509 import self_signed, signed
from tests.support.observed import alerts, ask, query, told
from tests.support.receivers import Recorder
from tests.support.sandbox import Sandbox, eventually

HEARD_SECONDS = 60  # from a host's loss to its alert at the receiver
OVER_SECONDS = 180  # from the mend to the end's message: tasks start, rules look back, groups wait
FAULT_SECONDS = 240  # alerts that wait on purpose before they fire
DOWN_SECONDS = 60
SETTLED_SECONDS = 180  # targets of hosts that came back a moment ago, on a busy machine
HISTORY_SECONDS = 90  # some queries look at the last minute, and need it to be there
# Error budgets for hours, a release that was taken back for a quarter of one.
REMEMBERED = ("AppErrorsBurn", "AppLatencyBurn", "ReleaseRolledBack")
HOSTS = {"manager-1", "manager-2", "manager-3"}
JOBS = {
    *("cache", "registry", "control", "edge", "edge-agent", "containers", "engine", "node"),
    *("prometheus", "alertmanager", "blackbox", "apps", "probe", "probe-tls"),
}


def test_every_target_is_up_and_every_job_has_targets(cloud: Sandbox) -> None:
    wrong: list[Any] = []

    def all_up() -> bool:
        found = query(cloud, "up")
        down = [s for s in [*found, *query(cloud, "probe_success")] if s["value"] != 1]
        hosts = {s["host"] for s in found if s["job"] == "node"}
        wrong[:] = [*down, *(JOBS ^ {s["job"] for s in found}), *(HOSTS ^ hosts)]
        return not wrong

    try:
        eventually(all_up, SETTLED_SECONDS, "every target of every job answers, and every probe")
    except pytest.fail.Exception as failure:
        pytest.fail(f"{failure}: {wrong}")


def test_no_alert_fires_while_all_is_well_but_the_one_that_always_does(cloud: Sandbox) -> None:
    """Hosts were killed and a release taken back before this, which is remembered, as it should be."""
    fired: list[str] = []

    def none_else() -> bool:
        found = {s["alertname"] for s in query(cloud, 'ALERTS{alertstate="firing"}')}
        fired[:] = sorted(name for name in found if not name.startswith(REMEMBERED))
        return fired == ["Watchdog"]

    try:
        eventually(none_else, OVER_SECONDS, "nothing fires but the Watchdog")
    except pytest.fail.Exception as failure:
        pytest.fail(f"{failure}: {fired}")


def test_each_query_of_each_dashboard_gives_data(cloud: Sandbox) -> None:
    release = query(cloud, 'horcrux_release_info{app="hello"}')
    numbers = sorted({int(s["number"]) for s in release if s["number"]})
    values = {
        **dashboards.EXAMPLE,
        "host": "manager-1",
        "app": "hello",
        "release": str(numbers[-1]),
        "before": str(numbers[-1]),
    }
    with cloud.load("hello"):
        eventually(
            lambda: query(cloud, 'app:requests:rate1m{app="hello"} > 1'), 60, "load is measured"
        )
        for name, document in dashboards.all_of_them().items():
            for expression in dashboards.queries(document, values):
                eventually(
                    functools.partial(query, cloud, expression),
                    HISTORY_SECONDS,
                    f"{name} has data for {expression}",
                )


def test_a_host_that_is_lost_is_told_within_a_minute_and_its_return_too(
    cloud: Sandbox, receiver: Recorder
) -> None:
    host = cloud.container("manager-3")
    receiver.received.clear()
    killed = time.time()
    subprocess.run(["docker", "kill", host], check=True, capture_output=True)
    try:
        alert = told(receiver, "HostDown", HEARD_SECONDS)
        took = time.time() - killed
        assert alert["labels"]["host"] == "manager-3"
        assert alert["labels"]["severity"] == "critical"
        assert "manager-3" in alert["annotations"]["summary"]
        assert host in alert["annotations"]["description"], "the first command to type is named"
        assert took < HEARD_SECONDS
        shown = cloud.horcrux("alerts", "list", "-s", cloud.name, check=False)
        assert shown.returncode == 3
        assert "HostDown" in shown.stdout
    finally:
        subprocess.run(["docker", "start", host], check=True, capture_output=True)
    assert told(receiver, "HostDown", OVER_SECONDS, "resolved")["labels"]["host"] == "manager-3"
    events = ask(cloud, f"/v1/events?since={killed - 1}")["events"]
    texts = [e["text"] for e in events if e["subject"] == "manager-3"]
    assert any("is down" in text for text in texts), texts
    assert any("is ready" in text for text in texts), texts
    eventually(lambda: cloud.status()["problems"] == [], 120, "all is well again")


@dataclass
class Fault:
    """Something that goes wrong: how to bring it about, and how to mend it."""

    alert: str
    inject: Callable[[], Any]
    mend: Callable[[], Any]


def full_disk(cloud: Sandbox) -> Fault:
    def inject() -> None:
        cloud.inside("manager-2", "mount", "-o", "remount,size=32m", "/tmp")
        cloud.inside("manager-2", "dd", "if=/dev/zero", "of=/tmp/full", "bs=1M", "count=31")

    return Fault("HostDiskFull", inject, lambda: cloud.inside("manager-2", "rm", "-f", "/tmp/full"))


def dying_task(cloud: Sandbox) -> Fault:
    image = next(a["image"] for a in cloud.status()["apps"] if a["name"] == "hello")
    service = [
        *("docker", "service", "create", "-d", "-q", "--name", "dying", "--network", "apps"),
        *("--label", "horcrux.app=dying", "--restart-delay", "1s", "--endpoint-mode", "dnsrr"),
        *("--replicas", "2", "--env", "SLOT={{.Task.Slot}}", "--with-registry-auth"),
        *("--entrypoint", "sh", image, "-c", "[ $SLOT = 1 ] && exec sleep 9999; exit 3"),
    ]
    remove = ("docker", "service", "rm", "dying")
    return Fault(
        "TaskRestartsInALoop",
        lambda: cloud.inside("manager-1", *service),
        lambda: cloud.inside("manager-1", *remove),
    )


def refused_configuration(cloud: Sandbox) -> Fault:
    """HAProxy's check fails for want of the certificate, on one host."""
    edge = cloud.inside("manager-2", "docker", "ps", "-qf", "name=horcrux-edge").split()[0]
    identity = cloud.inside("manager-2", "docker", "inspect", edge, "--format", "{{.Id}}").strip()
    secrets = f"/var/lib/docker/containers/{identity}/mounts/secrets"
    file = cloud.inside("manager-2", "sh", "-c", f"ls -d {secrets}/*").split()[0]
    routed = json.dumps({"port": 8080, "routes": [["another.localhost", "/"]]})

    def inject() -> None:
        cloud.inside("manager-2", "mount", "-o", "remount,rw", secrets)
        cloud.inside("manager-2", "chmod", "000", file)
        change = ("--label-add", f"horcrux.edge={routed}")
        cloud.inside("manager-1", "docker", "service", "update", "-d", "-q", *change, "dying")

    return Fault(
        "EdgeRefusedConfiguration",
        inject,
        lambda: cloud.inside("manager-2", "chmod", "400", file),
    )


def short_certificate(cloud: Sandbox, folder: Path) -> Fault:
    """The registry's, for two days more."""
    registry = cloud.container("registry")
    files = f"{registry}:/etc/horcrux/registry"
    name = f"registry.{cloud.name}.internal"
    certificate, key = signed(*self_signed("tests", 3), [name], "server", 2)
    (folder / "short").mkdir()
    (folder / "short" / "cert.pem").write_text(certificate)
    (folder / "short" / "key.pem").write_text(key)

    def inject() -> None:
        docker("cp", files, str(folder / "own"))
        docker("cp", f"{folder}/short/.", files)
        docker("restart", registry)

    def mend() -> None:
        docker("cp", f"{folder}/own/.", files)
        docker("restart", registry)

    return Fault("CertificateExpires", inject, mend)


def docker(*words: str) -> None:
    subprocess.run(["docker", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def heard(
    cloud: Sandbox, receiver: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recorder]:
    """The receiver, which was down for a minute while all the faults began; mended at the end."""
    folder = tmp_path_factory.mktemp("faults")
    faults = [
        dying_task(cloud),
        full_disk(cloud),
        short_certificate(cloud, folder),
        refused_configuration(cloud),
    ]
    receiver.down()
    went_down = time.monotonic()
    begun: list[Fault] = []
    try:
        for fault in faults:
            fault.inject()
            begun.append(fault)
        looped = 'ALERTS{alertname="TaskRestartsInALoop",alertstate="firing"}'
        eventually(functools.partial(query, cloud, looped), FAULT_SECONDS, "an alert fires")
        # A minute, in which deliveries fail.
        eventually(lambda: time.monotonic() - went_down > DOWN_SECONDS, DOWN_SECONDS + 5, "passes")
        receiver.received.clear()
        receiver.up()
        yield receiver
    finally:
        if receiver.is_down:
            receiver.up()
        for fault in reversed(begun):
            fault.mend()
    for fault in faults:
        if fault.alert != "TaskRestartsInALoop":  # it looks back for five minutes
            told(receiver, fault.alert, OVER_SECONDS, "resolved")


def test_a_receiver_that_was_down_for_a_minute_misses_nothing(
    cloud: Sandbox, heard: Recorder
) -> None:
    """And so a task that restarts in a loop is told of, even then."""
    alert = told(heard, "TaskRestartsInALoop", OVER_SECONDS)
    assert alert["labels"]["service"] == "dying"
    failed = query(cloud, 'horcrux_notifications_total{result="failed"} > 0')
    assert failed, "the receiver was really away"


def test_a_full_disk_is_told(heard: Recorder) -> None:
    alert = told(heard, "HostDiskFull", FAULT_SECONDS)
    assert alert["labels"]["host"] == "manager-2"
    assert "/tmp" in alert["annotations"]["description"]


def test_a_certificate_that_is_about_to_expire_is_told(heard: Recorder) -> None:
    alert = told(heard, "CertificateExpires", FAULT_SECONDS)
    assert alert["labels"]["what"] == "registry"
    assert alert["labels"]["severity"] == "critical"


def test_a_configuration_that_an_edge_refuses_is_told(heard: Recorder) -> None:
    alert = told(heard, "EdgeRefusedConfiguration", FAULT_SECONDS)
    assert alert["labels"]["host"] == "manager-2"


def test_errors_of_an_app_fire_the_burn_rate_alert_which_names_app_and_release(
    cloud: Sandbox, heard: Recorder
) -> None:
    def of_hello() -> list[dict[str, Any]]:
        found = alerts(heard.received, "AppErrorsBurnFast", "firing")
        return [alert for alert in found if alert["labels"]["app"] == "hello"]

    deadline = time.monotonic() + FAULT_SECONDS
    while not of_hello():
        assert time.monotonic() < deadline, "the alert did not come"
        for _ in range(20):
            assert cloud.get("hello", "/fail").status_code == 500
    alert = of_hello()[0]
    number = next(a["release"] for a in cloud.status()["apps"] if a["name"] == "hello")
    said = alert["annotations"]["summary"] + alert["annotations"]["description"]
    assert "hello" in said
    assert number in said, f"the release {number} is not named: {said}"


def test_a_silence_keeps_quiet_and_is_ended(cloud: Sandbox) -> None:
    made = cloud.horcrux(
        "alerts",
        "silence",
        "HostDown",
        "-s",
        cloud.name,
        "--label",
        "host=manager-9",
        "--for",
        "1h",
    )
    assert made.returncode == 0
    listed = json.loads(cloud.horcrux("alerts", "silences", "-s", cloud.name, "--json").stdout)
    mine = [s for s in silences(listed) if s["matchers"].get("host") == "manager-9"]
    assert mine[0]["matchers"]["alertname"] == "HostDown"
    cloud.horcrux("alerts", "unsilence", mine[0]["id"], "-s", cloud.name)
    assert ask(cloud, "/v1/silences")["silences"] == []


def silences(document: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["silences"] if isinstance(document, dict) else document
    return found


def test_a_test_message_arrives_and_its_way_is_told(cloud: Sandbox, receiver: Recorder) -> None:
    done = cloud.horcrux("alerts", "test", "-s", cloud.name)
    assert "ops" in done.stdout
    assert told(receiver, "HorcruxTest", 10)["labels"]["severity"] == "info"
    receiver.status = 500
    try:
        done = cloud.horcrux("alerts", "test", "ops", "-s", cloud.name, check=False)
    finally:
        receiver.status = 200
    assert done.returncode == 1
    assert "500" in done.stdout


def test_the_command_shows_it_all(cloud: Sandbox) -> None:
    top = json.loads(cloud.horcrux("top", "-s", cloud.name, "--once", "--json").stdout)
    assert {h["name"] for h in top["hosts"]} == {"manager-1", "manager-2", "manager-3"}
    assert all(h["cpu"] is not None for h in top["hosts"])
    hello = next(a for a in top["apps"] if a["name"] == "hello")
    assert hello["p95"] is not None
    events = cloud.horcrux("events", "-s", cloud.name, "-n", "500", "--json").stdout
    assert "HostDown" in events
    report = cloud.folder / "report.html"
    cloud.horcrux("report", "-s", cloud.name, "--since", "1h", "-o", str(report))
    page = report.read_text()
    assert "hello" in page
    assert "HostDown" in page


def test_internal_ports_are_closed_to_apps_but_for_what_asks_for_a_password(
    cloud: Sandbox,
) -> None:
    script = """
import json, socket, urllib.error, urllib.request
def look(name, port, path="/"):
    try:
        socket.create_connection((name, port), 2).close()
    except OSError:
        return "closed"
    try:
        return urllib.request.urlopen(f"http://{name}:{port}{path}", timeout=3).status
    except urllib.error.HTTPError as error:
        return error.code
names = {"control": (8081, "/v1/overview"), "alertmanager": (9093, "/"), "exporter": (9101, "/metrics"),
         "node-exporter": (9100, "/metrics"), "prometheus": (9090, "/api/v1/query?query=up"),
         "blackbox": (9115, "/probe")}
print(json.dumps({n: look(f"tasks.horcrux-{n}", *where) for n, where in names.items()}))
"""
    done = cloud.horcrux("exec", "hello", "-s", cloud.name, "--", "python3", "-c", script)
    assert json.loads(done.stdout) == {
        **dict.fromkeys(("control", "alertmanager", "exporter", "node-exporter"), "closed"),
        **dict.fromkeys(("prometheus", "blackbox"), 401),
    }


def test_no_secret_is_in_a_metric_a_label_a_page_or_a_log(cloud: Sandbox) -> None:
    opened = cloud.horcrux("open", "portal", "-s", cloud.name).stdout
    password = opened.split("password: ")[1].strip()
    hidden = [password, SECRET_PATH]
    everywhere = {
        "control's log": lambda: service_log(cloud, "horcrux-control"),
        "Prometheus' log": lambda: service_log(cloud, "horcrux-prometheus"),
        "Alertmanager's log": lambda: service_log(cloud, "horcrux-alertmanager"),
        "the metrics": lambda: json.dumps(query(cloud, '{job="control"}')),
        "the overview": lambda: json.dumps(ask(cloud, "/v1/overview")),
        "the services": lambda: cloud.inside(
            "manager-1", "sh", "-c", "docker service inspect $(docker service ls -q)"
        ),
        "the state": lambda: "".join(
            p.read_text() for p in (cloud.folder / ".horcrux" / "state").rglob("*.json")
        ),
        "the stack file": cloud.stack_file.read_text,
    }  # fmt: skip
    for where, read in everywhere.items():
        text = _text(read)
        assert text, f"there is nothing in {where}"
        for secret in hidden:
            assert secret not in text, f"a secret stands in {where}"


def _text(read: Callable[[], str]) -> str:
    return read()


def service_log(cloud: Sandbox, name: str) -> str:
    done = subprocess.run(
        ["docker", "exec", cloud.container("manager-1"), "docker", "service", "logs", name],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr + " "
