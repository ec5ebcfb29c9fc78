"""Files of an image that lies in a registry or in the cache, read from there, layer by layer."""

import json
import platform
from collections.abc import Callable, Mapping
from typing import Any

from horcrux.contents import layers
from horcrux.contents.layers import Files
from horcrux.contents.unpacking import UNPACKED_LIMIT, Checked, LimitError, failures
from horcrux.exits import HorcruxError
from horcrux.images import content
from horcrux.images.client import Client
from supply.oci import LARGEST_MANIFEST

SECONDS = 60  # without a byte: the cache may have to wait for an upstream (resolve.CACHE_SECONDS)
DEPTH = 3  # an index may name an index; deeper ones are nobody's
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}  # as the kernel and as images call them


def files(
    client: Client,
    repository: str,
    digest: str,
    wanted: Callable[[str], bool],
    processor: str | None = None,
) -> Files:
    """The wanted files of an image, of that for this machine's processor where it has several.

    Raises HorcruxError.
    """
    image = f"{repository}@{digest}"
    manifest = _manifest(client, repository, digest, processor or here(), DEPTH)
    found: Files = {}
    left = UNPACKED_LIMIT
    for layer in manifest["layers"]:
        size, found = _with_layer(
            client, repository, str(layer["digest"]), image, found, wanted, left
        )
        left -= size
    return found


def _with_layer(
    client: Client,
    repository: str,
    digest: str,
    image: str,
    below: Files,
    wanted: Callable[[str], bool],
    left: int,
) -> tuple[int, Files]:
    answer = client.ask("GET", f"/v2/{repository}/blobs/{digest}", SECONDS, stream=True)
    if not answer.ok:
        raise HorcruxError(f"{image}: its layer {digest} cannot be read: {client.refusal(answer)}")
    stream = Checked(client.pieces(answer, SECONDS), digest, image)
    try:
        layer = layers.read(stream, below, wanted, left)
    except failures() as error:
        if not isinstance(error, LimitError):
            stream.finish()  # that it was damaged says more
        raise HorcruxError(
            f"{image}: its layer {digest} cannot be unpacked ({error}); is it an image that runs?"
        ) from None
    stream.finish()
    return layer.unpacked, layers.over(below, layer)


def _manifest(
    client: Client, repository: str, digest: str, processor: str, depth: int
) -> Mapping[str, Any]:
    """The manifest with the layers, by way of indexes."""
    found = content.manifest(client, repository, digest, SECONDS, LARGEST_MANIFEST)
    if found is None:
        raise HorcruxError(f"{client.what} at {client.url} has no {repository}@{digest}")
    if found.digest != digest:
        raise HorcruxError(
            f"{client.what} at {client.url} sends another manifest for {repository}@{digest}, "
            f"{found.digest}; push the image again"
        )
    told = _parsed(found.data, f"{repository}@{digest}")
    if "layers" in told:
        return told
    if not depth:
        raise HorcruxError(f"{repository}@{digest}: indexes within indexes; name an image")
    child = _child(told, f"{repository}@{digest}", processor)
    return _manifest(client, repository, child, processor, depth - 1)


def _parsed(data: bytes, image: str) -> Mapping[str, Any]:
    try:
        told = json.loads(data)
    except (ValueError, RecursionError):
        told = None
    both = [told.get("layers"), told.get("manifests")] if isinstance(told, dict) else []
    listed = [its for its in both if its is not None]
    # Of both, engines and we might take another one.
    if len(listed) != 1 or not _describes(listed[0]):
        raise HorcruxError(
            f"{image} is not an image of today's kinds (OCI, or Docker's schema 2): build it anew"
        )
    return dict(told)


def _describes(listed: Any) -> bool:
    """Whether it is a list of descriptors."""
    return isinstance(listed, list) and all(
        isinstance(its, dict) and isinstance(its.get("digest"), str) for its in listed
    )


def _child(index: Mapping[str, Any], image: str, processor: str) -> str:
    """The digest of an index's image for Linux on a processor."""
    there: dict[tuple[str, str], str] = {}
    for child in index["manifests"]:
        its = child.get("platform")
        its = its if isinstance(its, dict) else {}
        there.setdefault((str(its.get("os")), str(its.get("architecture"))), str(child["digest"]))
    if ("linux", processor) in there:
        return there["linux", processor]
    known = ", ".join(sorted(f"{system}/{its}" for system, its in there)) or "none"
    raise HorcruxError(f"{image} has no image for linux/{processor}; it has: {known}")


def here() -> str:
    """This machine's processor, as images call it."""
    machine = platform.machine()
    return PROCESSORS.get(machine, machine)
