"""Ports: the edge and the image cache alone publish any, and the cluster's own never leave loopback."""

from collections.abc import Iterator
from ipaddress import ip_address

from policies.known import UNKNOWN, Value, at, items, number
from policies.rule import Rule
from policies.views import CONTAINER, SERVICE, Resource

CLUSTER_PORTS = {
    2375: "Docker API",
    2376: "Docker API",
    2377: "Swarm management",
    4789: "Swarm overlay",
    7946: "Swarm gossip",
    8376: "Docker API at the front door",
}
# Of the platform's own services, by role: requests come to the edge, and hosts pull from the cache.
PUBLISHED = {"edge": (80, 443), "cache": (5443,)}


def cluster_ports(resource: Resource) -> Iterator[str]:
    """The Docker API and Swarm's ports are published on a loopback address, or not at all."""
    host_network = at(resource.props, "networkMode") == "host"
    if resource.is_host is True and (host_network or at(resource.props, "publishAllPorts") is True):
        yield (
            f"{resource.title} opens all its ports on this machine, the Docker API's too; give it "
            "a network of its own and publish single ports on 127.0.0.1"
        )
    for one in items(resource.props, "ports"):
        ports = (number(at(one, "internal")), number(at(one, "external")))
        meant = next((CLUSTER_PORTS[port] for port in ports if port in CLUSTER_PORTS), None)
        address = at(one, "ip")
        if meant and not _private(address):
            yield (
                f"{resource.title} publishes port {ports[1] or ports[0]} ({meant}) on "
                f"{address or '0.0.0.0'}: whoever reaches this machine could take the cluster; "  # noqa: S104
                "set the port's ip to 127.0.0.1"
            )


def _private(address: Value) -> bool:
    """Whether only this machine reaches the address; one that is not known yet may pass."""
    if address is UNKNOWN or address == "localhost":
        return True
    try:
        return ip_address(str(address).strip("[]")).is_loopback
    except ValueError:
        return False


def published(resource: Resource) -> Iterator[str]:
    """Services publish nothing, but the edge and the cache their own ports, on each host they run on."""
    if resource.platform is UNKNOWN:
        return
    for one in items(resource.props, "endpointSpec", "ports"):
        port, mode = at(one, "publishedPort"), at(one, "publishMode")
        known = PUBLISHED.get(str(resource.platform))
        if known is None:
            yield (
                f"{resource.title} publishes port {_shown(one)} on every host, past the edge and "
                f"its limits; take it out and use {resource.setting('routes', 'a route')}"
            )
        elif port is not UNKNOWN and number(port) not in known:
            alone = " and ".join(map(str, known))
            yield f"the {resource.platform} publishes port {_shown(one)}; it may only publish {alone}"
        elif mode not in ("host", UNKNOWN):
            yield (
                f"the {resource.platform} publishes port {_shown(one)} in {mode or 'ingress'} mode, which "
                "hides clients' addresses and needs IPVS; set publish_mode to host"
            )


def _shown(port: Value) -> str:
    found = number(at(port, "publishedPort")) or number(at(port, "targetPort"))
    return str(found or "(not known yet)")


PRIVATE_CLUSTER_PORTS = Rule(
    id="private-cluster-ports",
    title="The Docker API and Swarm's ports are never published beyond loopback.",
    remedy="ip 127.0.0.1 on the port",
    kinds=(CONTAINER,),
    check=cluster_ports,
)
EDGE_ALONE_PUBLISHES = Rule(
    id="edge-alone-publishes",
    title="Of all services only the edge (80, 443) and the image cache (5443) publish ports, in host mode.",
    remedy="`apps.APP.routes` in place of a published port",
    kinds=(SERVICE,),
    check=published,
)
