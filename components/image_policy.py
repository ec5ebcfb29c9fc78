"""What images must have before an app is made of them: signatures, and no known vulnerabilities."""

from dataclasses import replace
from typing import Any

import pulumi

from components.app_image import AppImage
from components.environment import Component
from components.image_cache import ImageCache
from components.supply import Supply
from horcrux.settings.images import Images
from horcrux.signatures import signing_rules
from providers.vetted_image import VettedImage


class ImagePolicy(Component):
    """The settings' rules about images; the platform's own are built here and are not subject to them."""

    def __init__(
        self, settings: Images, supply: Supply, cache: ImageCache | None, project: str
    ) -> None:
        super().__init__("image-policy")
        self._settings = settings
        self._places: dict[str, Any] = {
            "registry": pulumi.Output.secret(supply.access),
            "cache": pulumi.Output.secret(cache.access if cache else None),
            "project": project,
        }
        self.register_outputs({})

    def vetted(self, name: str, image: AppImage) -> AppImage:
        """The image, to be deployed once it has what is asked of it."""
        rules = signing_rules.about(self._settings.signatures, image.names)
        vulnerabilities = self._settings.vulnerabilities
        if not rules and vulnerabilities.refuse == "none":
            return image
        asked = {
            "signatures": [rule.keys for rule in rules],
            "vulnerabilities": vulnerabilities.model_dump(mode="json"),
        }
        options = self.child(depends_on=list(image.through))
        found = VettedImage(f"vetted-{name}", image.reference, asked, self._places, options)
        return replace(image, through=(*image.through, found))
