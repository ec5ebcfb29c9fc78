"""What a whole environment registers with Pulumi."""

import json
from collections import defaultdict
from typing import Any

import pytest

from tests.support.recording import Stack, build, plain_texts

HEALTH = {"http": "/healthz"}
RAW: dict[str, Any] = {
    "apps": {
        "web": {
            "build": {"context": "samples/hello"},
            "port": 8080,
            "routes": ["/"],
            "replicas": 2,
            "health": HEALTH,
            "bind": ["db"],
            "secrets": {"token": {}},
        },
        "db": {
            "image": "local:1",
            "port": 3306,
            "secrets": {"password": {"generate": 32}},
            "provides": {"scheme": "mysql", "username": "blog", "secret": "password"},
            "volumes": [{"name": "db", "path": "/var/lib/mysql"}],
        },
    }
}
GIVEN = {"web": {"token": "a-value-nobody-may-see"}}
PUSHED = ("control", "edge", "exporter", "monitoring", "supply", "web")
MEASURING = ("exporter", "node-exporter", "prometheus", "alertmanager", "blackbox")
CLUSTER_S = ("Service", "Secret", "ServiceConfig")


def environment(name: str = "dev", **changes: Any) -> Stack:
    return build({**RAW, **changes}, name, GIVEN)


@pytest.fixture(scope="module")
def stack() -> Stack:
    return environment()


def test_every_docker_object_says_which_environment_it_is_of(stack: Stack) -> None:
    assert len(stack.docker) > 10
    for resource in stack.docker:
        assert resource.labels.get("horcrux.environment") == "dev", resource.urn


def test_tasks_say_so_too(stack: Stack) -> None:
    for service in stack.of("Service"):
        pairs = service.inputs["taskSpec"]["containerSpec"]["labels"]
        labels = {pair["label"]: pair["value"] for pair in pairs}
        assert labels["horcrux.environment"] == "dev", service.urn


def test_every_resource_belongs_to_the_component_that_makes_it(stack: Stack) -> None:
    children = defaultdict(set)
    for resource in stack.resources:
        if resource.custom:
            parent = resource.parent.split("::")
            children[parent[-1]].add(f"{resource.kind} {resource.name}")
            assert "horcrux:index:" in parent[2], f"{resource.urn} has no component"
    hosts = [f"manager-{n}" for n in (1, 2, 3)]
    assert children.pop("hosts") == {
        "Volume join-volume",
        *(f"Container {h}" for h in hosts),
        *(f"Volume {h}-volume" for h in hosts),
        *(f"Certificate {h}-certificate" for h in hosts),
    }
    assert children.pop("cluster") == {
        "Formation formation",
        *(f"Node {h}-node" for h in hosts),
        "docker cluster",
        "Network apps",
        "Network platform",
    }
    images = ("init", "python", "host", "front-door", *PUSHED)
    assert children.pop("images") == {"BaseImage base", *(f"Image image-{i}" for i in images)}
    web, db = stack.release("web"), stack.release("db")
    token = next(r.name for r in stack.of("Secret") if r.name.startswith("web-token-"))
    assert children == {
        "local": {"docker machine", "Authority authority", "Certificate client-certificate"},
        "network": {"Network vpc"},
        "registry": {
            "Password registry-push",
            "Password registry-pull",
            "Password registry-metrics",
            "Certificate registry-certificate",
            "Volume registry-volume",
            "Container registry",
        },
        "front-door": {"Container front-door"},
        "supply": {f"PushedImage pushed-{i}" for i in ("db", *PUSHED)},
        "control": {
            *(f"Password {p}" for p in ("portal-password", "portal-key", "monitoring-password")),
            *(
                f"Secret {s}"
                for s in ("control-portal", "control-receivers", "monitoring-password")
            ),
            "Service control",
            "Converged control-converged",
        },
        "cache": {
            "Password cache-pull",
            "Certificate cache-certificate",
            "Secret cache-settings",
            "Secret cache-tls",
            "Service cache",
            "Converged cache-converged",
        },
        "edge": {
            "Certificate edge-certificate",
            "Secret edge-tls",
            "Service edge",
            "Converged edge-converged",
        },
        "monitoring": {
            *(f"Service {s}" for s in MEASURING),
            *(f"Converged {s}-converged" for s in MEASURING),
            "Secret monitoring-web",
            "Secret registry-password",
            "Secret registry-ca",
            f"ServiceConfig {stack.of('ServiceConfig')[0].name}",
        },
        "app-web": {f"Service {web.name}", "Rollout web", f"Secret {token}"},
        "app-db": {
            f"Service {db.name}",
            "Rollout db",
            "Password db-password-password",
            "Secret db-password-generated-32",
        },
    }


def test_what_lives_in_the_cluster_goes_with_the_network_unasked(stack: Stack) -> None:
    vpc = stack.one("Network", "vpc").urn
    inside = [
        *stack.of(*CLUSTER_S, "Node", "Formation", "Rollout", "Converged"),
        stack.one("Network", "apps"),
        stack.one("Network", "platform"),
    ]
    assert {r.deleted_with for r in inside} == {vpc}
    beside = stack.of("Container", "Volume")
    assert {r.deleted_with for r in beside} == {""}, "what is on this machine is taken away itself"


