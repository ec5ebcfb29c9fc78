"""What control reads of the Swarm, over the engine's socket on the manager it runs on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

SOCKET = "/var/run/docker.sock"
API = "http://engine/v1.41"  # the oldest engine that hosts run
TIMEOUT_SECONDS = 10  # an answer from a local socket; longer means that there is no quorum
WATCHED = ("service", "config", "node", "network")


class Swarm:
    """The Swarm as its managers see it."""

    def __init__(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=SOCKET),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._session.close()

    async def services(self) -> list[dict[str, Any]]:
        """All services, apps' and platform's."""
        return await self._list("services")

    async def configs(self) -> list[dict[str, Any]]:
        """All Swarm configs, without their data."""
        return await self._list("configs")

    async def edge_addresses(self, service: str = "horcrux-edge") -> dict[str, str]:
        """The edges that run now: host name to address on the environment's network."""
        nodes = {
            node["ID"]: node["Description"]["Hostname"]
            for node in await self._list("nodes")
            if node["Status"]["State"] == "ready"
        }
        filters = json.dumps({"service": [service], "desired-state": ["running"]})
        return {
            nodes[task["NodeID"]]: attachment["Addresses"][0].partition("/")[0]
            for task in await self._list("tasks", filters)
            if task["Status"]["State"] == "running" and task.get("NodeID") in nodes
            for attachment in (task.get("NetworksAttachments") or [])[:1]
        }

    async def changes(self) -> AsyncIterator[None]:
        """Yields at every change of what the edges depend on; ends when the engine goes away."""
        filters = json.dumps({"type": list(WATCHED)})
        async with self._session.get(
            f"{API}/events",
            params={"filters": filters},
            timeout=aiohttp.ClientTimeout(total=None, sock_read=None),
        ) as response:
            response.raise_for_status()
            async for _ in response.content:
                yield

    async def _list(self, kind: str, filters: str = "{}") -> list[dict[str, Any]]:
        async with self._session.get(f"{API}/{kind}", params={"filters": filters}) as response:
            response.raise_for_status()
            found: list[dict[str, Any]] = await response.json()
            return found
