"""An image of this machine's engine in the environment's registry, known by its digest."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate


class PushedImage(Resource, module="horcrux", name="PushedImage"):
    """`reference` is how hosts name the image: REGISTRY/NAME:VERSION@sha256:…"""

    reference: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        image: Mapping[str, pulumi.Input[str] | None],
        registry: dict[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """`image`: `name`, `tag`, `image_id`, and `version`, its tag there (None: made of its id).

        `registry`: `push_address`, `address`, `username`, `password`, `instance`.
        """
        props = {"image": image, "registry": registry, "reference": None}
        super().__init__(Delegate("providers.pushed_image"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Push it."""
    return props["image"]["name"], _pushed(props)


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Another image, or another registry (also one that was made anew, and so is empty)."""
    keys = ("push_address", "address", "instance")
    return bool(
        any(old["image"].get(k) != new["image"].get(k) for k in ("image_id", "version"))
        or any(old["registry"][k] != new["registry"][k] for k in keys)
    )


def update(_old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Push the new one."""
    return _pushed(new)


def _pushed(props: dict[str, Any]) -> dict[str, Any]:
    from horcrux.docker_api import machine

    image, registry = props["image"], props["registry"]
    target = f"{registry['push_address']}/{image['name']}"
    version = image.get("version") or image["image_id"].removeprefix("sha256:")[:12]
    account = {"username": registry["username"], "password": registry["password"]}
    digest = None
    with machine() as engine:
        engine.api.tag(image["tag"], target, version)
        try:
            for event in engine.api.push(
                target, version, stream=True, decode=True, auth_config=account
            ):
                if "error" in event:
                    raise RuntimeError(
                        f"{image['name']} cannot be pushed to {target}: {event['error']}"
                    )
                digest = (event.get("aux") or {}).get("Digest", digest)
        finally:
            engine.api.remove_image(f"{target}:{version}", noprune=True)
    if not digest:
        raise RuntimeError(f"{image['name']}: the registry at {target} told no digest; see its log")
    return {**props, "reference": f"{registry['address']}/{image['name']}:{version}@{digest}"}
