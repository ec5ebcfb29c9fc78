"""Asking a registry: its tokens, its redirects, its limits, its moods."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import aiohttp

from supply import challenge, oci
from supply.cache.failure import (
    DeniedError,
    LimitedError,
    MissingError,
    UnavailableError,
    UpstreamError,
    WrongError,
)
from supply.cache.names import Kind
from supply.cache.patience import AGAIN, PATIENCE_SECONDS, TRIES, pause, retry_after
from supply.cache.settings import Upstream

CONNECT_SECONDS = 5.0  # a registry that can be reached answers within one
SILENCE_SECONDS = 30.0  # without a byte: it will not come any more
REDIRECTS = 5  # a registry sends to its store, which may send on once or twice
TOKEN_SECONDS = 60.0  # that a token lasts when it does not say (distribution's specification)
TOKEN_MARGIN = 10.0
ACCEPT = ", ".join(oci.MANIFEST_TYPES)
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=SILENCE_SECONDS)
Headers = dict[str, str]


@dataclass
class Body:
    """Content on its way: `start` is where it begins, `size` how long all of it is, if that is known."""

    start: int
    size: int | None
    chunks: AsyncIterator[bytes]


class Client:
    """One upstream. Anonymous requests are made as if it had given us no account."""

    def __init__(self, upstream: Upstream, session: aiohttp.ClientSession) -> None:
        self.upstream, self._session = upstream, session
        self._headers: dict[tuple[str, bool], tuple[str, float]] = {}

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

    async def tags(self, repository: str) -> bytes:
        """The list of a repository's tags, as it is."""
        async with self._asked("GET", f"/v2/{repository}/tags/list", repository, {}) as answer:
            return await _all_of(answer)

    @contextlib.asynccontextmanager
    async def blob(self, repository: str, digest: str, offset: int = 0) -> AsyncIterator[Body]:
        """A blob from `offset` on, or from its beginning where the upstream knows no ranges."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        path = f"/v2/{repository}/blobs/{digest}"
        async with self._asked("GET", path, repository, headers) as answer:
            if "html" in answer.headers.get("Content-Type", ""):
                raise WrongError(f"{self._named(repository, digest)}: it answers with a page")
            start = offset if answer.status == 206 else 0
            length = answer.content_length
            size = None if length is None else start + length
            yield Body(start, size, _chunks(answer, self._named(repository, digest)))

    def _named(self, repository: str, reference: str) -> str:
        return f"{self.upstream.name}/{repository} {reference}"

    @contextlib.asynccontextmanager
    async def _asked(
        self, method: str, path: str, repository: str, headers: Headers, *, anonymous: bool = False
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A good answer, after as many tries as it is worth."""
        for attempt in range(TRIES):
            try:
                answer = await self._authorized(method, path, repository, headers, anonymous)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                reason = f"{self.upstream.name} does not answer: {error or type(error).__name__}"
                await self._again(attempt, UnavailableError(reason), None)
                continue
            async with answer:
                if answer.status in AGAIN:
                    failure, asked = self._busy(answer)
                else:
                    _refused(answer, f"{self.upstream.name}{path}")
                    yield answer
                    return
            await self._again(attempt, failure, asked)
        raise AssertionError("the last try either answers or raises")

    async def _again(self, attempt: int, failure: UpstreamError, asked: float | None) -> None:
        """Wait for the next try, if there is to be one."""
        seconds = pause(attempt, asked)
        if attempt == TRIES - 1 or seconds > PATIENCE_SECONDS:
            raise failure
        await asyncio.sleep(seconds)

    def _busy(self, answer: aiohttp.ClientResponse) -> tuple[UpstreamError, float | None]:
        asked = retry_after(answer.headers.get("Retry-After"))
        if answer.status == 429:
            told = f"{self.upstream.name} limits our requests"
            return LimitedError(told, asked or PATIENCE_SECONDS), asked
        return UnavailableError(f"{self.upstream.name} answers {answer.status}"), asked

    async def _authorized(
        self, method: str, path: str, repository: str, headers: Headers, anonymous: bool
    ) -> aiohttp.ClientResponse:
        """The answer to a request that shows who we are, if that is asked for."""
        known = self._known(repository, anonymous)
        answer = await self._followed(method, path, headers | known)
        if answer.status != 401:
            return answer
        answer.close()
        self._headers.pop((repository, anonymous), None)
        asked = challenge.parse(answer.headers.get("WWW-Authenticate", ""))
        shown = await self._shown(asked, repository, anonymous) if asked else None
        if shown is None:
            return answer
        return await self._followed(method, path, headers | {"Authorization": shown})

    def _known(self, repository: str, anonymous: bool) -> Headers:
        header, until = self._headers.get((repository, anonymous), ("", 0.0))
        return {"Authorization": header} if until > time.monotonic() else {}

    async def _shown(
        self, asked: challenge.Challenge, repository: str, anonymous: bool
    ) -> str | None:
        """What answers a challenge; None where we have nothing."""
        account = None if anonymous else self._account()
        if asked.scheme == "basic":
            return self._keep(repository, anonymous, account, 3600.0) if account else None
        parameters = {"scope": f"repository:{repository}:pull"}
        if service := asked.parameters.get("service"):
            parameters["service"] = service
        headers = {"Authorization": account} if account else {}
        realm = asked.parameters.get("realm", "")
        if not realm.startswith(("https://", f"{urlsplit(self.upstream.url).scheme}://")):
            raise WrongError(f"{self.upstream.name} sends to {realm!r} for a token")
        async with self._session.get(
            realm, params=parameters, headers=headers, timeout=TIMEOUT
        ) as answer:
            if answer.status in (401, 403):
                return None
            answer.raise_for_status()
            told = await answer.json(content_type=None)
        token = told.get("token") or told.get("access_token")
        lasts = float(told.get("expires_in") or TOKEN_SECONDS) - TOKEN_MARGIN
        return self._keep(repository, anonymous, f"Bearer {token}", lasts) if token else None

    def _account(self) -> str | None:
        if self.upstream.username is None:
            return None
        pair = f"{self.upstream.username}:{self.upstream.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _keep(self, repository: str, anonymous: bool, header: str, seconds: float) -> str:
        self._headers[repository, anonymous] = (header, time.monotonic() + seconds)
        return header

    async def _followed(
        self, method: str, path: str, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """The answer after redirects. Another host is not shown who we are."""
        url, sent = urljoin(self.upstream.url, path), dict(headers)
        for _ in range(REDIRECTS):
            answer = await self._session.request(
                method, url, headers=sent, allow_redirects=False, timeout=TIMEOUT
            )
            target = answer.headers.get("Location")
            if answer.status not in (301, 302, 303, 307, 308) or not target:
                return answer
            answer.close()
            following = urljoin(url, target)
            if urlsplit(following)[:2] != urlsplit(url)[:2]:
                sent.pop("Authorization", None)
            url = following
        raise aiohttp.ClientError(f"more than {REDIRECTS} redirects")


def _refused(answer: aiohttp.ClientResponse, what: str) -> None:
    """Raise what an answer means that is not good."""
    if answer.status in (401, 403):
        raise DeniedError(f"{what}: it does not let us ({answer.status})")
    if answer.status in (404, 410):
        raise MissingError(f"{what}: there is no such thing")
    if answer.status == 416:
        raise WrongError(f"{what}: it is shorter than what we have of it")
    if answer.status not in (200, 206):
        raise UnavailableError(f"{what}: it answers {answer.status}")


async def _all_of(answer: aiohttp.ClientResponse) -> bytes:
    """A small answer as a whole."""
    found = bytearray()
    async for chunk in _chunks(answer, str(answer.url.host)):
        found += chunk
        if len(found) > oci.LARGEST_MANIFEST:
            raise WrongError(f"{answer.url.host}: a manifest above {oci.LARGEST_MANIFEST} bytes")
    return bytes(found)


async def _chunks(answer: aiohttp.ClientResponse, what: str) -> AsyncIterator[bytes]:
    """What comes. Raises UnavailableError when it breaks off."""
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnavailableError(f"{what}: broke off ({error or type(error).__name__})") from error
