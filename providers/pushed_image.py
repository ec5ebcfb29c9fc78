"""An image of this machine's engine in the environment's registry, known by its digest."""

import warnings
from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

START_SECONDS = 30.0  # a registry starts within two; on a busy machine ten
ANSWER_SECONDS = 5.0


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


def _await_answer(address: str) -> None:
    """Wait until a registry that was started a moment ago answers; what is wrong later, the push tells."""
    import requests
    import urllib3

    from providers.waiting import wait

    def answers() -> bool:
        with requests.Session() as session, warnings.catch_warnings():
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            session.trust_env = False
            # Nothing is told or believed here: Docker's engine talks to it after this.
            answer = session.get(f"https://{address}/v2/", verify=False, timeout=ANSWER_SECONDS)
            return answer.status_code < 500

    wait(START_SECONDS, answers)


def _pushed(props: dict[str, Any]) -> dict[str, Any]:
    from horcrux.docker_api import machine

    image, registry = props["image"], props["registry"]
    target = f"{registry['push_address']}/{image['name']}"
    version = image.get("version") or image["image_id"].removeprefix("sha256:")[:12]
    account = {"username": registry["username"], "password": registry["password"]}
    digest = None
    _await_answer(registry["push_address"])
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
