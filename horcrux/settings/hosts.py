"""Where an environment runs: its hosts, and what the local target needs to know of this machine."""

from ipaddress import IPv4Network
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field

from horcrux.settings.elastic import ElasticHosts
from horcrux.settings.fields import Model, Name, Port, Size, Text

Role = Literal["manager", "worker"]
FIRST_HOST = 10  # addresses below are the gateway's, the registry's and the front door's
MOST_HOSTS = 50
MOST_MANAGERS = 7  # more only slow every decision of the cluster down


class Host(NamedTuple):
    """One host of an environment, as the settings say it should be."""

    name: str
    role: Role
    zone: str
    address: str
    labels: dict[str, str]


class Hosts(Model):
    """How many hosts there are, how large each is, and where."""

    managers: int = Field(
        default=3,
        ge=1,
        le=MOST_MANAGERS,
        description="Hosts that keep the cluster's state and also run apps. Odd: 1, 3, 5 or 7.",
    )
    workers: int = Field(
        default=0, ge=0, le=MOST_HOSTS - MOST_MANAGERS, description="Hosts that only run apps."
    )
    zones: tuple[Name, ...] = Field(
        default=("a", "b", "c"),
        min_length=1,
        description="Zones that the hosts are spread over, in turn.",
    )
    cpus: float = Field(default=2.0, gt=0, description="Processors that a host may use.")
    memory: Size = Field(
        default=4 << 30, ge=512 << 20, description="Memory that a host may use, at least 512M."
    )
    labels: dict[Name, dict[Name, Text]] = Field(
        default={}, description="Labels of single hosts, for `placement`: {worker-1: {disk: ssd}}."
    )
    elastic: ElasticHosts | None = Field(
        default=None,
        description="More workers when tasks find no room, by `horcrux autoscale`.",
    )


def _subnet(value: str) -> str:
    try:
        network = IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is not a subnet: write it as 10.87.1.0/24") from error
    if not network.is_private or network.prefixlen > 24:
        raise ValueError(f"{value!r} is too small or not private: take a private /24 or larger")
    return value


class LocalPorts(Model):
    """Ports on this machine, all on its loopback address. Two environments need different ones."""

    http: Port = Field(default=8080, description="The front door, plain HTTP.")
    https: Port = Field(default=8443, description="The front door, HTTPS.")
    api: Port = Field(default=8376, description="The hosts' Docker API, over mutual TLS.")
    registry: Port = Field(default=8500, description="The registry, over TLS.")
    cache: Port = Field(default=8543, description="The image cache, over TLS.")


class Local(Model):
    """What the local target takes of this machine."""

    subnet: Annotated[str, AfterValidator(_subnet), Field(title="subnet")] = Field(
        default="10.87.1.0/24",
        description="The network that plays the VPC. Two environments need different ones.",
    )
    ports: LocalPorts = Field(
        default=LocalPorts(), description="Ports on this machine's loopback address."
    )


def layout(hosts: Hosts, subnet: str) -> list[Host]:
    """The hosts that the settings ask for, managers first, with their zones and addresses."""
    network = IPv4Network(subnet)
    names: list[tuple[str, Role]] = [(f"manager-{i + 1}", "manager") for i in range(hosts.managers)]
    names += [(f"worker-{i + 1}", "worker") for i in range(hosts.workers)]
    manager_places = 8  # so that a further manager does not move the workers' addresses
    return [
        Host(
            name,
            role,
            hosts.zones[(number := int(name.rpartition("-")[2]) - 1) % len(hosts.zones)],
            str(network[FIRST_HOST + number + (manager_places if role == "worker" else 0)]),
            dict(hosts.labels.get(name, {})),
        )
        for name, role in names
    ]
