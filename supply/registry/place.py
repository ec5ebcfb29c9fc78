"""A registry that images are copied to and from: the vault, and the one behind this gate.

What is asked is tried again by the client below; what is written is not: who copies begins anew, and what
has come already stays.
"""

import json

from supply import oci
from supply.cache.failure import MissingError, WrongError
from supply.registry.sender import Sender

PAGES = 1000  # of a list of tags; registries give a hundred or a thousand tags in each
TAGS = 200_000  # of a repository: more are no list that anybody made


class Place(Sender):
    """What is there is asked as for the cache; what is not is sent."""

    async def meaning(self, repository: str, reference: str) -> str | None:
        """The digest of a manifest by its tag, or its digest; None where there is none."""
        try:
            told = await self.digest(repository, reference)
            return told or (await self.manifest(repository, reference)).digest
        except MissingError:
            return None

    async def tag_names(self, repository: str) -> list[str]:
        """All tags of a repository, page by page. Raises UpstreamError."""
        found: list[str] = []
        query, what = "", self._named(repository, "tags")
        for _ in range(PAGES):
            page = await self.tags(repository, query)
            try:
                found += map(str, json.loads(page.data)["tags"] or ())
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise WrongError(f"{what}: no list ({type(error).__name__})") from error
            query = page.following
            if not query or len(found) > TAGS:
                break
        if query or len(found) > TAGS:
            raise WrongError(f"{what}: the list does not end after {len(found)} of them")
        return [tag for tag in dict.fromkeys(found) if oci.TAG.fullmatch(tag)]

    async def has_manifest(self, repository: str, digest: str) -> bool:
        """Whether a manifest is there."""
        return await self.meaning(repository, digest) == digest

    async def has_blob(self, repository: str, digest: str) -> bool:
        """Whether a layer or a configuration is there."""
        try:
            await self.digest(repository, digest, kind="blobs")
        except MissingError:
            return False
        return True

    async def doubt(self, digest: str) -> None:
        """What it gave is not what its digest says; another's disk is not ours to mend."""
