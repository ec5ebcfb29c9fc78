"""Where a blob is fetched from: its owner among the peers, then the upstream, then whoever is left."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator, Sequence

from supply.cache.body import Body
from supply.cache.failure import UnavailableError, UpstreamError
from supply.cache.metrics import Metrics
from supply.cache.names import Wanted
from supply.cache.peers import Peers
from supply.cache.upstream import Client

UPSTREAM = ""
log = logging.getLogger("cache")


class Sources:
    """Opens a blob from an offset on; a source that failed is not asked for the rest, but the last one."""

    def __init__(
        self,
        wanted: Wanted,
        client: Client,
        peers: Peers,
        in_turn: Sequence[str],
        metrics: Metrics,
    ) -> None:
        """`in_turn`: peers in the order in which they are asked; the blob belongs to the first.

        Where it belongs to us, the first is our own place: the upstream.
        """
        self._wanted, self._client, self._peers, self._metrics = wanted, client, peers, metrics
        head, rest = in_turn[:1], in_turn[1:]
        self._left = [*head, UPSTREAM, *(peer for peer in rest if peer != UPSTREAM)]
        if head == [UPSTREAM]:
            self._left.pop(0)

    @contextlib.asynccontextmanager
    async def __call__(self, offset: int) -> AsyncIterator[Body]:
        """Raises UnavailableError where going on is worth another try."""
        source = self._left[0]
        began, got = time.monotonic(), 0

        async def counted(body: Body) -> AsyncIterator[bytes]:
            nonlocal got
            async for chunk in body.chunks:
                got += len(chunk)
                yield chunk

        name, digest = self._wanted.name, self._wanted.reference
        opened = (
            self._peers.blob(source, name, digest, offset)
            if source
            else self._client.blob(name.repository, digest, offset)
        )
        try:
            async with opened as body:
                yield Body(body.start, body.size, counted(body))
        except UpstreamError as error:
            self._failed(source, error, got)
            raise
        else:
            if not source:
                self._metrics.answered(name.upstream)
        finally:
            seconds = time.monotonic() - began
            self._metrics.fetched(name.upstream, got, seconds, peer=bool(source))

    def distrust(self) -> bool:
        """A peer gave something wrong: the next is asked. An upstream that does is believed by nobody."""
        if not self._left[0] or len(self._left) == 1:
            return False
        self._left.pop(0)
        return True

    def _failed(self, source: str, error: UpstreamError, got: int) -> None:
        """Go to the next source, where there is one. An upstream that broke off is asked for the rest."""
        if not source:
            self._metrics.answered(self._wanted.name.upstream, error.reason)
        if len(self._left) > 1 and (source or not got):
            self._left.pop(0)
            log.info("%s: %s; asking another", self._wanted.reference, error)
            raise UnavailableError(str(error)) from error
