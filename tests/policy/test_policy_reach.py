"""What a container may reach of its host: no-privileges, no-docker-socket, no-host-network."""

from typing import Any

import pytest
from policy_cases import (
    CONTAINER,
    SERVICE,
    VOLUME,
    changed,
    host,
    judge,
    labels,
    platform,
    service,
    volume,
)

from policies.rules.capabilities import NO_PRIVILEGES
from policies.rules.network import NO_HOST_NETWORK
from policies.rules.socket import NO_DOCKER_SOCKET

REGISTRY: dict[str, Any] = {"labels": labels(environment="dev", role="registry")}


def bind(source: str) -> list[dict[str, Any]]:
    return [{"type": "bind", "source": source, "target": "/there"}]


def test_a_service_may_have_harmless_capabilities() -> None:
    assert judge(NO_PRIVILEGES, SERVICE, service(capAdds=["NET_BIND_SERVICE"])) == []


@pytest.mark.parametrize("name", ["ALL", "NET_ADMIN", "CAP_SYS_ADMIN", "sys_admin"])
def test_a_service_with_a_capability_that_leads_out_is_refused(name: str) -> None:
    (message,) = judge(NO_PRIVILEGES, SERVICE, service(capAdds=["CHOWN", name]))
    assert "app web" in message
    assert name.upper().removeprefix("CAP_") in message


def test_not_even_the_edge_has_such_a_capability() -> None:
    assert judge(NO_PRIVILEGES, SERVICE, platform("edge", capAdds=["NET_ADMIN"]))


def test_a_service_without_selinux_is_refused() -> None:
    privileges = {"seLinuxContext": {"disable": True}}
    (message,) = judge(NO_PRIVILEGES, SERVICE, service(privileges=privileges))
    assert "SELinux" in message


def test_a_host_may_have_all_capabilities() -> None:
    assert judge(NO_PRIVILEGES, CONTAINER, host(privileged=True)) == []


def test_a_container_that_is_no_host_may_not_be_privileged() -> None:
    messages = judge(NO_PRIVILEGES, CONTAINER, host(**REGISTRY, privileged=True))
    assert len(messages) == 2, "one for `privileged`, one for the capability ALL"


@pytest.mark.parametrize("source", ["/srv/files", "/var/lib/web", "/runners", "/var/runs"])
def test_a_folder_without_the_socket_may_be_mounted(source: str) -> None:
    assert judge(NO_DOCKER_SOCKET, SERVICE, service(mounts=bind(source))) == []


@pytest.mark.parametrize(
    "source",
    [
        "/var/run/docker.sock",
        "/run/docker.sock",
        "/mnt/elsewhere/docker.sock",
        "/run/containerd/containerd.sock",
        "/var/run",
        "/run/",
        "/var",
        "/",
        "//",
        "/srv/../var/run",
    ],
)
def test_a_mount_that_reaches_the_socket_is_refused(source: str) -> None:
    for props in (service(mounts=bind(source)), platform("edge")):
        mounted = changed(props, "taskSpec.containerSpec.mounts", bind(source))
        (message,) = judge(NO_DOCKER_SOCKET, SERVICE, mounted)
        assert "Docker socket" in message


@pytest.mark.parametrize("role", ["control", "exporter", "node-exporter"])
def test_control_and_the_exporters_may_mount_the_socket(role: str) -> None:
    props = changed(platform(role), "taskSpec.containerSpec.mounts", bind("/run/docker.sock"))
    assert judge(NO_DOCKER_SOCKET, SERVICE, props) == []


@pytest.mark.parametrize("role", ["edge", "prometheus", "alertmanager", "blackbox", "grafana"])
def test_no_other_service_of_the_platform_may(role: str) -> None:
    for source in ("/run/docker.sock", "/"):
        props = changed(platform(role), "taskSpec.containerSpec.mounts", bind(source))
        assert judge(NO_DOCKER_SOCKET, SERVICE, props)


@pytest.mark.parametrize("role", ["control", "exporter"])
def test_an_app_that_calls_itself_so_may_not(role: str) -> None:
    props = service(mounts=bind("/run/docker.sock"))
    props["labels"] += labels(platform=role)
    assert judge(NO_DOCKER_SOCKET, SERVICE, props)


@pytest.mark.parametrize(
    "reach",
    [
        {"mounts": bind("/run")},
        {"volumes": [{"hostPath": "/run", "containerPath": "/there"}]},
        {"volumes": [{"volumeName": "/run/docker.sock", "containerPath": "/there"}]},
    ],
)
def test_a_container_that_reaches_the_socket_is_refused(reach: dict[str, Any]) -> None:
    assert judge(NO_DOCKER_SOCKET, CONTAINER, host(**reach))


def test_a_volume_that_stands_for_the_socket_is_refused() -> None:
    device = {"type": "none", "o": "bind", "device": "/var/run"}
    mounts = [
        {"type": "volume", "source": "x", "volumeOptions": {"driverOptions": device}},
    ]
    assert judge(NO_DOCKER_SOCKET, SERVICE, service(mounts=mounts))
    assert judge(NO_DOCKER_SOCKET, VOLUME, volume(driverOpts=device))
    assert judge(NO_DOCKER_SOCKET, VOLUME, volume()) == []


def test_a_service_in_a_network_of_its_environment_passes() -> None:
    assert judge(NO_HOST_NETWORK, SERVICE, service()) == []


@pytest.mark.parametrize("props", [service(), platform("edge"), platform("control")])
def test_no_service_at_all_joins_the_network_of_its_host(props: dict[str, Any]) -> None:
    joined = changed(props, "taskSpec.networksAdvanceds", [{"name": "apps"}, {"name": "host"}])
    (message,) = judge(NO_HOST_NETWORK, SERVICE, joined)
    assert "routes" in message or "a route" in message
