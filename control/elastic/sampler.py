"""What the edges say of the load, asked every few seconds: `GET :8405/status` of each."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import aiohttp

from control.edges import PORT
from control.elastic.counters import Counters
from control.elastic.load import Load
from control.snapshot import Snapshot
from control.swarm import PLATFORM
from control.upstream import Upstream, UpstreamError

EDGE = "horcrux-edge"
ANSWER_SECONDS = (
    1.5  # below the time between two looks: an edge that hangs must not delay the others
)


class Sampler:
    """Asks the edges, and tells what was asked of them lately."""

    def __init__(self, edges: Upstream | None = None) -> None:
        self._edges = edges or Upstream(EDGE, PORT)
        self._counters = Counters()

    async def look(self, snapshot: Snapshot, now: float) -> None:
        """Ask all edges once. `now`: seconds since 1970."""
        addresses = edge_addresses(snapshot)
        answers = await asyncio.gather(*(self._ask(a) for a in addresses.values()))
        self._counters.take(dict(zip(addresses, answers, strict=True)), now)

    def load(self, app: str, services: Collection[str], now: float) -> Load:
        """The load of a routed app, of whose releases these are the services."""
        rounds = self._counters.rounds(now)
        seconds = sum(r.seconds for r in rounds)
        if not rounds or not seconds:
            return Load()
        asked = sum(r.asked.get(app, 0.0) for r in rounds)
        sessions = [sum(r.sessions.get(s, 0.0) for s in services) for r in rounds]
        idle = not asked and not sessions[-1] and rounds[-1].complete
        return Load(asked / seconds, sum(sessions) / len(sessions), idle)

    async def _ask(self, address: str) -> Mapping[str, Any] | None:
        limit = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
        try:
            answer = await self._edges.ask_at(address, "GET", "/status", timeout=limit)
        except UpstreamError:
            return None
        return answer if isinstance(answer, dict) else None


def edge_addresses(snapshot: Snapshot) -> dict[str, str]:
    """The edges that run on hosts that are well: each task's id, and its address."""
    well = {host.name for host in snapshot.hosts if host.state in ("ready", "drained")}
    return {
        task.id: address
        for release in snapshot.platform
        if release.service == EDGE
        for task in release.tasks
        if task.running and task.host in well and (address := task.addresses.get(PLATFORM))
    }
