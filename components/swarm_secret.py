"""A Swarm secret. Swarm's secrets never change, so the name follows the content."""

import base64
import hashlib
from typing import Any

import pulumi
import pulumi_docker as docker

from components.cluster import Cluster


class SwarmSecret:
    """`id` and `name` of the secret, for services that use it."""

    def __init__(
        self,
        name: str,
        cluster: Cluster,
        parent: pulumi.Resource,
        value: pulumi.Output[str],
        version: str | None = None,
        app: str | None = None,
    ) -> None:
        """`version`: what tells this content from others, where it is known before the value is.

        `app`: whose it is; then kept releases may use it after Pulumi has let go of it, and the app's
        rollout removes it.
        """
        suffix = version or pulumi.Output.unsecret(value.apply(fingerprint))
        self.resource = docker.Secret(
            f"{name}-{version}" if version else name,
            name=pulumi.Output.concat(f"{name}-", suffix),
            data=value.apply(lambda text: base64.b64encode(text.encode()).decode()),
            labels=cluster.environment.label_list(**({"app": app} if app else {})),
            # Services use the old one until they are changed.
            opts=cluster.object(
                parent, delete_before_replace=False, retain_on_delete=app is not None
            ),
        )
        self.id, self.name = self.resource.id, self.resource.name

    def file(self, name: str, user: str = "0", mode: int = 0o444) -> dict[str, Any]:
        """The secret as the file /run/secrets/NAME of a service; `user`: its owner's number.

        An app's is readable by all: its image may run as any user.
        """
        return {
            "secret_id": self.id,
            "secret_name": self.name,
            "file_name": name,
            "file_uid": user,
            "file_gid": user,
            "file_mode": mode,
        }


def fingerprint(value: str) -> str:
    """Eight characters that tell two values apart; slow on purpose, so that guessing is dear."""
    return hashlib.pbkdf2_hmac("sha256", value.encode(), b"horcrux", 50_000).hex()[:8]
