"""An image from one registry to another: what it is made of first, its tag last.

So a registry never has a manifest without what that needs, and a copy that was broken off goes on where it
was. What a registry says that it has is believed, unless a copy is to be `deep`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from supply import oci
from supply.cache.failure import MissingError, WrongError
from supply.registry.place import Place
from supply.registry.refusal import RefusedError
from supply.registry.replica_plan import named

T = TypeVar("T")
AT_ONCE = 3  # layers of an image: enough for a line that is slow for each, and little memory


class ImageError(Exception):
    """This one image cannot be copied; others may."""


@dataclass
class Copied:
    """What has been transferred: manifests, blobs, and the bytes of both."""

    manifests: int = 0
    blobs: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Copy:
    """From one place to another; the prefixes are before the names of repositories, `""` for none."""

    source: Place
    target: Place
    source_prefix: str = ""
    target_prefix: str = ""
    copied: Copied = field(default_factory=Copied)

    def here(self, repository: str) -> str:
        """What a repository is called at the source."""
        return named(self.source_prefix, repository)

    def there(self, repository: str) -> str:
        """What it is called at the target."""
        return named(self.target_prefix, repository)

    async def image(
        self, repository: str, digest: str, tag: str | None, *, deep: bool = False
    ) -> oci.Manifest:
        """Bring an image with all that it names. Raises ImageError, or UpstreamError for any other reason.

        `deep`: what it names is looked at also where the image is there.
        """
        try:
            manifest = await self._manifest(repository, digest, deep=deep)
            if tag is not None:
                await self.target.put_manifest(self.there(repository), tag, manifest)
        except (MissingError, WrongError, RefusedError) as error:
            raise ImageError(str(error)) from error
        return manifest

    async def _manifest(self, repository: str, digest: str, *, deep: bool) -> oci.Manifest:
        there = self.there(repository)
        known = await self.target.has_manifest(there, digest)
        if known and deep:  # it is nearer, and the source may have lost it
            manifest = await self.target.manifest(there, digest)
        else:
            manifest = await self.source.manifest(self.here(repository), digest)
        if known and not deep:
            return manifest
        blobs: dict[str, oci.Reference] = {}
        for reference in manifest.references:
            if reference.kind == "manifest":
                await self._manifest(repository, reference.digest, deep=deep)
            else:
                blobs[reference.digest] = reference
        await together([partial(self._blob, repository, each) for each in blobs.values()], AT_ONCE)
        if not known:
            await self.target.put_manifest(there, digest, manifest)
            self.copied.manifests += 1
            self.copied.bytes += len(manifest.data)
        return manifest

    async def _blob(self, repository: str, reference: oci.Reference) -> None:
        there = self.there(repository)
        if await self.target.has_blob(there, reference.digest):
            return
        try:
            async with self.source.blob(self.here(repository), reference.digest) as body:
                if body.size not in (None, reference.size):
                    raise WrongError(
                        f"{reference.digest} has {body.size} bytes in place of {reference.size}"
                    )
                await self.target.put_blob(there, reference, body, self._count)
        except WrongError:
            await self.source.doubt(reference.digest)
            raise
        self.copied.blobs += 1

    def _count(self, size: int) -> None:
        self.copied.bytes += size


async def together(work: Iterable[Callable[[], Awaitable[T]]], limit: int) -> list[T]:
    """All results, of `limit` at once. The first that fails ends the others, and is raised."""
    free = asyncio.Semaphore(limit)

    async def one(each: Callable[[], Awaitable[T]]) -> T:
        async with free:
            return await each()

    tasks = [asyncio.ensure_future(one(each)) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
