"""The rules private-cluster-ports and edge-alone-publishes."""

from typing import Any

import pytest
from policy_cases import CONTAINER, SERVICE, changed, host, judge, labels, platform, service

from policies.rules.ports import CLUSTER_PORTS, EDGE_ALONE_PUBLISHES, PRIVATE_CLUSTER_PORTS

DOOR: dict[str, Any] = {"labels": labels(environment="dev", role="front-door")}


def ports(inside: int, outside: int | None, ip: str | None) -> list[dict[str, Any]]:
    given = {"internal": float(inside), "external": outside, "ip": ip}
    return [{key: value for key, value in given.items() if value is not None}]


def published(outside: int | None, mode: str | None) -> list[dict[str, Any]]:
    given = {"targetPort": 8080.0, "publishedPort": outside, "publishMode": mode}
    return [{key: value for key, value in given.items() if value is not None}]


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost"])
@pytest.mark.parametrize("port", CLUSTER_PORTS)
def test_the_ports_of_the_cluster_may_be_published_on_loopback(port: int, ip: str) -> None:
    assert judge(PRIVATE_CLUSTER_PORTS, CONTAINER, host(ports=ports(port, 9000, ip))) == []


@pytest.mark.parametrize("ip", [None, "", "0.0.0.0", "10.0.0.1", "::", "example.org"])
@pytest.mark.parametrize("port", CLUSTER_PORTS)
def test_anywhere_else_they_are_refused(port: int, ip: str | None) -> None:
    for inside, outside in ((port, 9000), (9000, port), (port, None)):
        (message,) = judge(PRIVATE_CLUSTER_PORTS, CONTAINER, host(ports=ports(inside, outside, ip)))
        assert CLUSTER_PORTS[port] in message
        assert "127.0.0.1" in message


def test_other_ports_may_be_published_anywhere() -> None:
    assert judge(PRIVATE_CLUSTER_PORTS, CONTAINER, host(**DOOR, ports=ports(8080, 80, None))) == []


@pytest.mark.parametrize("open_wide", [{"networkMode": "host"}, {"publishAllPorts": True}])
def test_a_host_that_opens_everything_is_refused(open_wide: dict[str, Any]) -> None:
    (message,) = judge(PRIVATE_CLUSTER_PORTS, CONTAINER, host(**open_wide))
    assert "network of its own" in message


def test_a_service_that_publishes_nothing_passes() -> None:
    assert judge(EDGE_ALONE_PUBLISHES, SERVICE, service()) == []


@pytest.mark.parametrize("port", [80, 443])
def test_the_edge_publishes_its_two_ports_in_host_mode(port: int) -> None:
    props = changed(platform("edge"), "endpointSpec.ports", published(port, "host"))
    assert judge(EDGE_ALONE_PUBLISHES, SERVICE, props) == []


def test_the_cache_publishes_its_port_and_no_other() -> None:
    for port, refused in ((5443, 0), (5080, 1), (443, 1)):
        props = changed(platform("cache"), "endpointSpec.ports", published(port, "host"))
        assert len(judge(EDGE_ALONE_PUBLISHES, SERVICE, props)) == refused


@pytest.mark.parametrize(
    ("port", "mode"), [(8080, "host"), (None, "host"), (443, "ingress"), (443, None)]
)
def test_the_edge_publishes_nothing_else(port: int | None, mode: str | None) -> None:
    props = changed(platform("edge"), "endpointSpec.ports", published(port, mode))
    assert len(judge(EDGE_ALONE_PUBLISHES, SERVICE, props)) == 1


def test_an_app_that_publishes_a_port_is_refused() -> None:
    props = changed(service(), "endpointSpec.ports", published(443, "host"))
    (message,) = judge(EDGE_ALONE_PUBLISHES, SERVICE, props)
    assert "port 443" in message
    assert "`apps.web.routes`" in message


def test_control_publishes_nothing() -> None:
    props = changed(platform("control"), "endpointSpec.ports", published(80, "host"))
    assert judge(EDGE_ALONE_PUBLISHES, SERVICE, props)
