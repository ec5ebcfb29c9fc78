"""Which repositories a replica has: a list that lies there as an image of its own.

Registries need not list their repositories, and most that are not one's own do not. Names are added and
never removed: an empty registry in a new place must not take away what it is to be restored from.
"""

import json
from collections.abc import AsyncIterator, Iterable

from supply import oci
from supply.cache.body import Body
from supply.cache.failure import MissingError, WrongError
from supply.registry.place import Place
from supply.registry.replica_plan import LIST, named

TAG = "latest"
KIND = "application/vnd.horcrux.repositories.v1+json"
EMPTY = b"{}"  # a configuration that says nothing: image-spec, "Guidance for an Empty Descriptor"
EMPTY_KIND = "application/vnd.oci.empty.v1+json"


async def read(place: Place, prefix: str) -> set[str]:
    """The repositories; none where nothing has been copied yet. Raises UpstreamError."""
    repository = named(prefix, LIST)
    try:
        manifest = await place.manifest(repository, TAG)
    except MissingError:
        return set()
    try:
        reference = next(r for r in reversed(manifest.references) if r.kind == "blob")
        async with place.blob(repository, reference.digest) as body:
            data = b"".join([chunk async for chunk in body.chunks])
        found = json.loads(data)["repositories"]
        return {name for name in found if oci.REPOSITORY.fullmatch(name)}
    except (StopIteration, ValueError, KeyError, TypeError, MissingError) as error:
        raise WrongError(
            f"{place.upstream.name}/{repository}:{TAG} is no list of repositories ({error!r})"
        ) from error


async def write(place: Place, prefix: str, names: Iterable[str]) -> None:
    """Put a list there. Raises UpstreamError."""
    repository = named(prefix, LIST)
    content = json.dumps({"repositories": sorted(names)}).encode()
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
