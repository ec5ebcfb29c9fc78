"""How images that are built here get to the hosts: pushed to the registry, run by digest."""

import pulumi

from components.environment import Component
from components.targets.target import Registry
from providers.image import Image
from providers.pushed_image import PushedImage


class Supply(Component):
    """Pushes images; `auth` is what services need to pull them.

    `address` is the registry as hosts call it, `names` all that people may call it; `access` is how whoever
    pushes reaches it.
    """

    def __init__(self, registry: Registry, ca: pulumi.Input[str]) -> None:
        super().__init__("supply")
        self._registry = registry
        self._first: PushedImage | None = None
        self.address, self.names = registry.hosts_name, registry.names
        self.access = {
            "url": pulumi.Output.concat("https://", registry.push["push_address"]),
            "username": registry.push["username"],
            "password": registry.push["password"],
            "ca": ca,
            "name": registry.hosts_name,
        }
        self.auth = {
            "server_address": registry.pull["address"],
            "username": registry.pull["username"],
            "password": registry.pull["password"],
        }

    def push(self, name: str, image: Image, version: str | None = None) -> pulumi.Output[str]:
        """The reference (by digest) under which hosts pull a built image; `version`: its tag there."""
        return self.push_tag(name, image.tag, image.image_id, version)

    def push_tag(
        self,
        name: str,
        tag: pulumi.Input[str],
        image_id: pulumi.Input[str],
        version: str | None = None,
    ) -> pulumi.Output[str]:
        """The same for an image that this machine's engine has under `tag`."""
        content = {"name": name, "tag": tag, "image_id": image_id, "version": version}
        # The first takes the layers along that all share; the others then need not compress them.
        options = self.child(depends_on=[self._first] if self._first else [])
        pushed = PushedImage(f"pushed-{name}", content, self._registry.push, options)
        self._first = self._first or pushed
        return pushed.reference
