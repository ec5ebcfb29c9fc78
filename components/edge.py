"""The platform's own services: control on every manager, the edge on every host."""

from typing import Any

import pulumi
import pulumi_docker as docker

from components.app_spec import placement
from components.cluster import Cluster
from components.environment import Component, as_list
from components.images import Images
from components.supply import Supply
from components.swarm_secret import SwarmSecret
from components.targets.target import Target
from providers.certificate import Certificate

EDGE_MEMORY, CONTROL_MEMORY = 256 << 20, 128 << 20  # at rest 70 and 40 MB
STOP_SECONDS = 30  # the edge's agent leaves within 28 (see edge/agent.py)
HAPROXY_USER = "900"  # see edge/Dockerfile


class Edge(Component):
    """HAProxy on every host, on ports 80 and 443, and the control service that tells it the routes."""

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        images: Images,
        supply: Supply,
        certificate: pulumi.Output[str] | None,
        domain: str,
    ) -> None:
        """`certificate`: the user's own with its key (PEM), in place of one from the environment's CA."""
        super().__init__("edge")
        self._cluster, self._supply = cluster, supply
        name = cluster.environment.name
        if certificate is None:
            names = [f"{name}.{domain}", f"*.{name}.{domain}"]
            own = Certificate("edge-certificate", target.authority, "server", names, self.child())
            certificate = pulumi.Output.concat(own.certificate, own.key)
        secret = SwarmSecret("edge-tls", cluster, self, pulumi.Output.secret(certificate))
        control = self._service(
            "control", supply.push("control", images.platform["control"]), _control()
        )
        self.service = self._service(
            "edge",
            supply.push("edge", images.platform["edge"]),
            _edge(secret, cluster.environment.label_list()),
            depends_on=[control],
        )
        self.register_outputs({})

    def _service(
        self, role: str, image: pulumi.Output[str], parts: dict[str, Any], **options: Any
    ) -> docker.Service:
        cluster, labels = self._cluster, self._cluster.environment.labels(platform=role)
        container = {"image": image, "labels": as_list(labels), **parts["container"]}
        return docker.Service(
            role,
            name=f"horcrux-{role}",
            labels=as_list(labels),
            auth=self._supply.auth,
            mode={"global_": True},
            task_spec={
                "container_spec": container,
                "networks_advanceds": [{"id": cluster.network.id}],
                "resources": {"limits": {"memory_bytes": parts["memory"]}},
                "restart_policy": {"condition": "any", "delay": "1s", "window": "0s"},
                **placement(parts.get("constraints", [])),
            },
            update_config={"parallelism": 1, "order": "stop-first", "failure_action": "pause"},
            endpoint_spec={"mode": "dnsrr", "ports": parts.get("ports", [])},
            opts=cluster.object(self, **options),
        )


def _control() -> dict[str, Any]:
    """Control reads the Swarm through its manager's engine, so it is given that socket."""
    socket = "/var/run/docker.sock"
    return {
        "container": {
            "mounts": [{"type": "bind", "source": socket, "target": socket}],
            "read_only": True,
        },
        "memory": CONTROL_MEMORY,
        "constraints": ["node.role==manager"],
    }


def _edge(secret: SwarmSecret, labels: list[dict[str, str]]) -> dict[str, Any]:
    file = {
        "secret_id": secret.id,
        "secret_name": secret.name,
        "file_name": "edge.pem",
        "file_uid": HAPROXY_USER,
        "file_gid": HAPROXY_USER,
        "file_mode": 0o400,
    }
    return {
        "container": {
            "secrets": [file],
            "stop_grace_period": f"{STOP_SECONDS}s",
            "mounts": [
                {
                    "type": "volume",
                    "source": "horcrux-edge",
                    "target": "/var/lib/edge",
                    "volume_options": {"labels": labels},
                }
            ],
        },
        "memory": EDGE_MEMORY,
        "ports": [
            {
                "target_port": inside,
                "published_port": outside,
                "publish_mode": "host",
                "protocol": "tcp",
            }
            for inside, outside in ((8080, 80), (8443, 443))
        ],
    }
