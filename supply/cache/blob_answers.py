"""Answers with blobs: from the disk by nginx, on their way from an upstream, or passed on."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from supply.cache import answers
from supply.cache.blobs import Blobs
from supply.cache.fetch import Fetch
from supply.cache.metrics import Metrics
from supply.cache.names import Wanted
from supply.cache.sending import part_of, sent, wanted_bytes
from supply.cache.store import StoreFullError
from supply.cache.upstream import Client

INTERNAL = "/_blobs"  # where nginx finds the files; see nginx.conf

log = logging.getLogger("cache")


@dataclass(frozen=True)
class BlobAnswers:
    """What they need. Rights have been checked by whoever asks."""

    clients: Mapping[str, Client]
    blobs: Blobs
    metrics: Metrics

    async def answer(
        self, request: web.Request, wanted: Wanted, *, public: bool, from_peer: bool
    ) -> web.StreamResponse:
        """The blob. Raises UpstreamError."""
        digest = wanted.reference
        found = await self.blobs.get(wanted.name, digest, for_peer=from_peer)
        headers = answers.content(digest, public=public) | {
            "Content-Type": "application/octet-stream"
        }
        try:
            if isinstance(found, Fetch) and request.method == "GET" and part_of(request) is None:
                return await self._streamed(request, wanted, found, headers, from_peer)
            if isinstance(found, Fetch):
                await (found.begun() if request.method == "HEAD" else found.ended())
        except StoreFullError:
            log.warning("%s: no room; it is passed on without being kept", digest)
            return await self._passed(request, wanted, headers)
        size = found if isinstance(found, int) else found.size or 0
        if not from_peer:
            result = "hit" if isinstance(found, int) else "miss"
            self.metrics.request(wanted.name, "blobs", result, wanted_bytes(request, size))
        if request.method == "HEAD":
            return web.Response(headers=headers | {"Content-Length": str(size)})
        name = digest.partition(":")[2]
        headers["X-Accel-Redirect"] = f"{INTERNAL}/{name[:2]}/{name}"
        return web.Response(headers=headers)

    async def _streamed(
        self,
        request: web.Request,
        wanted: Wanted,
        fetch: Fetch,
        headers: dict[str, str],
        from_peer: bool,
    ) -> web.StreamResponse:
        """A blob that is on its way, while it comes."""
        await fetch.begun()
        answer = web.StreamResponse(headers=headers)
        if fetch.size is not None:
            answer.content_length = fetch.size
        count = await sent(request, answer, fetch.chunks())
        if not from_peer:
            self.metrics.request(wanted.name, "blobs", "miss", count)
        return answer

    async def _passed(
        self, request: web.Request, wanted: Wanted, headers: dict[str, str]
    ) -> web.StreamResponse:
        """A blob for which there is no room, straight from its upstream."""
        client, began = self.clients[wanted.name.upstream], time.monotonic()
        async with client.blob(wanted.name.repository, wanted.reference) as body:
            answer = web.StreamResponse(headers=headers)
            answer.content_length = body.size
            if request.method == "HEAD":
                await answer.prepare(request)
                return answer
            count = await sent(request, answer, body.chunks)
        seconds = time.monotonic() - began
        self.metrics.fetched(wanted.name.upstream, count, seconds, peer=False)
        self.metrics.request(wanted.name, "blobs", "miss", count)
        return answer
