"""A Grafana of the user's choice, given the platform's dashboards and its Prometheus to ask."""

import json
from pathlib import Path
from typing import Any

import yaml

from components.app_image import AppImage
from components.cluster import Cluster
from components.control import Control
from components.environment import Component
from components.platform_service import PlatformService
from components.supply import Supply
from components.swarm_config import SwarmConfig
from components.swarm_secret import SwarmSecret
from components.targets.target import Target
from providers.password import Password

MEMORY = 512 << 20  # what its own documentation asks for
PORT = 3000
HOME = "manager-1"  # it keeps sessions in a file of its own, so there is one
PASSWORD_LENGTH = 24
DASHBOARDS = Path(__file__).parents[1] / "monitoring" / "mixin" / "dashboards"
PROVISIONING, FOLDER = "/etc/grafana/provisioning", "/etc/horcrux/dashboards"


class Grafana(Component):
    """One Grafana behind the edge; whatever is changed in it by hand goes with its container.

    `access` is its URL, account and password.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        supply: Supply,
        control: Control,
        image: AppImage,
        domain: str,
    ) -> None:
        super().__init__("grafana")
        host = f"grafana.{cluster.environment.name}.{domain}"
        password = Password("grafana-password", PASSWORD_LENGTH, self.child())
        self.access = {
            "url": target.url(host, "/", "http"),
            "username": "admin",
            "password": password.value,
        }
        admin = SwarmSecret("grafana-password", cluster, self, password.value)
        source = SwarmSecret(
            "grafana-datasource", cluster, self, control.password.value.apply(_data_source)
        )
        files = {f"{PROVISIONING}/dashboards/horcrux.yaml": _provider()}
        files |= {f"{FOLDER}/{p.name}": p.read_text() for p in sorted(DASHBOARDS.glob("*.json"))}
        configs = [
            SwarmConfig(f"grafana-{Path(path).stem}", cluster, self, text).file(path)
            for path, text in files.items()
        ]
        PlatformService(
            "grafana",
            image.reference,
            MEMORY,
            {
                "env": {
                    "GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/grafana-password",
                    "GF_SERVER_ROOT_URL": str(self.access["url"]),
                    "GF_ANALYTICS_REPORTING_ENABLED": "false",
                    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
                    "GF_USERS_ALLOW_SIGN_UP": "false",
                },
                # Readable by whatever user the image runs as.
                "secrets": [
                    admin.file("grafana-password"),
                    source.file(f"{PROVISIONING}/datasources/horcrux.yaml"),
                ],
                "configs": configs,
            },
            [cluster.platform],
            (f"node.hostname=={HOME}",),
            labels={"horcrux.page": "grafana", "horcrux.edge": _edge_label(host)},
            account=image.auth or {},
        ).make(cluster, supply, self, depends_on=[control.service, *image.through])
        self.register_outputs({})


def _data_source(password: str) -> str:
    """Where Grafana asks, in its own provisioning format."""
    source: dict[str, Any] = {
        "name": "Prometheus",
        "uid": "prometheus",  # the dashboards name it
        "type": "prometheus",
        "access": "proxy",
        "url": "http://tasks.horcrux-prometheus:9090",
        "isDefault": True,
        "basicAuth": True,
        "basicAuthUser": "horcrux",
        "secureJsonData": {"basicAuthPassword": password},
        "jsonData": {"timeInterval": "5s"},
    }
    return yaml.safe_dump({"apiVersion": 1, "datasources": [source]}, sort_keys=False)


def _provider() -> str:
    """Where Grafana finds the dashboards, in its own provisioning format."""
    provider = {"name": "Horcrux", "type": "file", "options": {"path": FOLDER}}
    return yaml.safe_dump({"apiVersion": 1, "providers": [provider]}, sort_keys=False)


def _edge_label(host: str) -> str:
    rules = {"port": PORT, "routes": [[host, "/"]], "check": "/api/health"}
    return json.dumps(rules, sort_keys=True)
