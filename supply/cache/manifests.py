"""Manifests: by digest from the disk, by tag as the upstream has it, or had it before it went silent."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from supply import oci
from supply.cache.failure import (
    LimitedError,
    MissingError,
    UnavailableError,
    UpstreamError,
    WrongError,
)
from supply.cache.metrics import Metrics
from supply.cache.names import Wanted
from supply.cache.peers import Peers
from supply.cache.store import Store, StoreFullError
from supply.cache.upstream import Client

# That an upstream does not answer is believed for so long: a host that pulls asks some twenty times.
SILENT_SECONDS = 10.0

log = logging.getLogger("cache")


@dataclass(frozen=True)
class Found:
    """A manifest; `result` is its name in metrics, `warning` what the client is told of its age."""

    manifest: oci.Manifest
    result: str
    warning: str | None = None


class Manifests:
    """Where they come from. Rights have been checked by whoever asks."""

    def __init__(
        self, store: Store, clients: Mapping[str, Client], peers: Peers, metrics: Metrics
    ) -> None:
        self._store, self._clients, self._peers, self._metrics = store, clients, peers, metrics
        self._asking: dict[tuple[str, str], asyncio.Task[Found]] = {}
        self._silent: dict[str, tuple[UpstreamError, float]] = {}

    async def get(self, wanted: Wanted, *, for_peer: bool) -> Found:
        """A manifest. Raises UpstreamError."""
        who = "peer" if for_peer else "host"
        return await self._once((who, wanted.path), lambda: self._got(wanted, for_peer))

    async def _once(
        self, key: tuple[str, str], ask: Callable[[], Coroutine[Any, Any, Found]]
    ) -> Found:
        """Who asks for the same while it is asked for gets the same answer."""
        if key not in self._asking:
            task = asyncio.create_task(ask())
            self._asking[key] = task
            task.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(self._asking[key])

    async def _got(self, wanted: Wanted, for_peer: bool) -> Found:
        if oci.is_digest(wanted.reference):
            return await self._by_digest(wanted, for_peer)
        return await self._by_tag(wanted, for_peer)

    async def _by_digest(self, wanted: Wanted, for_peer: bool) -> Found:
        linked = self._store.index.linked(wanted.name, wanted.reference)
        if linked and (here := await self._here(wanted.reference)):
            return Found(here, "hit")
        return await self._from_others(wanted, for_peer)

    async def _by_tag(self, wanted: Wanted, for_peer: bool) -> Found:
        known = self._store.index.tag(wanted.name, wanted.reference)
        here = await self._here(known.digest) if known else None
        age = time.time() - known.checked if known else 0.0
        ttl = self._clients[wanted.name.upstream].upstream.ttl
        if here and 0 <= age < ttl:
            return Found(here, "hit")
        try:
            if known and here and await self._still(wanted, known.digest, for_peer):
                self._store.index.set_tag(wanted.name, wanted.reference, known.digest)
                return Found(here, "hit")
            return await self._from_others(wanted, for_peer)
        except MissingError:
            self._store.index.forget_tag(wanted.name, wanted.reference)
            raise
        except (UnavailableError, LimitedError, WrongError) as error:
            if not here:
                raise
            log.warning("%s %s is %.0f s old: %s", wanted.name, wanted.reference, age, error)
            told = f'110 - "{wanted.name.upstream} does not answer; this is as of {age:.0f} s ago"'
            return Found(here, "stale", told)

    async def _still(self, wanted: Wanted, digest: str, for_peer: bool) -> bool:
        """Whether a tag still means what it did: asked without the content. A peer is asked for all of it."""
        if not for_peer and self._peers.in_turn(str(wanted.name))[0]:
            return False
        client = self._clients[wanted.name.upstream]
        asked = client.digest(wanted.name.repository, wanted.reference)
        return bool(await self._of_upstream(wanted.name.upstream, asked) == digest)

    async def _from_others(self, wanted: Wanted, for_peer: bool) -> Found:
        """From the peer that it belongs to, from its upstream, else from any other peer; then it is here."""
        first, *rest = [""] if for_peer else self._peers.in_turn(str(wanted.name))
        if first and (found := await self._from_peer(first, wanted)):
            return found
        try:
            key = ("upstream", wanted.path)
            return await self._once(key, lambda: self._from_upstream(wanted))
        except (UnavailableError, LimitedError):
            for peer in filter(None, rest):
                if found := await self._from_peer(peer, wanted):
                    return found
            raise

    async def _from_peer(self, peer: str, wanted: Wanted) -> Found | None:
        try:
            found, warning = await self._peers.manifest(peer, wanted)
            if oci.is_digest(wanted.reference) and found.digest != wanted.reference:
                raise WrongError(f"the cache at {peer} has a wrong {wanted.reference}")
        except (UnavailableError, WrongError, oci.ManifestError) as error:
            log.info("%s; asking another", error)
            return None
        self._take(wanted, found)
        return Found(found, "stale" if warning else "peer", warning)

    async def _from_upstream(self, wanted: Wanted) -> Found:
        upstream, began = wanted.name.upstream, time.monotonic()
        asked = self._clients[upstream].manifest(wanted.name.repository, wanted.reference)
        found = await self._of_upstream(upstream, asked)
        self._metrics.fetched(upstream, len(found.data), time.monotonic() - began, peer=False)
        self._take(wanted, found)
        return Found(found, "miss")

    async def _of_upstream(self, upstream: str, asked: Coroutine[Any, Any, Any]) -> Any:
        """What an upstream answers. One that has just not answered is not asked again for a moment."""
        failure, until = self._silent.get(upstream, (None, 0.0))
        if failure and until > time.monotonic():
            asked.close()
            raise failure
        try:
            answer = await asked
        except UpstreamError as error:
            self._metrics.answered(upstream, error.reason)
            if isinstance(error, UnavailableError | LimitedError):
                seconds = error.seconds if isinstance(error, LimitedError) else SILENT_SECONDS
                self._silent[upstream] = (error, time.monotonic() + seconds)
            raise
        self._metrics.answered(upstream)
        return answer

    async def _here(self, digest: str) -> oci.Manifest | None:
        if await self._store.good(digest) is None:
            return None
        return oci.manifest(self._store.read(digest))

    def _take(self, wanted: Wanted, found: oci.Manifest) -> None:
        try:
            self._store.add(found.digest, found.data)
        except StoreFullError as error:
            log.warning("%s: %s; it is passed on without being kept", wanted.path, error)
        digests = (found.digest, *(r.digest for r in found.references))
        self._store.index.link(wanted.name, digests)
        if not oci.is_digest(wanted.reference):
            self._store.index.set_tag(wanted.name, wanted.reference, found.digest)
