"""What monitoring, control and Grafana register with Pulumi."""

import base64
import json
import re
from typing import Any

import pytest
import yaml

from components.monitoring import NO_DISKS
from control.settings import Settings
from control.targets import Outside
from horcrux.settings import SettingsError
from tests.support.recording import Registered, Stack, build, plain_texts

MEASURING = {"exporter", "node-exporter", "prometheus", "alertmanager", "blackbox"}
EVERYWHERE = {"edge", "exporter", "node-exporter"}
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
HOOK = {"kind": "webhook", "url": "hook-url"}
MAIL = {
    "kind": "email",
    "server": "smtp.example.org:587",
    "sender": "horcrux@example.org",
    "to": ["ops@example.org"],
    "username": "horcrux",
    "password": "smtp-password",
}
GIVEN = {"hook-url": "https://hooks.example.org/nobody-may-see", "smtp-password": "nor-this"}
GRAFANA = {"image": f"grafana/grafana@sha256:{'ef' * 32}"}


def environment(monitoring: dict[str, Any], **secrets: str) -> Stack:
    raw = {"hosts": {"managers": 1}, "monitoring": monitoring}
    return build(raw, secrets={"monitoring": secrets})


@pytest.fixture(scope="module")
def stack() -> Stack:
    return environment({"receivers": {"hook": HOOK, "mail": MAIL}, "grafana": GRAFANA}, **GIVEN)


def service(stack: Stack, role: str) -> Registered:
    return stack.one("Service", role)


def container(stack: Stack, role: str) -> dict[str, Any]:
    found: dict[str, Any] = service(stack, role).inputs["taskSpec"]["containerSpec"]
    return found


def sources(stack: Stack, role: str) -> list[str]:
    return [m["source"] for m in container(stack, role).get("mounts", []) if m["type"] == "bind"]


def config(stack: Stack, name: str) -> str:
    """The text of the one Swarm config whose name begins so."""
    (found,) = (r for r in stack.of("ServiceConfig") if r.name.rpartition("-")[0] == name)
    return base64.b64decode(found.inputs["data"]).decode()


def test_monitoring_on_makes_its_services(stack: Stack) -> None:
    assert {s.name for s in stack.of("Service")} == {
        "cache",
        "control",
        "edge",
        "grafana",
        *MEASURING,
    }


def test_monitoring_off_makes_none_of_them() -> None:
    off = environment({"enabled": False, "grafana": GRAFANA})
    assert {s.name for s in off.of("Service")} == {"cache", "control", "edge"}
    assert off.of("ServiceConfig") == []
    assert off.outputs["grafana"][0] is None


def test_no_grafana_without_an_image() -> None:
    plain = environment({})
    assert {s.name for s in plain.of("Service")} == {"cache", "control", "edge", *MEASURING}
    assert plain.outputs["grafana"] == (None, True)


def test_the_services_are_called_what_targets_and_questions_call_them(stack: Stack) -> None:
    for made in stack.of("Service"):
        assert made.inputs["name"] == f"horcrux-{made.name}"
        assert made.labels["horcrux.platform"] == made.name


def test_each_runs_on_every_host_that_it_is_meant_for(stack: Stack) -> None:
    constraints = {
        made.name: made.inputs["taskSpec"].get("placement", {}).get("constraints", [])
        for made in stack.of("Service")
    }
    on_managers = {
        role: ["node.role==manager"] for role in MEASURING - EVERYWHERE | {"control", "cache"}
    }
    everywhere: dict[str, list[str]] = {role: [] for role in EVERYWHERE}
    assert constraints == {
        **on_managers,
        **everywhere,
        "grafana": ["node.hostname==manager-1"],
    }
    assert {str(made.inputs["mode"]) for made in stack.of("Service")} == {"{'global': True}"}


def test_only_what_reaches_apps_is_on_their_network(stack: Stack) -> None:
    networks = {
        made.name: {n["id"] for n in made.inputs["taskSpec"]["networksAdvanceds"]}
        for made in stack.of("Service")
    }
    reaching = {"edge", "prometheus", "blackbox"}
    assert networks == {
        role: {"platform-id", "apps-id"} if role in reaching else {"platform-id"}
        for role in ("cache", "control", "edge", "grafana", *MEASURING)
    }


def test_the_socket_is_given_to_control_and_the_exporters_alone(stack: Stack) -> None:
    reaching = {
        made.name
        for made in stack.of("Service")
        for source in sources(stack, made.name)
        if any(socket.startswith(source.rstrip("/")) for socket in SOCKETS)
    }
    assert reaching == {"control", "exporter", "node-exporter"}
    assert sources(stack, "control") == ["/var/run/docker.sock"]
    assert sources(stack, "exporter") == ["/var/run/docker.sock", "/sys/fs/cgroup", "/proc"]
    assert sources(stack, "node-exporter") == ["/"]
    assert container(stack, "node-exporter")["user"] == "nobody", "who cannot open the socket"


