"""Control: the platform's one small service, on every manager."""

import json
from collections.abc import Mapping

import pulumi

from components.alerting import receivers
from components.cluster import Cluster
from components.environment import Component
from components.images import Images
from components.platform_service import ON_MANAGERS, PlatformService, bind, volume
from components.supply import Supply
from components.swarm_secret import SwarmSecret
from components.targets.target import Target
from horcrux.settings import Settings
from providers.password import Password

MEMORY = 192 << 20  # at rest 60 MB; a hundred apps take some 40 more
PORTAL_PORT = 8082
PORTAL_USER = "admin"
PASSWORD_LENGTH, KEY_LENGTH = 24, 64
SOCKET = "/var/run/docker.sock"


class Control(Component):
    """Routes for the edges, targets for Prometheus, alerts to their receivers, and the portal.

    `portal` is the portal's URL, account and password; `password` what Prometheus wants to be asked with.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        images: Images,
        supply: Supply,
        settings: Settings,
        secrets: Mapping[str, str],
    ) -> None:
        """`secrets`: the values of those that `settings.monitoring` names."""
        super().__init__("control")
        self._cluster, self._target, self._settings = cluster, target, settings
        environment = cluster.environment
        host = f"portal.{environment.name}.{settings.domain}"
        password = Password("portal-password", PASSWORD_LENGTH, self.child())
        key = Password("portal-key", KEY_LENGTH, self.child())
        self.password = Password("monitoring-password", PASSWORD_LENGTH, self.child())
        self.portal = {
            "url": target.url(host, "/", "http"),
            "username": PORTAL_USER,
            "password": password.value,
        }
        account = pulumi.Output.all(
            username=PORTAL_USER, password_bcrypt=password.bcrypt, key=key.value
        )
        told = receivers(settings.monitoring, secrets)
        files = {
            "portal": account.apply(json.dumps),
            "receivers": pulumi.Output.secret(told),
        }
        mounted = [
            SwarmSecret(f"control-{name}", cluster, self, value).file(f"{name}.json", mode=0o400)
            for name, value in files.items()
        ]
        self.web_password = SwarmSecret("monitoring-password", cluster, self, self.password.value)
        self.service = PlatformService(
            "control",
            supply.push("control", images.platform["control"]),
            MEMORY,
            {
                "env": self._variables(),
                "secrets": [*mounted, self.web_password.file("monitoring-password", mode=0o400)],
                "mounts": [
                    bind(SOCKET),
                    volume(environment, "horcrux-control", "/var/lib/control"),
                ],
                "read_only": True,
            },
            [cluster.platform],
            ON_MANAGERS,
            labels={"horcrux.page": "portal", "horcrux.edge": _edge_label(host)},
        ).make(cluster, supply, self)
        self.register_outputs({})

    def _variables(self) -> dict[str, str]:
        """What control is told; read in control/settings.py."""
        target, settings = self._target, self._settings
        return {
            "HORCRUX_ENVIRONMENT": self._cluster.environment.name,
            "HORCRUX_HOST": "{{.Node.Hostname}}",
            "HORCRUX_URL": target.url("HOST", "PATH", "http"),
            "HORCRUX_PORTAL_URL": str(self.portal["url"]),
            "HORCRUX_FRONT_DOOR_HTTP": target.front_door["http"],
            "HORCRUX_FRONT_DOOR_HTTPS": target.front_door["https"],
            "HORCRUX_REGISTRY": target.registry.hosts_name,
            "HORCRUX_PORTAL_SESSION": str(settings.monitoring.portal.session),
            # A password goes over plain HTTP to this machine alone.
            "HORCRUX_PORTAL_HTTPS_ONLY": "" if settings.domain.endswith("localhost") else "1",
        }


def _edge_label(host: str) -> str:
    """The portal at the edge, as an app's routes: see control.edge_label."""
    rules = {
        "port": PORTAL_PORT,
        "routes": [[host, "/"]],
        "check": "/healthz",
        "body_limit": 65536,  # a log-in or a silence; nothing is uploaded
    }
    return json.dumps(rules, sort_keys=True)
