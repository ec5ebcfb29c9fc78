"""From the replica back into this registry: all of it, or the images that are asked for, by their digests.

It takes nothing away and changes no tag that is here. What is here already is not transferred again, so that
it may be broken off and begun anew at any time.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from supply import oci
from supply.cache.failure import MissingError
from supply.registry import replica_list
from supply.registry.admission import Admission
from supply.registry.copy import Copied, Copy, ImageError
from supply.registry.place import Own, Place
from supply.registry.replica_plan import LIST, held, named


@dataclass(frozen=True)
class Wanted:
    """An image of the registry, by `tag`, or by `digest` alone."""

    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def of(cls, text: str) -> "Wanted":
        """Read REPOSITORY@DIGEST or REPOSITORY:TAG. Raises ValueError."""
        repository, at, digest = text.partition("@")
        tag = None
        if not at:
            repository, _, tag = text.rpartition(":")
        right = oci.is_digest(digest) if tag is None else oci.TAG.fullmatch(tag)
        if not oci.REPOSITORY.fullmatch(repository) or not right:
            raise ValueError(f"{text!r} is not REPOSITORY@DIGEST or REPOSITORY:TAG")
        return cls(repository, tag, digest or None)


@dataclass
class Progress:
    """How far it is. `kept`: tags that mean something else here, and stay; `absent`: not in the replica."""

    images: int = 0
    done: int = 0
    present: int = 0
    kept: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    copied: Copied = field(default_factory=Copied)

    def told(self) -> dict[str, Any]:
        """As answers have it."""
        return {**vars(self), "copied": vars(self.copied)}


@dataclass
class Restore:
    """The way back."""

    there: Place
    here: Own
    prefix: str
    admission: Admission
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, asked: Sequence[Wanted] | None, progress: Progress) -> None:
        """Bring what is asked for, or everything. Raises UpstreamError, and BusyError."""
        copy = Copy(self.there, self.here, source_prefix=self.prefix, copied=progress.copied)
        async with self._one:
            images = await self._everything() if asked is None else list(asked)
            progress.images = len(images)
            for image in images:
                async with self.admission.changing(image.repository):  # nothing collects in between
                    await self._image(copy, image, progress)
                progress.done += 1

    async def _image(self, copy: Copy, image: Wanted, progress: Progress) -> None:
        repository, tag = image.repository, image.tag
        name = f"{repository}:{tag}" if tag else f"{repository}@{image.digest}"
        digest = await self.there.meaning(copy.here(repository), tag or str(image.digest))
        if digest is None:
            progress.absent.append(name)
            return
        tag = None if tag and held(tag) else tag
        here = await self.here.meaning(repository, tag or digest)
        if here == digest:
            progress.present += 1
            return
        if tag and here:
            progress.kept.append(name)
            tag = None
        try:
            await copy.image(repository, digest, tag)
        except ImageError as error:
            progress.problems.append(str(error))

    async def _everything(self) -> list[Wanted]:
        found = []
        for repository in sorted(await replica_list.read(self.there, self.prefix)):
            try:
                tags = await self.there.tag_names(named(self.prefix, repository))
            except MissingError:  # it is on the list, and nothing of it has come
                continue
            found += [Wanted(repository, tag, None) for tag in sorted(tags)]
        return [each for each in found if each.repository != LIST]