def test_no_mount_of_a_host_s_path_can_be_written_to(stack: Stack) -> None:
    mounts = [
        m for made in stack.of("Service") for m in container(stack, made.name).get("mounts", [])
    ]
    bound = [m for m in mounts if m["type"] == "bind"]
    assert len(bound) >= 5
    assert all(m["readOnly"] for m in bound)


def test_each_has_a_limit_of_memory_and_most_cannot_write(stack: Stack) -> None:
    for made in stack.of("Service"):
        limits = made.inputs["taskSpec"]["resources"]["limits"]
        assert 32 << 20 <= limits["memoryBytes"] <= 1 << 30
    writing = {s.name for s in stack.of("Service") if not container(stack, s.name).get("readOnly")}
    assert writing == {"edge", "grafana"}


def test_no_service_of_monitoring_has_ports_of_the_hosts(stack: Stack) -> None:
    published = {s.name for s in stack.of("Service") if s.inputs["endpointSpec"].get("ports")}
    assert published == {"cache", "edge"}


def test_an_update_waits_until_each_runs(stack: Stack) -> None:
    waits = {r.name.removesuffix("-converged"): r for r in stack.of("Converged")}
    assert waits.keys() == {s.name for s in stack.of("Service")}
    for role, wait in waits.items():
        assert wait.inputs["service"] == f"horcrux-{role}"
        assert service(stack, role).urn in wait.dependencies


def test_control_is_there_before_those_that_ask_it(stack: Stack) -> None:
    control = stack.one("Converged", "control-converged").urn
    for role in ("edge", "prometheus", "grafana"):
        assert control in service(stack, role).dependencies


def test_what_tasks_are_made_of_decides_whether_is_waited_again(stack: Stack) -> None:
    def versions(monitoring: dict[str, Any]) -> dict[str, str]:
        made = environment(monitoring, **GIVEN)
        return {r.name: r.inputs["version"] for r in made.of("Converged")}

    before = versions({})
    assert versions({}) == before
    changed = versions({"retention": 30})
    assert {name for name in before if before[name] != changed[name]} == {"prometheus-converged"}


def test_the_settings_reach_prometheus() -> None:
    made = environment({"retention": 30, "storage": "2G", "memory": "1G"})
    prometheus = container(made, "prometheus")
    assert "--storage.tsdb.retention.time=30d" in prometheus["args"]
    assert "--storage.tsdb.retention.size=2048MB" in prometheus["args"]
    limits = service(made, "prometheus").inputs["taskSpec"]["resources"]["limits"]
    assert limits["memoryBytes"] == 1 << 30
    assert int(prometheus["env"]["GOMEMLIMIT"]) < 1 << 30


def test_measurements_survive_a_task_and_may_go_with_a_host(stack: Stack) -> None:
    for role in ("prometheus", "alertmanager"):
        (mount,) = container(stack, role)["mounts"]
        labels = {p["label"]: p["value"] for p in mount["volumeOptions"]["labels"]}
        assert (mount["source"], labels["horcrux.kind"]) == (f"horcrux-{role}", "cache")


@pytest.mark.parametrize(
    ("path", "disk"),
    [
        *[(path, True) for path in ("/", "/var", "/var/lib/docker", "/data", "/boot", "/devices")],
        *[(path, False) for path in ("/proc", "/sys/fs/cgroup", "/dev/shm", "/etc/hosts")],
        ("/var/lib/docker/overlay2/abc/merged", False),
        ("/run/docker/netns/abc", False),
    ],
)
def test_only_disks_of_the_host_s_own_are_measured(path: str, disk: bool) -> None:
    assert bool(re.search(NO_DISKS, path)) is not disk


def test_alertmanager_is_told_the_receivers_and_no_secret(stack: Stack) -> None:
    document = yaml.safe_load(config(stack, "alertmanager"))
    assert [r["name"] for r in document["receivers"]] == ["nobody", "hook", "mail"]
    assert not any(value in config(stack, "alertmanager") for value in GIVEN.values())


def test_another_receiver_is_another_config_and_another_secret(stack: Stack) -> None:
    fewer = environment({"receivers": {"hook": HOOK}}, **GIVEN)
    for kind, name in (("ServiceConfig", "alertmanager"), ("Secret", "control-receivers")):
        names = {
            r.inputs["name"] for x in (stack, fewer) for r in x.of(kind) if r.name.startswith(name)
        }
        assert len(names) == 2, "Swarm's objects never change"


