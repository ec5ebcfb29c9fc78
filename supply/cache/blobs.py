"""Blobs: from the disk, from the peer that has or fetches it, or from the upstream."""

from collections.abc import Mapping

from supply.cache.failure import UpstreamError
from supply.cache.fetch import Fetch, Fetches
from supply.cache.metrics import Metrics
from supply.cache.names import Name, Wanted
from supply.cache.peers import Peers
from supply.cache.sources import Sources
from supply.cache.store import Store
from supply.cache.upstream import Client


class Blobs:
    """Where they come from. Rights have been checked by whoever asks."""

    def __init__(
        self, store: Store, clients: Mapping[str, Client], peers: Peers, metrics: Metrics
    ) -> None:
        self._store, self._clients, self._peers, self._metrics = store, clients, peers, metrics
        self.fetches = Fetches(store)

    async def get(self, name: Name, digest: str, *, for_peer: bool) -> int | Fetch:
        """The size of a blob that is here, or one that is on its way. Raises UpstreamError.

        What is here for another repository is not given before this one is known to have it.
        """
        if not self._store.index.linked(name, digest):
            if not await self.linked(name, digest, for_peer=for_peer):
                await self._asked(name, digest)
            self._store.index.link(name, [digest])
        size = await self._store.good(digest)
        if size is not None:
            return size
        client = self._clients[name.upstream]
        peers = [] if for_peer else self._peers.in_turn(digest)
        wanted = Wanted("blobs", name, digest)
        return self.fetches.of(digest, Sources(wanted, client, self._peers, peers, self._metrics))

    async def linked(self, name: Name, digest: str, *, for_peer: bool) -> bool:
        """Whether a manifest that came from the repository names the blob, here or at a peer's."""
        if self._store.index.linked(name, digest):
            return True
        return not for_peer and await self._peers.linked(Wanted("blobs", name, digest))

    async def _asked(self, name: Name, digest: str) -> None:
        """Raise what the upstream says to somebody who wants it from this repository."""
        try:
            await self._clients[name.upstream].digest(name.repository, digest, kind="blobs")
        except UpstreamError as error:
            self._metrics.answered(name.upstream, error.reason)
            raise
        self._metrics.answered(name.upstream)
