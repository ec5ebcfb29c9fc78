"""What is sent to a registry: layers and manifests. It is not tried again: who copies begins anew."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from supply import oci
from supply.cache.body import Body
from supply.cache.credentials import Credentials
from supply.cache.failure import DeniedError, UnavailableError, UpstreamError
from supply.cache.settings import Upstream
from supply.cache.status import BusyError
from supply.cache.upstream import Client, Headers
from supply.registry.passing import SILENCE_SECONDS, Passing
from supply.registry.refusal import check

# None of aiohttp's own limits: its silence would be ours while we send.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5.0)
LEFT_SECONDS = (
    30.0  # that a token lasts at least when a layer is begun: it is looked at when that is sent
)
TAKEN_BACK_SECONDS = 5.0  # for a registry to forget half a layer; who does not, purges it some day


class Begun(NamedTuple):
    """Where a layer is to be sent to, and what is shown there."""

    url: str
    shown: Headers


class Sender(Client):
    """A registry, with an account that may push there."""

    def __init__(self, upstream: Upstream, session: aiohttp.ClientSession) -> None:
        super().__init__(upstream, session)
        self._credentials = Credentials(upstream, session, "pull,push")
        self._removing = Credentials(upstream, session, "pull,push,delete")
        self._left: dict[
            str, str
        ] = {}  # uploads that are still to be removed, with their repositories

    async def put_manifest(self, repository: str, reference: str, manifest: oci.Manifest) -> None:
        """Name a manifest by a tag or its digest. Raises UpstreamError."""
        url = urljoin(self.upstream.url, f"/v2/{repository}/manifests/{reference}")
        headers = {"Content-Type": manifest.media_type}
        what, data = f"{self.upstream.name}/{repository}", manifest.data
        try:
            async with asyncio.timeout(SILENCE_SECONDS):
                question = await self._put(url, what, data, headers | self._shown(repository))
                if question is not None:
                    shown = await self._answer(question, repository)
                    if shown is None or await self._put(url, what, data, headers | shown):
                        raise DeniedError(f"{what}: the account may not push there (401)")
        except TimeoutError as error:
            raise UnavailableError(f"{self.upstream.name} does not take a manifest") from error

    async def put_blob(
        self, repository: str, reference: oci.Reference, body: Body, sent: Callable[[int], None]
    ) -> None:
        """Send what a body brings; `sent` is told of its pieces. Raises UpstreamError.

        WrongError: what came is not what its digest says. The other's failure is the one that is raised
        where the body breaks off. What does not arrive is taken back.
        """
        begun, arrived = await self._begun(repository), False
        try:
            await self._send(begun, f"{self.upstream.name}/{repository}", reference, body, sent)
            arrived = True
        finally:
            if not arrived:
                self._left[begun.url] = repository
            await self._take_back()

    async def _send(
        self,
        begun: Begun,
        what: str,
        reference: oci.Reference,
        body: Body,
        sent: Callable[[int], None],
    ) -> None:
        query = urlencode({"digest": reference.digest})
        url = f"{begun.url}{'&' if urlsplit(begun.url).query else '?'}{query}"
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(reference.size),
        }
        passing = Passing(body, sent)
        try:
            async with asyncio.timeout(SILENCE_SECONDS) as limit:
                if await self._put(url, what, passing.pieces(limit), headers | begun.shown):
                    raise DeniedError(f"{what}: the account may not push there (401)")
        except (UpstreamError, TimeoutError) as error:
            if passing.failure:
                raise passing.failure from error
            passing.check(reference)
            if isinstance(error, TimeoutError):
                raise UnavailableError(f"{self.upstream.name} does not take a layer") from error
            raise
        passing.check(reference)

    async def _begun(self, repository: str) -> Begun:
        path = f"/v2/{repository}/blobs/uploads/"
        self._credentials.renew(repository, LEFT_SECONDS)
        try:
            answer = await self._authorized(
                "POST", path, repository, {"Content-Length": "0"}, False
            )
        except BusyError as error:
            raise error.failure from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._silent(error) from error
        async with answer:
            await check(answer, f"{self.upstream.name}/{repository}")
            url = urljoin(str(answer.url), answer.headers.get("Location", ""))
            shown = answer.request_info.headers.get("Authorization")
        return Begun(url, {"Authorization": shown} if shown and self._is_own(url) else {})

    async def _take_back(self) -> None:
        """Have half layers removed, as well as can be: a registry need not, and not for each account."""
        while self._left:
            url, repository = self._left.popitem()
            try:
                async with asyncio.timeout(TAKEN_BACK_SECONDS):
                    await self._remove(url, repository)
            except (UpstreamError, aiohttp.ClientError, OSError):
                self._left[url] = repository  # with the next layer
                return

    async def _remove(self, url: str, repository: str) -> None:
        own = self._is_own(url)
        shown: Headers | None = self._may_remove(repository) if own else {}
        for _ in range(2):
            asked = self._session.delete(
                URL(url, encoded=True), headers=shown, allow_redirects=False
            )
            async with asked as answer:
                question = answer.headers.get("WWW-Authenticate", "")
            if answer.status != 401 or not own:
                return
            shown = await self._answer(question, repository, self._removing)

    async def _put(
        self, url: str, what: str, data: bytes | AsyncIterator[bytes], headers: Headers
    ) -> str | None:
        """Send something; the question of who we are where that is the answer. Raises UpstreamError."""
        try:
            async with self._session.put(
                URL(url, encoded=True),
                data=data,
                headers=headers,
                allow_redirects=False,
                timeout=TIMEOUT,
            ) as answer:
                if answer.status == 401:
                    return answer.headers.get("WWW-Authenticate", "")
                await check(answer, what)
                return None
        except BusyError as error:
            raise error.failure from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._silent(error) from error

    async def _answer(
        self, question: str, repository: str, credentials: Credentials | None = None
    ) -> Headers | None:
        """What is shown instead of what was not enough; None where there is nothing else."""
        try:
            told = await (credentials or self._credentials).answering(question, repository, False)
        except BusyError as error:
            raise error.failure from error
        return {"Authorization": told} if told else None

    def _is_own(self, url: str) -> bool:
        """Another host is not shown who we are."""
        return urlsplit(url)[:2] == urlsplit(self.upstream.url)[:2]

    def _may_remove(self, repository: str) -> Headers:
        return self._removing.known(repository, False)

    def _shown(self, repository: str) -> Headers:
        return self._credentials.known(repository, False)

    def _silent(self, error: Exception) -> UnavailableError:
        told = f"{self.upstream.name} does not answer: {error or type(error).__name__}"
        return UnavailableError(told)
