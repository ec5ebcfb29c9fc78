"""What control reads of the Swarm, and the little that it writes, over its own manager's engine socket."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp

SOCKET = "/var/run/docker.sock"
API = "http://engine/v1.41"  # the oldest engine that hosts run
TIMEOUT_SECONDS = 10  # an answer from a local socket; longer means that there is no quorum
WATCHED = ("service", "config", "node", "network")
PLATFORM = "platform"  # the network of the platform's own services
OUTDATED = "update out of sequence"  # Swarm's word for a change of what is another by now
FRAME = 8  # bytes before each piece of a log
TRIES = 5  # somebody else may change a service between our look and our change
Object = dict[str, Any]


class SwarmError(Exception):
    """The Swarm refused a change; the message says which, and why."""


class OutdatedError(SwarmError):
    """Somebody else was faster: look again."""


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

    async def scale(self, service: str, replicas: int) -> None:
        """Set how many tasks a replicated service is to have; nothing happens when it has them.

        Raises SwarmError when there is no such service, or it is not replicated.
        """
        for attempt in range(TRIES):
            found = next((s for s in await self.services() if s["Spec"]["Name"] == service), None)
            if found is None or "Replicated" not in found["Spec"]["Mode"]:
                raise SwarmError(f"{service} cannot be scaled: it is gone, or not replicated")
            spec = found["Spec"]
            if spec["Mode"]["Replicated"].get("Replicas") == replicas:
                return
            spec["Mode"]["Replicated"]["Replicas"] = replicas
            try:
                await self._update("services", found, spec)
            except OutdatedError:
                if attempt == TRIES - 1:
                    raise
            else:
                return

    async def label(self, config: Object, labels: Mapping[str, str]) -> None:
        """Give a config, as it was listed, other labels. Raises OutdatedError when it is another by now."""
        await self._update("configs", config, {**config["Spec"], "Labels": dict(labels)})

    async def create(self, spec: Object) -> None:
        """Make a service. Raises SwarmError."""
        await self._post("services/create", {}, spec)

    async def remove(self, service: str) -> None:
        """Take a service away, if it is there. Raises SwarmError."""
        async with self._session.delete(f"{API}/services/{service}") as response:
            if response.status != 404:
                await _accepted(response, f"services/{service}")

    async def log(self, service: str, lines: int) -> str:
        """The last lines that a service's tasks wrote. Raises SwarmError."""
        asked = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        async with self._session.get(f"{API}/services/{service}/logs", params=asked) as response:
            await _accepted(response, f"services/{service}/logs")
            return unframed(await response.read()).decode(errors="replace")

    async def _update(self, kind: str, thing: Object, spec: Object) -> None:
        version = {"version": str(thing["Version"]["Index"])}
        await self._post(f"{kind}/{thing['ID']}/update", version, spec)

    async def _post(self, path: str, asked: Mapping[str, str], spec: Object) -> None:
        async with self._session.post(f"{API}/{path}", params=asked, json=spec) as response:
            await _accepted(response, path)

    async def _list(self, kind: str, filters: str = "{}") -> list[Object]:
        async with self._session.get(f"{API}/{kind}", params={"filters": filters}) as response:
            response.raise_for_status()
            found: list[Object] = await response.json()
            return found


async def _accepted(response: aiohttp.ClientResponse, path: str) -> None:
    if response.status < 400:
        return
    text = await response.text()
    error = OutdatedError if OUTDATED in text else SwarmError
    raise error(f"{path}: the engine answers {response.status}: {text.strip()[:200]}")


def unframed(stream: bytes) -> bytes:
    """What containers wrote, of a stream with Docker's frames: each has a head that ends with its length."""
    found = []
    while len(stream) >= FRAME:
        end = FRAME + int.from_bytes(stream[4:FRAME], "big")
        found.append(stream[FRAME:end])
        stream = stream[end:]
    return b"".join(found)


def address_of(task: Object, network: str) -> str | None:
    """A task's address on one of its networks, if it has got one yet."""
    for attachment in task.get("NetworksAttachments") or []:
        if attachment["Network"]["Spec"]["Name"] == network and attachment.get("Addresses"):
            return str(attachment["Addresses"][0]).partition("/")[0]
    return None