def test_control_gets_its_secrets_as_files_that_root_alone_reads(stack: Stack) -> None:
    files = {
        f["fileName"]: (f["fileUid"], f["fileMode"]) for f in container(stack, "control")["secrets"]
    }
    names = ("portal.json", "receivers.json", "monitoring-password")
    assert files == dict.fromkeys(names, ("0", 0o400))


def test_monitoring_gets_its_secrets_as_files_of_its_user(stack: Stack) -> None:
    owners = {
        (f["fileName"], f["fileUid"], f["fileMode"])
        for role in ("prometheus", "blackbox")
        for f in container(stack, role)["secrets"]
    }
    names = ("web.json", "monitoring-password", "registry-password", "registry-ca")
    assert owners == {(name, "901", 0o400) for name in names}


def test_secrets_are_never_plain_on_the_wire(stack: Stack) -> None:
    made = [f"{r.name}.{key}" for r in stack.resources for key in r.secret_outputs]
    assert {"portal-password.value", "portal-key.value", "monitoring-password.value"} <= set(made)
    told = [(r.urn, text) for r in stack.resources for text in plain_texts(r.wire)]
    packed = [base64.b64encode(value.encode()).decode().rstrip("=") for value in GIVEN.values()]
    for secret in (*made, *GIVEN.values(), *packed):
        assert [urn for urn, text in told if secret in text] == [], f"{secret} is in the open"


def test_secrets_are_in_no_service_s_specification(stack: Stack) -> None:
    """Not even marked as secrets: who may list services could read them there."""
    for made in stack.of("Service"):
        seen = json.dumps({k: v for k, v in made.inputs.items() if k != "auth"})
        for secret in (*GIVEN.values(), "password.value", "password.bcrypt", "key.value"):
            assert secret not in seen, made.urn


def test_a_receiver_s_secret_without_a_value_is_an_error_with_the_remedy() -> None:
    with pytest.raises(SettingsError) as error:
        environment({"receivers": {"hook": HOOK, "mail": MAIL}})
    assert error.value.findings == [
        (
            f"monitoring.receivers.{setting}",
            f"has no value; set it: horcrux secrets set monitoring {secret}",
        )
        for setting, secret in (("hook.url", "hook-url"), ("mail.password", "smtp-password"))
    ]


def test_the_portal_and_grafana_are_pages_at_the_edge_and_no_apps(stack: Stack) -> None:
    for role, page, port in (("control", "portal", 8082), ("grafana", "grafana", 3000)):
        labels = service(stack, role).labels
        assert labels["horcrux.page"] == page
        assert "horcrux.app" not in labels
        rules = json.loads(labels["horcrux.edge"])
        assert (rules["port"], rules["routes"]) == (port, [[f"{page}.dev.localhost", "/"]])


def test_the_pages_accounts_are_secret_outputs(stack: Stack) -> None:
    portal, secret = stack.outputs["portal"]
    assert secret
    assert portal == {
        "url": "http://portal.dev.localhost:8080/",
        "username": "admin",
        "password": "portal-password.value",
    }
    grafana, secret = stack.outputs["grafana"]
    assert secret
    assert grafana["url"] == "http://grafana.dev.localhost:8080/"
    assert stack.outputs["endpoints"][0]["portal"] == portal["url"]


def test_grafana_gets_every_dashboard_and_its_source(stack: Stack) -> None:
    given = {c["fileName"] for c in container(stack, "grafana")["configs"]}
    dashboards = ("app", "edge", "hosts", "release")
    assert {f"/etc/horcrux/dashboards/{name}.json" for name in dashboards} <= given
    json.loads(config(stack, "grafana-app"))
    secrets = {f["fileName"] for f in container(stack, "grafana")["secrets"]}
    assert "/etc/grafana/provisioning/datasources/horcrux.yaml" in secrets


def test_control_is_told_all_that_it_reads(stack: Stack) -> None:
    told = Settings.of(container(stack, "control")["env"])
    assert (told.environment, told.portal_url) == ("dev", "http://portal.dev.localhost:8080/")
    assert told.url.format(host="a.test", path="/b") == "http://a.test:8080/b"
    assert told.outside == Outside(
        "front-door.dev.internal:8080", "front-door.dev.internal:8443", "registry.dev.internal:5000"
    )
    assert (told.session, told.https_only) == (43200, False)


@pytest.mark.parametrize(("domain", "https_only"), [("localhost", ""), ("example.org", "1")])
def test_a_password_goes_in_the_open_to_this_machine_alone(domain: str, https_only: str) -> None:
    made = build({"hosts": {"managers": 1}, "domain": domain, "monitoring": {"enabled": False}})
    assert container(made, "control")["env"]["HORCRUX_PORTAL_HTTPS_ONLY"] == https_only
