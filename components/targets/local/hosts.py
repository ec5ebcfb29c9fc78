"""Hosts as containers, each with its own engine, volume and certificate."""

import base64
import json
from typing import Any

import pulumi
import pulumi_docker as docker

from components import leftovers
from components.environment import Component, Environment
from horcrux.settings import Host, Settings
from providers.certificate import Certificate

STOP_SECONDS = 20  # for a host's engine to stop its tasks (15 s, see images/host/daemon.json)


class Hosts(Component):
    """All hosts of an environment; `containers` by host name."""

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        hosts: list[Host],
        parts: dict[str, Any],
        provider: pulumi.ProviderResource,
    ) -> None:
        """`parts`: image (id), network (name), authority, and registry (address and pull account)."""
        super().__init__("hosts")
        self._environment, self._settings, self._parts = environment, settings, parts
        self._provider = provider
        self._hook = leftovers.hook("leftover-host", None, environment.project)
        self._join = self._volume("join", "join")
        self.containers = {host.name: self._container(host) for host in hosts}
        self.register_outputs({})

    def _container(self, host: Host) -> docker.Container:
        environment, memory = self._environment, self._settings.hosts.memory >> 20
        data = self._volume(host.name, "host")
        return docker.Container(
            host.name,
            name=environment.object_name(host.name),
            hostname=host.name,
            image=self._parts["image"],
            init=True,
            restart="unless-stopped",
            memory=memory,
            memory_swap=memory,
            cpus=str(self._settings.hosts.cpus),
            envs=[f"HORCRUX_ROLE={host.role}", f"HORCRUX_ADDRESS={host.address}"],
            networks_advanced=[
                {
                    "name": self._parts["network"],
                    "aliases": [
                        host.name,
                        "hosts",
                        *(["managers"] if host.role == "manager" else []),
                    ],
                    "ipv4_address": host.address,
                }
            ],
            volumes=[
                {"volume_name": data.name, "container_path": "/var/lib/docker"},
                {"volume_name": self._join.name, "container_path": "/var/lib/horcrux/join"},
            ],
            uploads=self._uploads(host),
            labels=environment.label_list(role=host.role, zone=host.zone, host=host.name),
            destroy_grace_seconds=STOP_SECONDS,
            **_engine_in_a_container(),
            # The engine tells these in another spelling: after a refresh every host would be replaced.
            opts=self.child(
                provider=self._provider,
                hooks=self._hook,
                ignore_changes=["capabilities", "securityOpts"],
            ),
        )

    def _uploads(self, host: Host) -> list[dict[str, Any]]:
        """The engine's own certificate, and what it needs to pull from the registry."""
        names = [host.name, "cluster", "localhost", "127.0.0.1", host.address]
        own = Certificate(
            f"{host.name}-certificate", self._parts["authority"], "server", names, self.child()
        )
        registry, ca = self._parts["registry"], self._parts["authority"]["certificate"]
        login = pulumi.Output.all(**registry).apply(_docker_login)
        return [
            {"file": "/etc/docker/tls/ca.pem", "content": ca},
            {"file": "/etc/docker/tls/cert.pem", "content": own.certificate},
            {"file": "/etc/docker/tls/key.pem", "content": own.key, "permissions": "0600"},
            {
                "file": registry["address"].apply(lambda a: f"/etc/docker/certs.d/{a}/ca.crt"),
                "content": ca,
            },
            {"file": "/root/.docker/config.json", "content": login, "permissions": "0600"},
        ]

    def _volume(self, name: str, kind: str) -> docker.Volume:
        return docker.Volume(
            f"{name}-volume",
            name=self._environment.object_name(name),
            labels=self._environment.label_list(kind=kind),
            opts=self.child(provider=self._provider),
        )


def _engine_in_a_container() -> dict[str, Any]:
    """What lets an engine run in a container without `--privileged`.

    SYS_RESOURCE is left out: some kernels do not grant it, and no engine needs it here. /run and
    /tmp are memory, so that a host that was killed starts without stale sockets.
    """
    return {
        "capabilities": {"adds": ["ALL"], "drops": ["SYS_RESOURCE"]},
        "security_opts": ["seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"],
        "cgroupns_mode": "private",
        "tmpfs": {"/run": "", "/tmp": ""},  # noqa: S108
    }


def _docker_login(registry: dict[str, str]) -> str:
    account = f"{registry['username']}:{registry['password']}".encode()
    return json.dumps(
        {"auths": {registry["address"]: {"auth": base64.b64encode(account).decode()}}}
    )
