"""What control reads of the Swarm, over the engine's socket on the manager it runs on."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp

SOCKET = "/var/run/docker.sock"
API = "http://engine/v1.41"  # the oldest engine that hosts run
TIMEOUT_SECONDS = 10  # an answer from a local socket; longer means that there is no quorum
WATCHED = ("service", "config", "node", "network")
PLATFORM = "platform"  # the network of the platform's own services
Object = dict[str, Any]


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

    async def services(self) -> list[Object]:
        """All services, apps' and platform's, each with its update's state."""
        return await self._list("services")

    async def configs(self) -> list[Object]:
        """All Swarm configs, without their data."""
        return await self._list("configs")

    async def nodes(self) -> list[Object]:
        """All hosts."""
        return await self._list("nodes")

    async def tasks(self, **filters: list[str]) -> list[Object]:
        """All tasks, also those of late; `desired_state` and the like narrow it down."""
        named = {key.replace("_", "-"): value for key, value in filters.items()}
        return await self._list("tasks", json.dumps(named))

    async def edge_addresses(self, service: str = "horcrux-edge") -> dict[str, str]:
        """The edges that run now: host name to address on the platform's network."""
        nodes = {
            node["ID"]: node["Description"]["Hostname"]
            for node in await self.nodes()
            if node["Status"]["State"] == "ready"
        }
        found = await self.tasks(service=[service], desired_state=["running"])
        return {
            nodes[task["NodeID"]]: address
            for task in found
            if task["Status"]["State"] == "running" and task.get("NodeID") in nodes
            if (address := address_of(task, PLATFORM))
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

    async def _list(self, kind: str, filters: str = "{}") -> list[Object]:
        async with self._session.get(f"{API}/{kind}", params={"filters": filters}) as response:
            response.raise_for_status()
            found: list[Object] = await response.json()
            return found


def address_of(task: Object, network: str) -> str | None:
    """A task's address on one of its networks, if it has got one yet."""
    for attachment in task.get("NetworksAttachments") or []:
        if attachment["Network"]["Spec"]["Name"] == network and attachment.get("Addresses"):
            return str(attachment["Addresses"][0]).partition("/")[0]
    return None
