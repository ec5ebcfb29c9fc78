"""The registry behind this gate, as a place: it signs its tokens itself, and its disk can be looked at."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from supply import oci
from supply.cache.credentials import Credentials
from supply.cache.failure import UpstreamError, WrongError
from supply.cache.settings import Upstream
from supply.cache.status import BusyError, check_busy
from supply.cache.upstream import Headers
from supply.registry.place import Place
from supply.registry.storage import Storage
from supply.registry.tokens import Tokens


class Own(Place):
    """It has what is on its disk and is what its digest says; what is not is set aside and may come anew."""

    def __init__(
        self, address: str, session: aiohttp.ClientSession, tokens: Tokens, storage: Storage
    ) -> None:
        super().__init__(Upstream("this registry", address, 0.0), session)
        self._tokens, self._storage = tokens, storage
        self._sound: set[str] = set()

    def look_again(self) -> None:
        """A disk decays: what was read before is read once more."""
        self._sound.clear()

    async def manifest(self, repository: str, reference: str) -> oci.Manifest:
        """A manifest by tag or digest. Raises UpstreamError; WrongError where it is damaged on the disk."""
        try:
            return await super().manifest(repository, reference)
        except UpstreamError as error:
            if oci.is_digest(reference) and not await self._is_sound(reference):
                raise WrongError(f"{reference} is damaged on the disk, or gone") from error
            raise

    async def has_manifest(self, repository: str, digest: str) -> bool:
        """Whether a manifest is there, and whole."""
        return await self._is_sound(digest) and await super().has_manifest(repository, digest)

    async def has_blob(self, repository: str, digest: str) -> bool:
        """Whether a layer or a configuration is there, and whole."""
        return await self._is_sound(digest) and await super().has_blob(repository, digest)

    async def doubt(self, digest: str) -> None:
        """What it gave is not what its digest says."""
        self._sound.discard(digest)
        await self._is_sound(digest)

    async def _is_sound(self, digest: str) -> bool:
        if digest not in self._sound and await asyncio.to_thread(self._storage.sound, digest):
            self._sound.add(digest)
        return digest in self._sound

    async def _remove(self, url: str, repository: str) -> None:
        """Distribution removes no upload that broke off: it must be at the length that the address says."""
        upload = urlsplit(url).path.rpartition("/")[2]
        await asyncio.to_thread(self._storage.forget_upload, repository, upload)

    def _shown(self, repository: str) -> Headers:
        return self._tokens.own(repository, "pull", "push")

    async def _answer(
        self,
        question: str,  # noqa: ARG002 - the place's
        repository: str,  # noqa: ARG002
        credentials: Credentials | None = None,  # noqa: ARG002
    ) -> Headers | None:
        return None

    async def _authorized(
        self,
        method: str,
        path: str,
        repository: str,
        headers: Mapping[str, str],
        anonymous: bool,  # noqa: ARG002 - the client's
    ) -> aiohttp.ClientResponse:
        answer = await self._followed(method, path, {**headers, **self._shown(repository)})
        try:
            check_busy(answer, self.upstream.name)
        except BusyError:
            answer.close()
            raise
        return answer
