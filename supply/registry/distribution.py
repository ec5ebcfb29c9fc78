"""Asking CNCF distribution, which listens on this machine's loopback address alone."""

from collections.abc import Mapping

import aiohttp

from supply import oci
from supply.registry.tokens import Tokens

URL = "http://127.0.0.1:5001"
ANSWER_SECONDS = 60.0  # a manifest is checked against each of its layers before it is taken
ACCEPT = {"Accept": ", ".join(oci.MANIFEST_TYPES)}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Distribution:
    """Requests of the gate's own, and those that it passes on."""

    def __init__(self, session: aiohttp.ClientSession, tokens: Tokens, url: str = URL) -> None:
        self._session, self._tokens, self._url = session, tokens, url

    async def meaning(self, repository: str, tag: str) -> str | None:
        """The digest of what a tag means; None where there is no such tag."""
        headers = self._tokens.own(repository, "pull") | ACCEPT
        async with self._request("HEAD", _path(repository, tag), headers) as answer:
            if answer.status == 404:
                return None
            answer.raise_for_status()
            return answer.headers["Docker-Content-Digest"]

    async def forget(self, repository: str, digest: str) -> None:
        """Delete a manifest, and with it the tags that mean it. One that is not there is well too."""
        headers = self._tokens.own(repository, "pull", "delete")
        async with self._request("DELETE", _path(repository, digest), headers) as answer:
            if answer.status != 404:
                answer.raise_for_status()

    async def pass_on(
        self, method: str, path: str, headers: Mapping[str, str], data: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """A client's request, with his own headers: status, headers, body."""
        sent = {k: v for k, v in headers.items() if k.lower() not in HOP_BY_HOP}
        async with self._request(method, path, sent, data) as answer:
            told = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            return answer.status, told, await answer.read()

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], data: bytes = b""
    ) -> aiohttp.client._RequestContextManager:
        return self._session.request(
            method,
            f"{self._url}{path}",
            headers=headers,
            data=data or None,
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        )


def _path(repository: str, reference: str) -> str:
    return f"/v2/{repository}/manifests/{reference}"
