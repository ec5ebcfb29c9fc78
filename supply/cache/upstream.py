"""Asking a registry: its tokens, its redirects, its limits, its moods."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp
from yarl import URL

from supply import oci
from supply.cache.body import Body, body_of, chunks_of
from supply.cache.credentials import Credentials
from supply.cache.failure import UnavailableError, WrongError
from supply.cache.names import Kind
from supply.cache.patience import PATIENCE_SECONDS, TRIES, pause
from supply.cache.settings import Upstream
from supply.cache.status import BusyError, check_busy, check_good

CONNECT_SECONDS = 5.0  # a registry that can be reached answers within one
SILENCE_SECONDS = 30.0  # without a byte: it will not come any more
REDIRECTS = 5  # a registry sends to its store, which may send on once or twice
ACCEPT = ", ".join(oci.MANIFEST_TYPES)
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
Headers = dict[str, str]


class Tags(NamedTuple):
    """A page of a list of tags, and the query for the one that follows; empty after the last."""

    data: bytes
    following: str


class Client:
    """One upstream. Anonymous requests are made as if it had given us no account."""

    def __init__(self, upstream: Upstream, session: aiohttp.ClientSession) -> None:
        self.upstream, self._session = upstream, session
        self._credentials = Credentials(upstream, session)

    async def manifest(self, repository: str, reference: str) -> oci.Manifest:
        """A manifest by tag or digest. Raises UpstreamError."""
        path = f"/v2/{repository}/manifests/{reference}"
        async with self._asked("GET", path, repository, {"Accept": ACCEPT}) as answer:
            data = await _all_of(answer)
            told = answer.headers.get("Content-Type", "")
        try:
            found = oci.manifest(data, told)
        except oci.ManifestError as error:
            raise WrongError(f"{self._named(repository, reference)}: {error}") from error
        if oci.is_digest(reference) and found.digest != reference:
            raise WrongError(
                f"{self._named(repository, reference)}: its content has the digest {found.digest}"
            )
        return found

    async def digest(
        self,
        repository: str,
        reference: str,
        *,
        kind: Kind = "manifests",
        anonymous: bool = False,
    ) -> str | None:
        """What a tag means, without its content, which upstreams do not count; None if it does not say."""
        path = f"/v2/{repository}/{kind}/{reference}"
        wanted = self._asked("HEAD", path, repository, {"Accept": ACCEPT}, anonymous=anonymous)
        async with wanted as answer:
            if "html" in answer.headers.get("Content-Type", ""):
                raise WrongError(f"{self._named(repository, reference)}: it answers with a page")
            told = answer.headers.get("Docker-Content-Digest", "")
            return told if oci.is_digest(told) else None

    async def tags(self, repository: str, query: str = "", *, anonymous: bool = False) -> Tags:
        """A page of the list of a repository's tags, as it is; `query`: which one."""
        path = f"/v2/{repository}/tags/list{'?' if query else ''}{query}"
        async with self._asked("GET", path, repository, {}, anonymous=anonymous) as answer:
            link = answer.links.get("next")
            following = URL(link["url"]).raw_query_string if link else ""
            return Tags(await _all_of(answer), following)

    @contextlib.asynccontextmanager
    async def blob(self, repository: str, digest: str, offset: int = 0) -> AsyncIterator[Body]:
        """A blob from `offset` on, or from its beginning where the upstream knows no ranges."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        path = f"/v2/{repository}/blobs/{digest}"
        async with self._asked("GET", path, repository, headers) as answer:
            if "html" in answer.headers.get("Content-Type", ""):
                raise WrongError(f"{self._named(repository, digest)}: it answers with a page")
            yield body_of(answer, offset, self._named(repository, digest))

    def _named(self, repository: str, reference: str) -> str:
        return f"{self.upstream.name}/{repository} {reference}"

    @contextlib.asynccontextmanager
    async def _asked(
        self, method: str, path: str, repository: str, headers: Headers, *, anonymous: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A good answer, after as many tries as it is worth."""
        until = time.monotonic() + PATIENCE_SECONDS
        for attempt in range(TRIES):
            try:
                answer = await self._authorized(method, path, repository, headers, anonymous)
            except BusyError as error:
                failure, asked = error.failure, error.asked
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                told = f"{self.upstream.name} does not answer: {error or type(error).__name__}"
                failure, asked = UnavailableError(told), None
            else:
                async with answer:
                    check_good(answer, f"{self.upstream.name}{path}")
                    yield answer
                return
            seconds = pause(attempt, asked)
            if attempt == TRIES - 1 or time.monotonic() + seconds > until:
                raise failure
            await asyncio.sleep(seconds)

    async def _authorized(
        self, method: str, path: str, repository: str, headers: Headers, anonymous: bool
    ) -> aiohttp.ClientResponse:
        """The answer to a request that shows who we are, if that is asked for. Raises BusyError."""
        known = self._credentials.known(repository, anonymous)
        answer = await self._followed(method, path, headers | known)
        if answer.status == 401:
            question = answer.headers.get("WWW-Authenticate", "")
            with contextlib.closing(answer):
                shown = await self._credentials.answering(question, repository, anonymous)
            if shown:
                answer = await self._followed(method, path, headers | {"Authorization": shown})
        try:
            check_busy(answer, self.upstream.name)
        except BusyError:
            answer.close()
            raise
        return answer

    async def _followed(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """The answer after redirects. Another host is not shown who we are."""
        url, sent = urljoin(self.upstream.url, path), dict(headers)
        for _ in range(REDIRECTS):
            answer = await self._session.request(
                method, _exactly(url), headers=sent, allow_redirects=False, timeout=TIMEOUT
            )
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            answer.close()
            try:
                following = urljoin(url, target)
            except ValueError as error:
                raise WrongError(f"{url} sends to {target[:200]!r}") from error
            if urlsplit(following)[:2] != urlsplit(url)[:2]:
                sent.pop("Authorization", None)
            url = following
        raise aiohttp.ClientError(f"more than {REDIRECTS} redirects")


def _exactly(url: str) -> URL:
    """An address as it was given: the signature of a store's may be over each letter of it."""
    try:
        found = URL(url, encoded=url.isascii() and " " not in url)
    except ValueError as error:
        raise WrongError(f"it sends to {url[:200]!r}") from error
    if found.scheme not in ("http", "https") or not found.host:
        raise WrongError(f"it sends to {url[:200]!r}")
    return found


async def _all_of(answer: aiohttp.ClientResponse) -> bytes:
    """A small answer as a whole."""
    found = bytearray()
    async for chunk in chunks_of(answer, str(answer.url.host)):
        found += chunk
        if len(found) > oci.LARGEST_MANIFEST:
            raise WrongError(f"{answer.url.host}: a manifest above {oci.LARGEST_MANIFEST} bytes")
    return bytes(found)
