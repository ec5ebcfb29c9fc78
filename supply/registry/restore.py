"""From the replica back into this registry: all of it, or the images that are asked for, by their digests.

It takes nothing away and changes no tag that is here. What is here already, and whole, is not transferred
again, so that it may be broken off and begun anew at any time.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from supply import oci
from supply.cache.failure import MissingError, UpstreamError
from supply.registry import replica_list
from supply.registry.copy import Copied, Copy, ImageError
from supply.registry.failures import Failures
from supply.registry.gate import Gate
from supply.registry.own import Own
from supply.registry.place import Place
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

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{self.repository}:{self.tag}" if self.tag else f"{self.repository}@{self.digest}"


@dataclass
class Progress:
    """How far it is; `done`: images that are here by now.

    `kept`: tags that mean something else here, and stay; `absent`: images, or repositories of the replica's
    list, that are not there.
    """

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
    gate: Gate
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, asked: Sequence[Wanted] | None, progress: Progress) -> None:
        """Bring what is asked for, or everything. Raises UpstreamError, and BusyError."""
        copy = Copy(self.there, self.here, source_prefix=self.prefix, copied=progress.copied)
        failures = Failures()
        async with self._one:
            self.here.look_again()
            if asked is None:
                asked = await self._everything(progress, failures)
            progress.images = len(asked)
            for image in asked:
                async with self.gate.admission.changing(image.repository):  # nothing collects
                    await self._tried(copy, image, progress, failures)

    async def _tried(
        self, copy: Copy, image: Wanted, progress: Progress, failures: Failures
    ) -> None:
        """Bring one; what cannot be is told. Raises UpstreamError when none can be."""
        try:
            await self._image(copy, image, progress)
        except ImageError as error:
            progress.problems.append(f"{image.name}: {error}")
        except UpstreamError as error:
            progress.problems.append(f"{image.name}: {error}")
            failures.add(error)
            return
        failures.well()

    async def _image(self, copy: Copy, image: Wanted, progress: Progress) -> None:
        repository, tag = image.repository, image.tag
        if repository == LIST:
            raise ImageError("that is the replica's list of repositories")
        digest = await self.there.meaning(copy.here(repository), tag or str(image.digest))
        if digest is None:
            progress.absent.append(image.name)
            return
        named = held(tag) if tag else image.digest
        if named not in (None, digest):
            raise ImageError(f"it is {digest} in the replica")
        before = progress.copied.manifests, progress.copied.blobs
        manifest = await copy.image(repository, digest, None, deep=True)
        new = (progress.copied.manifests, progress.copied.blobs) != before
        if tag and not held(tag):
            new = await self._named(repository, tag, manifest, progress) or new
        progress.present += not new
        progress.done += 1

    async def _named(
        self, repository: str, tag: str, manifest: oci.Manifest, progress: Progress
    ) -> bool:
        """Give a tag its meaning, unless one was pushed meanwhile. False: it has meant just this."""
        async with self.gate.naming(repository, tag):
            here = await self.here.meaning(repository, tag)
            if here is None:
                await self.here.put_manifest(repository, tag, manifest)
            elif here != manifest.digest:
                progress.kept.append(f"{repository}:{tag}")
        return here != manifest.digest

    async def _everything(self, progress: Progress, failures: Failures) -> list[Wanted]:
        names = await replica_list.read(self.there, self.prefix)
        if names is None:
            raise MissingError(
                f"{self.there.upstream.name} has no list of repositories ({LIST}): nothing was copied there "
                "under this prefix, or the account may not read it; see registry.replica"
            )
        found: list[Wanted] = []
        for repository in sorted(names - {LIST}):
            try:
                tags = await self.there.tag_names(named(self.prefix, repository))
            except MissingError:
                progress.absent.append(repository)
            except UpstreamError as error:
                progress.problems.append(f"{repository}: {error}")
                failures.add(error)
                continue
            else:
                found += [Wanted(repository, tag, None) for tag in sorted(tags)]
            failures.well()
        return found
