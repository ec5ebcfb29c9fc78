"""Monitoring: what measures every host, and what keeps the measurements and watches over them."""

import json
from typing import Any

import pulumi

from components.alerting import alertmanager
from components.cluster import Cluster
from components.control import Control
from components.environment import Component
from components.images import Images
from components.platform_service import ON_MANAGERS, PlatformService, bind, volume
from components.supply import Supply
from components.swarm_config import SwarmConfig
from components.swarm_secret import SwarmSecret
from components.targets.target import Target
from horcrux.settings.monitoring import Monitoring as MonitoringSettings

# Memory at most, with what was seen at rest in the sample environment.
EXPORTER_MEMORY = 96 << 20  # 35 MB
NODE_MEMORY = 64 << 20  # 15 MB
ALERTMANAGER_MEMORY = 128 << 20  # 25 MB
BLACKBOX_MEMORY = 64 << 20  # 15 MB
GO_SHARE = 0.8  # of its memory, at which Go's collector begins to work harder
USER = "901"  # see monitoring/Dockerfile
CONFIGURATION = "/etc/horcrux"
DATA, NOTES = "/var/lib/prometheus", "/var/lib/alertmanager"
SOCKET = "/var/run/docker.sock"
# What node-exporter measures: the rest is another exporter's, or nobody's question.
COLLECTORS = (
    *("diskstats", "filesystem", "loadavg", "meminfo", "pressure"),
    *("stat", "time", "timex", "uname", "vmstat"),
)
# Mounts that are no disk of the host's: the kernel's own, those inside containers, and single files.
NO_DISKS = (
    "^/(dev|proc|sys|run/credentials/.+|run/docker/.+|var/lib/docker/.+"
    "|etc/(hosts|hostname|resolv.conf))($|/)"
)


class Monitoring(Component):
    """Exporters on every host; Prometheus, Alertmanager and blackbox on every manager.

    Whichever manager is left measures and alerts. None needs another: each Prometheus fetches
    everything itself, and the Alertmanagers see to it that an alert is sent once.
    """

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        images: Images,
        supply: Supply,
        control: Control,
        settings: MonitoringSettings,
    ) -> None:
        super().__init__("monitoring")
        self._cluster, self._supply, self._settings = cluster, supply, settings
        self._exporters(supply.push("exporter", images.platform["exporter"]))
        image = supply.push("monitoring", images.platform["monitoring"])
        accounts = control.password.bcrypt.apply(
            lambda hashed: json.dumps({"basic_auth_users": {"horcrux": hashed}})
        )
        web = SwarmSecret("monitoring-web", cluster, self, accounts)
        files = [
            web.file("web.json", USER, 0o400),
            control.web_password.file("monitoring-password", USER, 0o400),
        ]
        self._prometheus(image, [*files, *self._of_registry(target)], control)
        self._alertmanager(image)
        self._make(
            "blackbox",
            image,
            BLACKBOX_MEMORY,
            {
                "commands": ["prometheus-blackbox-exporter"],
                "args": [
                    f"--config.file={CONFIGURATION}/blackbox.yml",
                    "--web.config.file=/run/secrets/web.json",
                    "--log.level=warn",
                ],
                "secrets": files[:1],
                "read_only": True,
            },
        )
        self.register_outputs({})

    def _of_registry(self, target: Target) -> list[dict[str, Any]]:
        """What the registry is asked with for its measurements, and known by."""
        values = {
            "registry-password": target.registry.metrics["password"],
            "registry-ca": target.authority["certificate"],
        }
        return [
            SwarmSecret(name, self._cluster, self, pulumi.Output.from_input(value)).file(
                name, USER, 0o400
            )
            for name, value in values.items()
        ]

    def _exporters(self, image: pulumi.Output[str]) -> None:
        """On every host: its containers and its share of the machine; its disks and kernel."""
        self._make(
            "exporter",
            image,
            EXPORTER_MEMORY,
            {
                "mounts": [
                    bind(SOCKET),
                    bind("/sys/fs/cgroup", "/host/cgroup"),
                    bind("/proc", "/host/proc"),
                ],
                "read_only": True,
                "init": True,  # it ends when it is told to
            },
            managers=False,
            apps=False,
        )
        # Disks that are mounted later are to be seen too.
        root = bind("/", "/host", bind_options={"propagation": "rslave"})
        self._make(
            "node-exporter",
            image,
            NODE_MEMORY,
            {
                "commands": ["prometheus-node-exporter"],
                "args": [
                    "--path.rootfs=/host",
                    "--path.procfs=/host/proc",
                    "--path.sysfs=/host/sys",
                    "--collector.disable-defaults",
                    *(f"--collector.{name}" for name in COLLECTORS),
                    f"--collector.filesystem.mount-points-exclude={NO_DISKS}",
                    "--log.level=warn",
                ],
                "mounts": [root],
                "read_only": True,
                "user": "nobody",
            },
            managers=False,
            apps=False,
        )

    def _prometheus(
        self, image: pulumi.Output[str], files: list[dict[str, Any]], control: Control
    ) -> None:
        settings = self._settings
        environment = self._cluster.environment
        self._make(
            "prometheus",
            image,
            settings.memory,
            {
                "commands": ["prometheus"],
                "args": [
                    f"--config.file={CONFIGURATION}/prometheus.yml",
                    "--enable-feature=expand-external-labels",
                    "--web.config.file=/run/secrets/web.json",
                    f"--storage.tsdb.path={DATA}/data",
                    f"--storage.tsdb.retention.time={settings.retention}d",
                    f"--storage.tsdb.retention.size={settings.storage >> 20}MB",
                    "--log.level=warn",
                ],
                "env": {
                    "HORCRUX_ENVIRONMENT": environment.name,
                    "HORCRUX_HOST": "{{.Node.Hostname}}",
                    "GOMEMLIMIT": str(int(settings.memory * GO_SHARE)),
                },
                "secrets": files,
                "mounts": [volume(environment, "horcrux-prometheus", DATA, kind="cache")],
                "stop_grace_period": "20s",  # it writes what it has in memory
                "read_only": True,
            },
            depends_on=[control.service],
        )

    def _alertmanager(self, image: pulumi.Output[str]) -> None:
        environment = self._cluster.environment
        config = SwarmConfig("alertmanager", self._cluster, self, alertmanager(self._settings))
        self._make(
            "alertmanager",
            image,
            ALERTMANAGER_MEMORY,
            {
                "commands": ["alertmanager"],
                "args": [
                    f"--config.file={CONFIGURATION}/alertmanager.yml",
                    f"--storage.path={NOTES}",
                    "--log.level=warn",
                ],
                "configs": [config.file(f"{CONFIGURATION}/alertmanager.yml")],
                # Silences, and what has been sent already.
                "mounts": [
                    volume(
                        environment, "horcrux-alertmanager", "/var/lib/alertmanager", kind="cache"
                    )
                ],
                "read_only": True,
            },
            apps=False,
        )

    def _make(
        self,
        role: str,
        image: pulumi.Output[str],
        memory: int,
        container: dict[str, Any],
        *,
        managers: bool = True,
        apps: bool = True,
        **options: Any,
    ) -> None:
        """`managers`: on those alone; `apps`: it has to reach apps, and so is on their network too."""
        cluster = self._cluster
        networks = [cluster.platform, *([cluster.network] if apps else [])]
        constraints = ON_MANAGERS if managers else ()
        service = PlatformService(role, image, memory, container, networks, constraints)
        service.make(cluster, self._supply, self, **options)
