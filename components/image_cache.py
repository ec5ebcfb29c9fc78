"""The image cache: on every manager, before the registries that images of others come from."""

import json
from collections.abc import Mapping
from typing import Any

import pulumi

from components.cluster import Cluster
from components.environment import Component
from components.images import Images
from components.platform_service import ON_MANAGERS, PlatformService, volume
from components.supply import Supply
from components.swarm_secret import SwarmSecret
from components.targets.target import Target
from horcrux.settings import SettingsError
from horcrux.settings.images import HUB, Cache, url_of
from providers.certificate import Certificate
from providers.password import Password

MEMORY = 192 << 20  # at rest 60 MB; blobs pass through it in pieces
STOP_SECONDS = 20  # for answers under way; a host whose pull is cut asks another manager's
PASSWORD_LENGTH = 32
ACCOUNT = "pull"
USER = "902"  # see supply/Dockerfile


class ImageCache(Component):
    """One task on every manager; together they ask an upstream for anything once.

    `auth` is what services need to pull private images through it.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        images: Images,
        supply: Supply,
        settings: Cache,
        secrets: Mapping[str, str],
    ) -> None:
        """`secrets`: the values of those that the upstreams name. Raises SettingsError without one."""
        super().__init__("cache")
        self.name, self.upstreams = target.cache_name, settings.cached
        password = Password("cache-pull", PASSWORD_LENGTH, self.child())
        told = _told(settings, secrets)
        content = password.bcrypt.apply(
            lambda hashed: json.dumps(
                {**told, "accounts": {ACCOUNT: {"bcrypt": hashed, "private": ["*"]}}}
            )
        )
        host, _, port_text = target.cache_name.partition(":")
        port = int(port_text)
        names = [host, "localhost", "127.0.0.1"]
        own = Certificate("cache-certificate", target.authority, "server", names, self.child())
        pair: pulumi.Output[str] = pulumi.Output.concat(own.certificate, own.key)
        files = {"cache.json": ("cache-settings", content), "cache-tls.pem": ("cache-tls", pair)}
        self.auth: dict[str, pulumi.Input[str]] = {
            "server_address": target.cache_name,
            "username": ACCOUNT,
            "password": password.value,
        }
        self.access: dict[str, pulumi.Input[Any]] = {
            "url": f"https://{target.cache_address}",
            "name": target.cache_name,
            "username": ACCOUNT,
            "password": password.value,
            "ca": target.authority["certificate"],
            "upstreams": sorted(self.upstreams),
            "mirrors_hub": self.mirrors_hub,
        }
        self.service = PlatformService(
            "cache",
            supply.push("supply", images.platform["supply"]),
            MEMORY,
            {
                "args": ["supply.cache"],
                "env": {
                    "HORCRUX_HOST": "{{.Node.Hostname}}",
                    "HORCRUX_CACHE_NAME": target.cache_name,
                    "HORCRUX_CACHE_PEERS": "tasks.horcrux-cache",
                },
                "secrets": [
                    SwarmSecret(secret, cluster, self, value).file(file, USER, 0o400)
                    for file, (secret, value) in files.items()
                ],
                "mounts": [
                    volume(cluster.environment, "horcrux-cache", "/var/lib/cache", kind="cache"),
                    {"type": "tmpfs", "target": "/run"},
                    {"type": "tmpfs", "target": "/tmp"},  # noqa: S108
                ],
                "read_only": True,
                "stop_grace_period": f"{STOP_SECONDS}s",
            },
            [cluster.platform],
            ON_MANAGERS,
            # Hosts pull here, from outside the cluster's networks.
            ports=[
                {
                    "target_port": port,
                    "published_port": port,
                    "publish_mode": "host",
                    "protocol": "tcp",
                }
            ],
        ).make(cluster, supply, self)
        self.register_outputs({})

    @property
    def mirrors_hub(self) -> bool:
        """Whether hosts' engines ask the cache for docker.io's images by themselves.

        They do so without an account, and an account there would be for private images too.
        """
        hub = self.upstreams.get(HUB)
        return hub is not None and hub.username is None


def _told(settings: Cache, secrets: Mapping[str, str]) -> dict[str, Any]:
    """What the cache reads, but for its accounts; see supply/cache/settings.py."""
    upstreams, findings = {}, []
    for name, upstream in settings.cached.items():
        password = secrets.get(upstream.password) if upstream.password else None
        if upstream.password and password is None:
            remedy = f"has no value; set it: horcrux secrets set images {upstream.password}"
            findings.append((f"images.cache.upstreams.{name}.password", remedy))
        upstreams[name] = {
            "url": url_of(name, upstream),
            "ttl": upstream.ttl or settings.ttl,
            "username": upstream.username,
            "password": password,
        }
    if findings:
        raise SettingsError("the settings", findings)
    return {"upstreams": upstreams, "limit": settings.size}
