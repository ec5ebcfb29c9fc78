"""The edge: HAProxy on every host, and its certificate."""

import pulumi

from components.cluster import Cluster
from components.control import Control
from components.environment import Component
from components.images import Images
from components.platform_service import PlatformService, volume
from components.supply import Supply
from components.swarm_secret import SwarmSecret
from components.targets.target import Target
from providers.certificate import Certificate

MEMORY = 256 << 20  # at rest 70 MB
STOP_SECONDS = 30  # the edge's agent leaves within 28 (see edge/agent.py)
HAPROXY_USER = "900"  # see edge/Dockerfile


class Edge(Component):
    """HAProxy on every host, on ports 80 and 443; control tells it the routes."""

    def __init__(
        self,
        cluster: Cluster,
        target: Target,
        images: Images,
        supply: Supply,
        control: Control,
        certificate: pulumi.Output[str] | None,
        domain: str,
    ) -> None:
        """`certificate`: the user's own with its key (PEM), in place of one from the environment's CA."""
        super().__init__("edge")
        environment = cluster.environment
        if certificate is None:
            names = [f"{environment.name}.{domain}", f"*.{environment.name}.{domain}"]
            own = Certificate("edge-certificate", target.authority, "server", names, self.child())
            certificate = pulumi.Output.concat(own.certificate, own.key)
        secret = SwarmSecret("edge-tls", cluster, self, pulumi.Output.secret(certificate))
        self.service = PlatformService(
            "edge",
            supply.push("edge", images.platform["edge"]),
            MEMORY,
            {
                "secrets": [secret.file("edge.pem", HAPROXY_USER, 0o400)],
                "stop_grace_period": f"{STOP_SECONDS}s",
                "mounts": [volume(environment, "horcrux-edge", "/var/lib/edge")],
            },
            [cluster.network, cluster.platform],
            ports=[
                {
                    "target_port": inside,
                    "published_port": outside,
                    "publish_mode": "host",
                    "protocol": "tcp",
                }
                for inside, outside in ((8080, 80), (8443, 443))
            ],
        ).make(cluster, supply, self, depends_on=[control.service])
        self.register_outputs({})
