"""Hosts as containers, each with its own engine, volume and certificate."""

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
        """`parts`: image (id), network (name), authority, registry and cache (host:port; None: there is
        no cache)."""
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
            envs=self._variables(host),
            networks_advanced=[
                {
                    "name": self._parts["network"],
                    "aliases": self._named(host),
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
        """The engine's own certificate, and whom it trusts to pull from. No password: tasks bring theirs."""
        names = [host.name, "cluster", "localhost", "127.0.0.1", host.address]
        own = Certificate(
            f"{host.name}-certificate", self._parts["authority"], "server", names, self.child()
        )
        ca = self._parts["authority"]["certificate"]
        trusted = [name for name in (self._parts["registry"], self._parts["cache"]) if name]
        return [
            {"file": "/etc/docker/tls/ca.pem", "content": ca},
            {"file": "/etc/docker/tls/cert.pem", "content": own.certificate},
            {"file": "/etc/docker/tls/key.pem", "content": own.key, "permissions": "0600"},
            *({"file": f"/etc/docker/certs.d/{name}/ca.crt", "content": ca} for name in trusted),
        ]

    def _variables(self, host: Host) -> list[str]:
        """What images/host/ reads."""
        values = [f"HORCRUX_ROLE={host.role}", f"HORCRUX_ADDRESS={host.address}"]
        cache = self._parts["cache"]
        return [*values, f"HORCRUX_MIRROR=https://{cache}"] if cache else values

    def _named(self, host: Host) -> list[str]:
        """The host's names on the environment's network."""
        cache = self._parts["cache"]
        served = [cache.partition(":")[0]] if cache else []
        return [host.name, "hosts", *(["managers", *served] if host.role == "manager" else [])]

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
