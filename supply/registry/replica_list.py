"""Which repositories a replica has: a list that lies there as an image of its own.

Registries need not list their repositories, and most that are not one's own do not. Names are added and
never removed: an empty registry in a new place must not take away what it is to be restored from.
"""

import json
import time
from collections.abc import AsyncIterator, Iterable

from supply import oci
from supply.cache.body import Body
from supply.cache.failure import MissingError, WrongError
from supply.registry.place import Place
from supply.registry.replica_plan import LIST, named

TAG = "latest"
KIND = "application/vnd.horcrux.repositories.v1+json"
LARGEST = 8 << 20  # bytes: some hundred thousand names
EMPTY = b"{}"  # a configuration that says nothing: image-spec, "Guidance for an Empty Descriptor"
EMPTY_KIND = "application/vnd.oci.empty.v1+json"


class UnreadableError(WrongError):
    """There is something else in its place, or it is damaged."""


async def read(place: Place, prefix: str) -> set[str] | None:
    """The repositories; None where there is no list. Raises UpstreamError, UnreadableError."""
    repository = named(prefix, LIST)
    try:
        manifest = await place.manifest(repository, TAG)
    except MissingError:
        return None
    try:
        reference = next(r for r in reversed(manifest.references) if r.kind == "blob")
        found = json.loads(await _content(place, repository, reference))["repositories"]
        return {n for n in found if isinstance(n, str) and oci.REPOSITORY.fullmatch(n)}
    except (StopIteration, ValueError, KeyError, TypeError, RecursionError, MissingError) as error:
        name, kind = f"{place.upstream.name}/{repository}:{TAG}", type(error).__name__
        raise UnreadableError(f"{name} is no list of repositories ({kind})") from error


async def _content(place: Place, repository: str, reference: oci.Reference) -> bytes:
    """What a list says. Raises UpstreamError, ValueError."""
    found = bytearray()
    if reference.size > LARGEST:
        raise ValueError("too large")
    async with place.blob(repository, reference.digest) as body:
        async for chunk in body.chunks:
            found += chunk
            if len(found) > reference.size:
                break
    data = bytes(found)
    if len(data) != reference.size or oci.digest_of(data) != reference.digest:
        raise ValueError("damaged")
    return data


async def write(place: Place, prefix: str, names: Iterable[str]) -> None:
    """Put a list there. Raises UpstreamError."""
    repository = named(prefix, LIST)
    # With the time it is another blob than any before: one that is damaged there would stay so.
    told = {"repositories": sorted(names), "written": time.time()}
    content = json.dumps(told).encode()
    for data in (EMPTY, content):
        if not await place.has_blob(repository, oci.digest_of(data)):
            reference = oci.Reference(oci.digest_of(data), len(data), "blob")
            await place.put_blob(repository, reference, Body(0, len(data), _once(data)), _ignored)
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.IMAGE_TYPES[0],
        "config": _described(EMPTY, EMPTY_KIND),
        "layers": [_described(content, KIND)],
    }
    await place.put_manifest(repository, TAG, oci.manifest(json.dumps(manifest).encode()))


def _described(data: bytes, kind: str) -> dict[str, str | int]:
    return {"mediaType": kind, "digest": oci.digest_of(data), "size": len(data)}


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


def _ignored(_: int) -> None:
    """It is not an image's."""
