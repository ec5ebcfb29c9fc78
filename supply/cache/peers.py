"""The cache's other tasks: together they ask an upstream for anything once."""

import asyncio
import contextlib
import hashlib
import logging
import socket
from collections.abc import AsyncIterator, Collection
from typing import Any

import aiohttp

from supply import oci
from supply.cache.body import Body, body_of
from supply.cache.failure import MissingError, UnavailableError
from supply.cache.names import Name, Wanted
from supply.cache.upstream import TIMEOUT

PORT = 5080
LOOK_SECONDS = 2.0  # Swarm's DNS forgets a task as soon as it ends
HEADER = "X-Horcrux-Peer"

log = logging.getLogger("cache")


def ranked(key: str, addresses: Collection[str]) -> list[str]:
    """The addresses, the one first that a key belongs to: all tasks find the same (rendezvous hashing)."""
    return sorted(addresses, key=lambda a: hashlib.sha256(f"{key}@{a}".encode()).digest())


class Peers:
    """Who they are, kept current, and how they are asked."""

    def __init__(self, session: aiohttp.ClientSession, dns: str, port: int = PORT) -> None:
        """`dns`: the name under which all tasks are found; empty for none."""
        self._session, self._dns, self._port = session, dns, port
        self.addresses: set[str] = set()
        self.own: set[str] = set()

    async def watch(self) -> None:
        """Keep the list of peers current, without end."""
        while self._dns:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Ask the cluster's DNS once. Without an answer there are no peers."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(self._dns, None, type=socket.SOCK_STREAM)
            own = await loop.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
        except OSError:
            found, own = [], []
        self.addresses = {str(entry[4][0]) for entry in found}
        self.own = {str(entry[4][0]) for entry in own}
        # A task is on several networks; the one that it shares with the others is among its names.
        self.own |= {a for a in self.addresses if _is_ours(a)}

    def in_turn(self, key: str) -> list[str]:
        """Peers, the one first that a key belongs to; an empty name stands for ourselves."""
        ordered = ranked(key, self.addresses)
        return ["" if address in self.own else address for address in ordered] or [""]

    def others(self) -> list[str]:
        """All peers but ourselves."""
        return sorted(self.addresses - self.own)

    async def stats(self, peer: str) -> dict[str, Any] | None:
        """A peer's own numbers; None if it does not answer."""
        url = f"http://{_host(peer)}:{self._port}/horcrux/stats"
        try:
            async with self._session.get(url, timeout=TIMEOUT) as answer:
                answer.raise_for_status()
                found: dict[str, Any] = await answer.json()
                return found
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    async def linked(self, wanted: Wanted) -> bool:
        """Whether any peer has had a manifest of the repository which names the blob."""
        asked = [self._says_linked(address, wanted) for address in self.others()]
        return any(await asyncio.gather(*asked))

    async def _says_linked(self, peer: str, wanted: Wanted) -> bool:
        url = f"http://{_host(peer)}:{self._port}/horcrux/linked{wanted.path}"
        try:
            async with self._session.get(url, timeout=TIMEOUT) as answer:
                return answer.status == 204
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False

    async def manifest(self, peer: str, wanted: Wanted) -> tuple[oci.Manifest, str | None]:
        """A manifest from a peer, and its warning if what it has is stale. Raises UpstreamError."""
        async with self._asked(peer, wanted, {}) as answer:
            data = await answer.read()
            return oci.manifest(data, answer.headers.get("Content-Type", "")), answer.headers.get(
                "Warning"
            )

    @contextlib.asynccontextmanager
    async def blob(self, peer: str, name: Name, digest: str, offset: int) -> AsyncIterator[Body]:
        """A blob from a peer."""
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        async with self._asked(peer, Wanted("blobs", name, digest), headers) as answer:
            yield body_of(answer, offset, f"the cache at {peer}")

    @contextlib.asynccontextmanager
    async def _asked(
        self, peer: str, wanted: Wanted, headers: dict[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        try:
            answer = await self._session.get(
                f"http://{_host(peer)}:{self._port}{wanted.path}", headers=headers, timeout=TIMEOUT
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnavailableError(f"the cache at {peer} does not answer: {error}") from error
        async with answer:
            if answer.status == 404:
                raise MissingError(f"the cache at {peer} says that there is no {wanted.reference}")
            if answer.status not in (200, 206):
                raise UnavailableError(f"the cache at {peer} answers {answer.status}")
            yield answer


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _is_ours(address: str) -> bool:
    """Whether an address is one of this machine's: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
