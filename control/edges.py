"""What all edges say of themselves, gathered for `horcrux status` and for releases.

An edge answers `GET :8405/status` with `{"version", "error", "releases": {SERVICE: {"up", "sessions"}}}`;
`sessions` counts those of HAProxy workers that finish after a reload, too.
"""

import asyncio
from typing import Any

import aiohttp

from control.backend import backends
from control.haproxy import render
from control.swarm import Swarm

PORT = 8405
ANSWER_SECONDS = 2  # an edge that is slower than this is not well


async def gather(swarm: Swarm) -> dict[str, Any]:
    """`{"version": the configuration they should have, "problems": [...], "edges": {HOST: answer}}`."""
    found, problems = backends(await swarm.services(), await swarm.configs())
    addresses = await swarm.edge_addresses()
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        answers = await asyncio.gather(*(_ask(session, a) for a in addresses.values()))
    return {
        "version": render(found).version,
        "problems": problems,
        "edges": dict(zip(addresses, answers, strict=True)),
    }


async def _ask(session: aiohttp.ClientSession, address: str) -> dict[str, Any]:
    try:
        async with session.get(f"http://{address}:{PORT}/status") as response:
            answer: dict[str, Any] = await response.json()
            return answer
    except (TimeoutError, aiohttp.ClientError, ValueError) as error:
        return {"version": None, "error": f"does not answer ({error!r})", "releases": {}}