def test_the_cluster_s_objects_go_through_the_cluster_s_own_api(stack: Stack) -> None:
    for resource in stack.docker:
        inside = resource.kind in CLUSTER_S or resource.name in ("apps", "platform")
        assert resource.provider.split("::")[-2] == ("cluster" if inside else "machine")


def test_ports_of_this_machine_are_on_its_loopback_address_only(stack: Stack) -> None:
    published = {
        (c.name, port["ip"], port["external"])
        for c in stack.of("Container")
        for port in c.inputs.get("ports", [])
    }
    assert published == {
        ("registry", "127.0.0.1", 8500),
        ("front-door", "127.0.0.1", 8080),
        ("front-door", "127.0.0.1", 8443),
        ("front-door", "127.0.0.1", 8376),
        ("front-door", "127.0.0.1", 8543),
    }


def test_only_the_edge_and_the_cache_have_ports_of_the_hosts(stack: Stack) -> None:
    known = {"edge": [80, 443], "cache": [5443]}
    for service in stack.of("Service"):
        ports = service.inputs["endpointSpec"].get("ports", [])
        assert [p["publishedPort"] for p in ports] == known.get(service.name, [])
        assert {p["publishMode"] for p in ports} <= {"host"}


def test_what_is_made_secret_stays_secret(stack: Stack) -> None:
    made = {f"{r.name}.{key}" for r in stack.resources for key in r.secret_outputs}
    assert {
        "authority.key",
        "client-certificate.key",
        "manager-1-certificate.key",
        "registry-push.value",
        "registry-pull.bcrypt",
        "db-password-password.value",
    } <= made
    told = [(r.urn, text) for r in stack.resources for text in plain_texts(r.wire)]
    for secret in (*made, GIVEN["web"]["token"]):
        assert [urn for urn, text in told if secret in text] == [], f"{secret} is in the open"


def test_secrets_are_nowhere_but_where_they_are_meant_to_be(stack: Stack) -> None:
    """Not even marked as secrets: who may list services could read them there."""
    for service in stack.of("Service"):
        seen = json.dumps({k: v for k, v in service.inputs.items() if k != "auth"})
        for secret in (GIVEN["web"]["token"], "db-password-password.value", "certificate.key"):
            assert secret not in seen, service.urn


def test_the_stack_s_secret_outputs_are_marked(stack: Stack) -> None:
    marked = {key for key, (_, secret) in stack.outputs.items() if secret}
    assert {"access", "registry"} <= marked
    plain = repr([value for key, (value, _) in stack.outputs.items() if key not in marked])
    assert ".key" not in plain
    assert ".value" not in plain


def test_the_stack_tells_where_its_apps_are(stack: Stack) -> None:
    assert stack.outputs["urls"][0] == {
        "web": ["http://web.dev.localhost:8080/", "https://web.dev.localhost:8443/"],
        "db": [],
    }


def test_a_worker_more_changes_nothing_of_what_there_is(stack: Stack) -> None:
    larger = environment(hosts={"workers": 1})
    before = {r.urn: r.wire for r in stack.resources}
    after = {r.urn: r.wire for r in larger.resources}
    assert {urn for urn in before if before[urn] != after.get(urn)} == set()
    assert sorted(urn.split("::")[-1] for urn in after.keys() - before.keys()) == [
        "worker-1",
        "worker-1-certificate",
        "worker-1-node",
        "worker-1-volume",
    ]


def test_workers_are_joined_as_workers_and_managers_are_found_by_one_name() -> None:
    stack = environment(hosts={"managers": 1, "workers": 1})
    aliases = {
        c.name: c.inputs["networksAdvanced"][0]["aliases"]
        for c in stack.of("Container")
        if c.labels["horcrux.role"] in ("manager", "worker")
    }
    assert aliases == {
        "manager-1": ["manager-1", "hosts", "managers", "cache.dev.internal"],
        "worker-1": ["worker-1", "hosts"],
    }


def machine_s(stack: Stack) -> set[str]:
    """What an environment takes of this machine; Debian's image is the same for all of them."""
    taken = {str(r.inputs["name"]) for r in stack.docker if "machine" in r.provider}
    taken |= {str(p["external"]) for c in stack.of("Container") for p in c.inputs.get("ports", [])}
    taken |= {
        str(c["subnet"]) for n in stack.of("Network") for c in n.inputs.get("ipamConfigs", [])
    }
    return taken | {str(i.inputs["repository"]) for i in stack.of("Image")}


def test_two_environments_share_nothing_on_this_machine(stack: Stack) -> None:
    ports = {"http": 9080, "https": 9443, "api": 9376, "registry": 9500, "cache": 9543}
    other = environment("test", local={"subnet": "10.88.1.0/24", "ports": ports})
    assert len(machine_s(stack)) >= 19
    assert machine_s(stack) & machine_s(other) == set()
