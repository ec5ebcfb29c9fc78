"""The images that are built on this machine: Debian's base, the platform's own, and apps'."""

from pathlib import Path

import pulumi

from components.build_context import declared_arguments, source
from components.environment import Component, Environment
from providers.base_image import BaseImage
from providers.image import Image

# All environments of a machine are built on one base image, so that they share its layers.
BASE, SHARED = "horcrux/base:bookworm", "shared"
FOLDERS = {
    "host": "images/host",
    "front-door": "images/front_door",
    "edge": "edge",
    "control": "control",
    "exporter": "exporter",
    "monitoring": "monitoring",
    "supply": "supply",
}


class Images(Component):
    """Builds images; `base`, `python` and `init` are there for Dockerfiles that declare their arguments."""

    def __init__(self, environment: Environment) -> None:
        super().__init__("images")
        self._environment = environment
        self._offered: dict[str, pulumi.Output[str]] = {}
        base = BaseImage("base", BASE, {"horcrux.environment": SHARED}, self.child())
        # The tag is fixed, so what is built on it is told the content's id: it must notice a new one.
        self._offer("HORCRUX_BASE", base.tag, base.image_id)
        python = self.build("python", "images/python")
        self._offer("HORCRUX_PYTHON", python.tag, python.image_id)
        init = self.build("init", "init")
        self._offer("HORCRUX_INIT", init.tag, init.image_id)
        self.platform = {name: self.build(name, folder) for name, folder in FOLDERS.items()}
        self.register_outputs({})

    def build(
        self,
        name: str,
        context: str,
        dockerfile: str = "Dockerfile",
        arguments: dict[str, str] | None = None,
    ) -> Image:
        """An image from a folder of the project, given the base images that it asks for."""
        project = Path(self._environment.project)
        declared = declared_arguments(project, context, dockerfile)
        offered = {k: v for k, v in self._offered.items() if k in declared}
        return Image(
            f"image-{name}",
            f"horcrux-{self._environment.name}/{name}",
            source(project, context, dockerfile),
            {**offered, **(arguments or {})},
            self._environment.labels(),
            self.child(),
        )

    def _offer(self, argument: str, tag: pulumi.Output[str], image_id: pulumi.Output[str]) -> None:
        self._offered[argument] = pulumi.Output.all(tag, image_id).apply(lambda both: str(both[1]))
