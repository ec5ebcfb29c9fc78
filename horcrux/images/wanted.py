"""Which images a command's words mean, and with which account hosts pull them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from horcrux.exits import Exit, HorcruxError
from horcrux.images import resolve


@dataclass(frozen=True)
class Wanted:
    """An image as people call it (or their app), and as hosts pull it; `stale`: see resolve.Answer."""

    name: str
    pulled: str
    stale: str | None = None


def wanted(values: Mapping[str, Any], names: Sequence[str]) -> list[Wanted]:
    """The images of apps and the images that are named; of all apps where nothing is.

    `values`: the stack's outputs. Raises HorcruxError.
    """
    images = of_apps(values)
    return [_one(values, images, name) for name in names or sorted(images)]


def of_apps(values: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """App to its image, as written and as pulled. Raises HorcruxError."""
    if "images" not in values:
        raise HorcruxError(
            "the environment's last update told nothing of images, it was an older Horcrux's: horcrux up",
            Exit.USAGE,
        )
    found: dict[str, dict[str, str]] = values["images"]
    return found


def account(values: Mapping[str, Any], image: str) -> dict[str, str]:
    """With what hosts pull an image: server_address, username, password; empty for other registries."""
    server = image.partition("/")[0]
    for place in (values.get("registry"), values.get("cache")):
        if place and place.get("name") == server:
            return {
                "server_address": server,
                "username": place["username"],
                "password": place["password"],
            }
    return {}


def _one(values: Mapping[str, Any], images: Mapping[str, Mapping[str, str]], name: str) -> Wanted:
    if name in images:
        return Wanted(name, images[name]["pulled"])
    cache = values.get("cache")
    own = resolve.in_registry(values["registry"], name)
    if not own and not (cache and resolve.is_cached(cache, name)):
        return Wanted(name, name)  # hosts ask its registry themselves
    try:
        answer = resolve.find(values, name)
    except resolve.AbsentError as error:
        there = ", ".join(sorted(images)) or "none"
        raise HorcruxError(f"{error} (an app? There are: {there})", Exit.USAGE) from None
    return Wanted(name, answer.pulled, answer.stale)
