"""The registry that plays the cloud's: beside the hosts, so that images survive the loss of any."""

import pulumi
import pulumi_docker as docker

from components import leftovers
from components.environment import Component, Environment
from providers.certificate import Certificate
from providers.password import Password

PORT = 5000
PASSWORD_LENGTH = 32
MEMORY_MB = 256  # it holds nothing in memory but the requests under way


class Registry(Component):
    """CNCF distribution with TLS and two accounts: `push` for whoever builds, `pull` for the hosts."""

    def __init__(
        self, environment: Environment, port: int, authority: dict[str, pulumi.Input[str]]
    ) -> None:
        """`port`: the port on this machine's loopback address."""
        super().__init__("registry")
        self._environment, self._authority, self._port = environment, authority, port
        self.hosts_name = f"registry.{environment.name}.internal:{PORT}"
        self.names = {self.hosts_name, f"localhost:{port}", f"127.0.0.1:{port}"}
        accounts = {
            name: Password(f"registry-{name}", PASSWORD_LENGTH, self.child())
            for name in ("push", "pull")
        }
        self._htpasswd = pulumi.Output.all(**{n: a.bcrypt for n, a in accounts.items()}).apply(
            lambda hashes: "".join(f"{name}:{hashed}\n" for name, hashed in sorted(hashes.items()))
        )
        self.pull = self._account("pull", accounts["pull"].value)
        self.push = self._account("push", accounts["push"].value)

    def run(
        self,
        image: pulumi.Input[str],
        network: pulumi.Input[str],
        provider: pulumi.ProviderResource,
    ) -> None:
        """Start it, and let `push` wait for it."""
        name = self._environment.object_name("registry")
        host = self.hosts_name.partition(":")[0]
        own = Certificate(
            "registry-certificate",
            self._authority,
            "server",
            [host, "localhost", "127.0.0.1"],
            self.child(),
        )
        volume = docker.Volume(
            "registry-volume",
            name=name,
            labels=self._environment.label_list(kind="images"),
            opts=self.child(provider=provider),
        )
        self.container = docker.Container(
            "registry",
            name=name,
            image=image,
            restart="unless-stopped",
            memory=MEMORY_MB,
            memory_swap=MEMORY_MB,
            ports=[{"internal": PORT, "external": self._port, "ip": "127.0.0.1"}],
            networks_advanced=[{"name": network, "aliases": [host]}],
            volumes=[{"volume_name": volume.name, "container_path": "/var/lib/registry"}],
            uploads=[
                {"file": "/etc/docker/registry/tls/cert.pem", "content": own.certificate},
                {"file": "/etc/docker/registry/tls/key.pem", "content": own.key},
                {"file": "/etc/docker/registry/htpasswd", "content": self._htpasswd},
            ],
            labels=self._environment.label_list(role="registry"),
            opts=self.child(
                provider=provider,
                hooks=leftovers.hook("leftover-registry", None, self._environment.project),
            ),
        )
        self.push["instance"] = self.container.id
        self.register_outputs({})

    def _account(self, name: str, password: pulumi.Output[str]) -> dict[str, pulumi.Input[str]]:
        return {
            "push_address": pulumi.Output.from_input(f"127.0.0.1:{self._port}"),
            "address": pulumi.Output.from_input(self.hosts_name),
            "username": pulumi.Output.from_input(name),
            "password": password,
        }
