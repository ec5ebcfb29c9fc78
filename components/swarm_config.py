"""A file for services that is no secret. Swarm's configs never change, so the name follows the content."""

import base64
import hashlib
from typing import Any

import pulumi
import pulumi_docker as docker

from components.cluster import Cluster


class SwarmConfig:
    """A Swarm config with the text of a file."""

    def __init__(self, name: str, cluster: Cluster, parent: pulumi.Resource, text: str) -> None:
        version = hashlib.sha256(text.encode()).hexdigest()[:8]
        self.resource = docker.ServiceConfig(
            f"{name}-{version}",
            name=f"{name}-{version}",
            data=base64.b64encode(text.encode()).decode(),
            labels=cluster.environment.label_list(),
            opts=cluster.object(parent, delete_before_replace=False),
        )

    def file(self, path: str) -> dict[str, Any]:
        """The config as a file of a service."""
        return {
            "config_id": self.resource.id,
            "config_name": self.resource.name,
            "file_name": path,
            "file_mode": 0o444,
        }
