"""What the exporter reads of its host's Docker engine."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

SOCKET = "/var/run/docker.sock"
API = "http://engine/v1.41"  # the oldest engine that hosts run
# The engine's own metrics listen on its bridge, where containers of this host alone reach them
# (metrics-addr in images/host/daemon.json).
METRICS = "http://172.17.0.1:9323/metrics"
ANSWER_SECONDS = 8  # Prometheus waits for ten seconds
# Statistics come with the engine's next round over all containers, once a second, for whoever waits
# then: so all are asked for at once, and a host with many containers answers as soon as one with few.
AT_ONCE = 200
Object = dict[str, Any]


class Engine:
    """The engine's API."""

    def __init__(self) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        connector = aiohttp.UnixConnector(path=SOCKET, limit=AT_ONCE + 1)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        self._plain = aiohttp.ClientSession(timeout=timeout)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()
        await self._plain.close()

    async def containers(self) -> list[tuple[Object, Object]]:
        """The containers that run, each with its statistics; those that end meanwhile left out."""
        listed: list[Object] = await self._json("/containers/json")
        read = await asyncio.gather(*(self._statistics(c["Id"]) for c in listed))
        return [(c, s) for c, s in zip(listed, read, strict=True) if s and s.get("memory_stats")]

    async def metrics(self) -> str:
        """The engine's own metrics, as text."""
        async with self._plain.get(METRICS) as response:
            response.raise_for_status()
            return await response.text()

    async def out_of_memory(self) -> AsyncIterator[Object]:
        """Containers in which something was killed for want of memory, as it happens."""
        filters = json.dumps({"type": ["container"], "event": ["oom"]})
        async with self._session.get(
            f"{API}/events",
            params={"filters": filters},
            timeout=aiohttp.ClientTimeout(total=None, sock_read=None),
        ) as response:
            response.raise_for_status()
            async for line in response.content:
                yield {"Labels": json.loads(line)["Actor"]["Attributes"]}

    async def _statistics(self, identity: str) -> Object | None:
        async with self._turns:
            try:
                found: Object = await self._json(
                    f"/containers/{identity}/stats", stream="false", **{"one-shot": "true"}
                )
            except (aiohttp.ClientError, TimeoutError):
                return None
            return found

    async def _json(self, path: str, **parameters: str) -> Any:
        async with self._session.get(f"{API}{path}", params=parameters) as response:
            response.raise_for_status()
            return await response.json()
