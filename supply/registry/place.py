"""A registry that images are copied to and from: the vault, and the one behind this gate.

What is asked is tried again by the client below; what is written is not: who copies begins anew, and what
has come already stays.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from supply import oci
from supply.cache.body import Body
from supply.cache.credentials import Credentials
from supply.cache.failure import (
    DeniedError,
    MissingError,
    UnavailableError,
    UpstreamError,
    WrongError,
)
from supply.cache.settings import Upstream
from supply.cache.status import BusyError, check_busy
from supply.cache.upstream import Client, Headers
from supply.registry.passing import SILENCE_SECONDS, Passing
from supply.registry.tokens import Tokens

# None of aiohttp's own limits: its silence would be ours while we send.
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5.0)
PAGES = 1000  # of a list of tags; registries give a hundred or a thousand tags in each
SAID = 300  # characters of what a registry says about a refusal


class RefusedError(UpstreamError):
    """It does not take what it was sent, and says why."""

    reason = "refused"


class Place(Client):
    """A registry and an account that may push there."""

    def __init__(self, upstream: Upstream, session: aiohttp.ClientSession) -> None:
        super().__init__(upstream, session)
        self._credentials = Credentials(upstream, session, "pull,push")

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
        path = f"/v2/{repository}/tags/list"
        for _ in range(PAGES):
            async with self._asked("GET", path, repository, {}) as answer:
                try:
                    found += [
                        str(tag) for tag in (await answer.json(content_type=None))["tags"] or ()
                    ]
                except (ValueError, KeyError, TypeError) as error:
                    raise WrongError(
                        f"{self._named(repository, 'tags')}: no list ({error!r})"
                    ) from error
                following = answer.links.get("next")
            if following is None:
                break
            path = URL(str(following["url"])).raw_path_qs  # a page is never elsewhere
        return [tag for tag in dict.fromkeys(found) if oci.TAG.fullmatch(tag)]

    async def has_blob(self, repository: str, digest: str) -> bool:
        """Whether a layer or a configuration is there."""
        try:
            await self.digest(repository, digest, kind="blobs")
        except MissingError:
            return False
        return True

    async def put_manifest(self, repository: str, reference: str, manifest: oci.Manifest) -> None:
        """Name a manifest by a tag or its digest. Raises UpstreamError."""
        url = urljoin(self.upstream.url, f"/v2/{repository}/manifests/{reference}")
        headers = {"Content-Type": manifest.media_type}
        await self._put(url, repository, manifest.data, headers)

    async def put_blob(
        self, repository: str, reference: oci.Reference, body: Body, sent: Callable[[int], None]
    ) -> None:
        """Send what a body brings; `sent` is told of its pieces. Raises UpstreamError.

        WrongError: what came is not what its digest says. The other's failure is the one that is raised
        where the body breaks off.
        """
        place = await self._begun(repository)
        url = f"{place}{'&' if urlsplit(place).query else '?'}{urlencode({'digest': reference.digest})}"
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(reference.size),
        }
        passing = Passing(body, sent)
        try:
            async with asyncio.timeout(SILENCE_SECONDS) as limit:
                await self._put(url, repository, passing.pieces(limit), headers)
        except (UpstreamError, TimeoutError) as error:
            if passing.failure:
                raise passing.failure from error
            passing.check(reference)
            if isinstance(error, TimeoutError):
                raise UnavailableError(f"{self.upstream.name} does not take a layer") from error
            raise
        passing.check(reference)

    async def _begun(self, repository: str) -> str:
        """Where a layer is to be sent to."""
        path = f"/v2/{repository}/blobs/uploads/"
        try:
            answer = await self._authorized(
                "POST", path, repository, {"Content-Length": "0"}, False
            )
        except BusyError as error:
            raise error.failure from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._silent(error) from error
        async with answer:
            await _check(answer, f"{self.upstream.name}/{repository}")
            return urljoin(str(answer.url), answer.headers.get("Location", ""))

    async def _put(
        self, url: str, repository: str, data: bytes | AsyncIterator[bytes], headers: Headers
    ) -> None:
        own = urlsplit(url)[:2] == urlsplit(self.upstream.url)[:2]
        shown = self._shown(repository) if own else {}  # another host is not shown who we are
        try:
            async with self._session.put(
                URL(url, encoded=True),
                data=data,
                headers=headers | shown,
                allow_redirects=False,
                timeout=TIMEOUT,
            ) as answer:
                await _check(answer, f"{self.upstream.name}/{repository}")
        except BusyError as error:
            raise error.failure from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._silent(error) from error

    def _shown(self, repository: str) -> Headers:
        return self._credentials.known(repository, False)

    def _silent(self, error: Exception) -> UnavailableError:
        told = f"{self.upstream.name} does not answer: {error or type(error).__name__}"
        return UnavailableError(told)


class Own(Place):
    """The registry behind this gate, which signs its tokens itself."""

    def __init__(self, address: str, session: aiohttp.ClientSession, tokens: Tokens) -> None:
        super().__init__(Upstream("this registry", address, 0.0), session)
        self._tokens = tokens

    def _shown(self, repository: str) -> Headers:
        return self._tokens.own(repository, "pull", "push")

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


async def _check(answer: aiohttp.ClientResponse, what: str) -> None:
    """Raise what an answer to something written means that is not good."""
    check_busy(answer, what)
    if answer.status < 300:
        return
    if answer.status in (401, 403):
        raise DeniedError(f"{what}: the account may not push there ({answer.status})")
    said = " ".join((await answer.text(errors="replace"))[:SAID].split())
    raise RefusedError(f"{what}: it answers {answer.status}: {said}")
