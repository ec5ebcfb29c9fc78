"""An image that has what the settings ask of it, before a release is made of it.

What is wrong is told at preview already, where the image is known by then; one that is built or pushed by
the same update, right before it would be deployed.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate


class VettedImage(Resource, module="horcrux", name="VettedImage"):
    """It is there once the image is known to be good; a release of it depends on this."""

    def __init__(
        self,
        name: str,
        pulled: pulumi.Output[str],
        asked: dict[str, Any],
        places: dict[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`pulled`: the image as hosts pull it. `asked`: `signatures`, a list of lists of keys (PEM), one of
        each must have signed it; `vulnerabilities`, settings.Vulnerabilities as JSON has it.

        `places`: `registry` and `cache`, as the stack's outputs have them; `project`, its folder.
        """
        props = {
            "pulled": pulled,
            "asked": json.dumps(asked, sort_keys=True),
            "places": places,
        }
        super().__init__(Delegate("providers.vetted_image"), name, props, opts)


def check(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with an image that is another, or of which something else is asked."""
    from horcrux.exits import HorcruxError

    if not _differs(old, new):
        return []
    try:
        for line in _vetted(new):
            print(f"warning: {line}", file=sys.stderr)
    except HorcruxError as error:
        return [("pulled", str(error))]
    return []


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """It was vetted when it was checked."""
    return "vetted", props


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """What the places are asked with is of no account for what was found there."""
    return _differs(old, new)


def update(_old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Another image, which was vetted in the same way."""
    return new


def _differs(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return any(old.get(key) != new[key] for key in ("pulled", "asked"))


def _vetted(props: dict[str, Any]) -> Iterator[str]:
    """What the user is to be told of a good image. Raises HorcruxError."""
    from datetime import date

    from horcrux.contents import vetting
    from horcrux.images.client import Client
    from horcrux.images.located import located
    from horcrux.signatures import signed_images

    places, asked = props["places"], json.loads(props["asked"])
    image = located(places, props["pulled"])
    with Client(image.what, image.place) as client:
        for keys in asked["signatures"]:
            signed_images.check(client, image.repository, image.digest, keys)
    yield from vetting.check(image, asked["vulnerabilities"], places["project"], date.today())
