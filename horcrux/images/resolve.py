"""What an image is now: asked of the cache, or of the environment's registry, and pinned by digest."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from horcrux.exits import Exit, HorcruxError
from horcrux.images.client import Client
from horcrux.images.failures import reason
from horcrux.images.names import Name, through_cache

CACHE, REGISTRY = "the image cache", "the registry"
# The cache itself waits for an upstream: 30 s where that one asks for it, and four tries.
CACHE_SECONDS = 60
REGISTRY_SECONDS = 10  # it answers in milliseconds
STALE = re.compile(r'110 \S+ "((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Answer:
    """An image by digest: as people write it, and as hosts pull it.

    `stale`: what the cache says when it could not ask the image's registry and told what it knew.
    """

    written: str
    pulled: str
    digest: str
    stale: str | None = None


class AbsentError(HorcruxError):
    """There is no such image."""


def find(values: Mapping[str, Any], image: str) -> Answer:
    """The image as the environment gets it; `values`: the stack's outputs. Raises HorcruxError."""
    if in_registry(values["registry"], image):
        return of_registry(values["registry"], image)
    cache = values.get("cache")
    if not cache:
        raise HorcruxError(
            f"{image} would be pulled from its own registry: the environment has no image cache to ask. "
            "To have one: horcrux:images.cache.enabled, then horcrux up",
            Exit.USAGE,
        )
    if not is_cached(cache, image):
        there = ", ".join(cache["upstreams"])
        raise HorcruxError(
            f"the cache does not have the registry {Name.of(image).registry}; it has: {there}. To add it: "
            "horcrux:images.cache.upstreams, then horcrux up",
            Exit.USAGE,
        )
    return of_cache(cache, image)


def is_cached(cache: Mapping[str, Any], image: str) -> bool:
    """Whether the image's registry is one that the cache has."""
    return Name.of(image).registry in cache["upstreams"]


def of_cache(cache: Mapping[str, Any], image: str) -> Answer:
    """What the cache says of an image of another registry. Raises HorcruxError."""
    name = Name.of(image)
    path = f"/v2/{name.registry}/{name.repository}/manifests/{_reference(name.version)}"
    with Client(CACHE, cache) as client:
        answer = client.ask("HEAD", path, CACHE_SECONDS)
        if not answer.ok:
            raise _refusal(client, path, answer, image, name)
    digest = _digest(answer, CACHE, image)
    written = image if "@" in image else f"{image}@{digest}"
    mirrored = bool(cache.get("mirrors_hub", True))
    pulled = through_cache(written, cache["name"], cache["upstreams"], mirrored)
    return Answer(written, pulled, digest, _stale(answer))


def in_registry(registry: Mapping[str, Any], image: str) -> bool:
    """Whether the image's name begins as people or hosts call the environment's registry."""
    return image.partition("/")[0] in _names(registry)


def of_registry(registry: Mapping[str, Any], image: str) -> Answer:
    """What the environment's registry says of an image of its own. Raises HorcruxError."""
    name = Name.of(image)
    path = f"/v2/{name.repository}/manifests/{_reference(name.version)}"
    with Client(REGISTRY, registry) as client:
        answer = client.ask("HEAD", path, REGISTRY_SECONDS)
        if answer.status_code == 404:
            raise AbsentError(
                f"{image} is not in the registry; push it first (horcrux registry credentials)"
            )
        if not answer.ok:
            raise client.refusal(answer)
    digest = _digest(answer, REGISTRY, image)
    address = urlsplit(registry["url"]).netloc
    hosts_name = registry.get("name") or address
    return Answer(
        f"{address}/{name.repository}@{digest}", f"{hosts_name}/{name.repository}@{digest}", digest
    )


def _names(registry: Mapping[str, Any]) -> set[str]:
    address = urlsplit(registry["url"]).netloc
    own = {registry["name"]} if registry.get("name") else set()
    return {address, address.replace("127.0.0.1", "localhost"), *own}


def _reference(version: str) -> str:
    """What a manifest is asked for by: the digest where there is one, else the tag."""
    tag, at, digest = version.partition("@")
    return digest if at else tag.removeprefix(":") or "latest"


def _digest(answer: requests.Response, what: str, image: str) -> str:
    digest = answer.headers.get("Docker-Content-Digest", "")
    if not digest.startswith("sha256:"):
        raise HorcruxError(f"{what} knows {image} and does not say its digest; see: horcrux doctor")
    return digest


def _stale(answer: requests.Response) -> str | None:
    found = STALE.search(answer.headers.get("Warning", ""))
    return re.sub(r"\\(.)", r"\1", found.group(1)) if found else None


def _refusal(
    client: Client, path: str, answer: requests.Response, image: str, name: Name
) -> HorcruxError:
    if answer.status_code == 404:
        return AbsentError(
            f"{name.registry} has no {name.repository}{name.version} that the cache may read: correct the "
            f"name; for a private image: horcrux:images.cache.upstreams.{name.registry}.username"
        )
    if answer.status_code == 401:
        return client.refusal(answer)
    told = reason(client.ask("GET", path, CACHE_SECONDS))  # an answer to HEAD has no words
    wait = answer.headers.get("Retry-After")
    later = f"try again in {wait} s" if wait else "try again, or look at horcrux images stats"
    return HorcruxError(f"the image cache cannot tell what {image} is: {told}; {later}")
