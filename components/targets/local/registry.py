"""The registry that plays the cloud's: beside the hosts, so that images survive the loss of any."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_docker as docker

from components import leftovers
from components.environment import Component, Environment
from components.targets.local.replica import GROUP, replica_file
from horcrux.settings.images import Registry as RegistrySettings
from providers.certificate import Certificate
from providers.password import Password

PORT = 5000
PASSWORD_LENGTH = 32
MEMORY_MB = 384  # at rest 70 MB; it holds nothing in memory but the requests under way
STOP_SECONDS = 45  # distribution lets requests under way finish for 30 (see supply/registry/)
FOLDER = "/etc/horcrux/registry"
# What the platform's own accounts may do: whoever builds, the hosts, and Prometheus.
EVERYTHING = {"pull": ["*"], "push": ["*"], "delete": True, "admin": True}
OWN: dict[str, dict[str, Any]] = {
    "push": EVERYTHING,
    "pull": {"pull": ["*"], "push": []},
    "metrics": {"pull": [], "push": []},
}


class Registry(Component):
    """CNCF distribution behind a gate: `push` is for whoever builds, `pull` for the hosts,
    `metrics` for who measures it.

    `accounts` are the settings' own, by name: each with username and password.
    """

    def __init__(
        self,
        environment: Environment,
        port: int,
        authority: dict[str, pulumi.Input[str]],
        settings: RegistrySettings,
        secrets: Mapping[str, str],
    ) -> None:
        """`port`: the port on this machine's loopback address; `secrets`: values of those that are named.

        Raises SettingsError without one.
        """
        super().__init__("registry")
        self._environment, self._authority, self._port = environment, authority, port
        self._settings = settings
        self._replica = replica_file(settings.replica, environment.name, secrets)
        self.hosts_name = f"registry.{environment.name}.internal:{PORT}"
        self.names = {self.hosts_name, f"localhost:{port}", f"127.0.0.1:{port}"}
        rights = OWN | {n: a.model_dump(mode="json") for n, a in settings.accounts.items()}
        passwords = {
            name: Password(f"registry-{name}", PASSWORD_LENGTH, self.child()) for name in rights
        }
        self._accounts = pulumi.Output.all(**{n: p.bcrypt for n, p in passwords.items()}).apply(
            lambda hashes: json.dumps(
                {name: {**rights[name], "bcrypt": hashes[name]} for name in sorted(rights)}
            )
        )
        self.accounts: Mapping[str, Mapping[str, pulumi.Input[str]]] = {
            name: {"username": name, "password": passwords[name].value}
            for name in settings.accounts
        }
        self.pull = self._account("pull", passwords["pull"].value)
        self.push = self._account("push", passwords["push"].value)
        self.metrics = self._account("metrics", passwords["metrics"].value)

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
                {"file": f"{FOLDER}/cert.pem", "content": own.certificate},
                {"file": f"{FOLDER}/key.pem", "content": own.key},
                {"file": f"{FOLDER}/accounts.json", "content": self._accounts},
                {"file": f"{FOLDER}/settings.json", "content": self._told()},
                *self._replica,
            ],
            group_adds=[GROUP] if self._replica else None,
            destroy_grace_seconds=STOP_SECONDS,
            labels=self._environment.label_list(role="registry"),
            opts=self.child(
                provider=provider,
                hooks=leftovers.hook("leftover-registry", None, self._environment.project),
            ),
        )
        self.push["instance"] = self.container.id
        self.register_outputs({})

    def _told(self) -> str:
        """The settings that the gate reads."""
        return json.dumps({"immutable": list(self._settings.immutable)})

    def _account(self, name: str, password: pulumi.Output[str]) -> dict[str, pulumi.Input[str]]:
        return {
            "push_address": pulumi.Output.from_input(f"127.0.0.1:{self._port}"),
            "address": pulumi.Output.from_input(self.hosts_name),
            "username": pulumi.Output.from_input(name),
            "password": password,
        }
