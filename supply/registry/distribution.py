"""Asking CNCF distribution, which listens on this machine's loopback address alone."""

from collections.abc import Mapping

import aiohttp
from aiohttp import web
from yarl import URL

from supply import oci
from supply.registry import answers
from supply.registry.tokens import Tokens

ADDRESS = "http://127.0.0.1:5001"
ANSWER_SECONDS = 60.0  # a manifest is checked against each of its layers before it is taken
ACCEPT = {"Accept": ", ".join(oci.MANIFEST_TYPES)}
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


class Distribution:
    """Requests of the gate's own, and those that it passes on."""

    def __init__(
        self, session: aiohttp.ClientSession, tokens: Tokens, address: str = ADDRESS
    ) -> None:
        self._session, self._tokens, self.address = session, tokens, address

    async def meaning(self, repository: str, tag: str) -> str | None:
        """The digest of what a tag means; None where there is no such tag."""
        headers = self._tokens.own(repository, "pull") | ACCEPT
        async with self._request("HEAD", _path(repository, tag), headers) as answer:
            if answer.status == 404:
                return None
            answer.raise_for_status()
            return answer.headers["Docker-Content-Digest"]

    async def written(self, repository: str, uri: str) -> int | None:
        """How many bytes of a layer have come so far; None of what is no upload under way."""
        headers = self._tokens.own(repository, "pull", "push")
        try:
            async with self._request("GET", uri, headers) as answer:
                first, _, last = answer.headers.get("Range", "").partition("-")
        except (aiohttp.ClientError, TimeoutError):
            return None  # it will say so itself to whoever sends the chunk
        return int(last) + 1 if first == "0" and last.isdigit() else None

    async def forget(self, repository: str, digest: str) -> None:
        """Delete a manifest, and with it the tags that mean it. One that is not there is well too."""
        headers = self._tokens.own(repository, "pull", "delete")
        async with self._request("DELETE", _path(repository, digest), headers) as answer:
            if answer.status != 404:
                answer.raise_for_status()

    async def pass_on(
        self, request: web.Request, data: bytes = b"", path: str | None = None
    ) -> web.Response:
        """What distribution answers to a client's request, or with his headers to one of another path."""
        sent = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        try:
            async with self._request(request.method, path or request.path_qs, sent, data) as answer:
                told = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
                if request.method == "HEAD" and "Content-Length" in answer.headers:
                    told["Content-Length"] = answer.headers["Content-Length"]
                return web.Response(status=answer.status, headers=told, body=await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            return answers.busy(f"the registry does not answer ({type(error).__name__})")

    def _request(
        self, method: str, path: str, headers: Mapping[str, str], data: bytes = b""
    ) -> "aiohttp.client._RequestContextManager":
        return self._session.request(
            method,
            URL(f"{self.address}{path}", encoded=True),
            headers=headers,
            data=data or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        )


def _path(repository: str, reference: str) -> str:
    return f"/v2/{repository}/manifests/{reference}"
