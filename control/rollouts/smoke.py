"""Smoke tests: what a new release must pass before its first request.

A path is asked at every edge as a tester asks, so that the app's own routes lead to it. A command runs
in a container of its own, made as the release's tasks are made: a Swarm job beside the release, on a
host that has the image already.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

from control.edge_label import app_rules
from control.rollouts.plan import Plan
from control.rollouts.seen import Tried
from control.snapshot import FAILED, Release
from control.swarm import Object, Swarm, SwarmError

# The edges' own, which wants to be told the client's address first: control/haproxy.py.
HTTP_PORT = 8080
PROXY = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 1\r\n"
ANSWER_SECONDS = 5.0  # of one edge; one that does not answer is asked again
LOG_LINES = 5
LONGEST_NAME = 63
WALK = "horcrux.walk"  # the label of a job: which walk it belongs to
LEFT_OUT = ("HORCRUX_DRAIN=", "HORCRUX_DRAIN_PORT=")  # nobody connects to a job


def name_of(plan: Plan) -> str:
    """What a release's job is called."""
    return f"{plan.new[: LONGEST_NAME - len('-smoke')]}-smoke"


class Smoke:
    """Smoke tests under way; all of their state is in the Swarm."""

    def __init__(self, swarm: Swarm) -> None:
        self._swarm = swarm

    async def look(
        self, plan: Plan, release: Release, services: Mapping[str, Object]
    ) -> Tried | None:
        """How the test ended; None while it is under way. It is begun where it is not."""
        assert plan.smoke
        if plan.smoke.path:
            return await self._path(plan.smoke.path, release)
        there = services.get(name_of(plan))
        if there is None or there["Spec"]["Labels"].get(WALK) != plan.id:
            await self._swarm.remove(name_of(plan))
            await self._swarm.create(job(plan, services[plan.new], release))
            return None
        return await self._ended(name_of(plan))

    async def clear(self, plan: Plan, services: Mapping[str, Object]) -> None:
        """Take the job away once it has told what it had to tell."""
        if name_of(plan) in services:
            await self._swarm.remove(name_of(plan))

    async def _ended(self, service: str) -> Tried | None:
        states = {t["Status"]["State"]: t for t in await self._swarm.tasks(service=[service])}
        if "complete" in states:
            return Tried(True)
        task = next((states[state] for state in FAILED if state in states), None)
        if task is None:
            return None
        said = str(task["Status"].get("Err") or "it failed")
        with contextlib.suppress(SwarmError):
            log = (await self._swarm.log(service, LOG_LINES)).strip()
            said = f"{said}\n{log}" if log else said
        return Tried(False, said)

    async def _path(self, path: str, release: Release) -> Tried | None:
        """Every edge's answer; None while one of them gives none."""
        rules, tester = app_rules(release.edge), (release.edge or {}).get("tester")
        if not rules or not rules["routes"] or not tester:
            return Tried(
                False, "a path is asked as a tester asks: it needs routes and canary.tester"
            )
        host = rules["routes"][0][0]
        addresses = await self._swarm.edge_addresses()
        answers = await asyncio.gather(
            *(status(a, HTTP_PORT, host, path, str(tester)) for a in addresses.values()),
            return_exceptions=True,
        )
        for edge, answer in zip(addresses, answers, strict=True):
            if isinstance(answer, int) and not 200 <= answer < 400:
                return Tried(False, f"{path} answers {answer} at the edge on {edge}")
        told = answers and all(isinstance(answer, int) for answer in answers)
        return Tried(True) if told else None


async def status(address: str, port: int, host: str, path: str, tester: str) -> int:
    """The HTTP status that an edge answers a tester with. Raises OSError, TimeoutError or ValueError."""
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection(address, port)
        try:
            writer.write(PROXY + request(host, path, tester))
            line = await reader.readline()
        finally:
            writer.close()
    words = line.split()
    if len(words) < 2:
        raise ValueError(f"{address} answers {line!r}")
    return int(words[1])


def request(host: str, path: str, tester: str) -> bytes:
    """A request for the new release, whatever its share."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", f"{tester}: always", "Connection: close"]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


def job(plan: Plan, service: Object, release: Release) -> Object:
    """The specification of a job that runs the command once, as a task of the release would."""
    assert plan.smoke
    template = service["Spec"]["TaskTemplate"]
    container: dict[str, Any] = {
        k: v for k, v in template["ContainerSpec"].items() if k not in ("Args", "Labels")
    }
    port = (release.edge or {}).get("port")
    url = f"http://tasks.{plan.new}" + (f":{port}" if port else "")
    kept = [e for e in container.get("Env") or [] if not e.startswith(LEFT_OUT)]
    container |= {
        "Command": list(plan.smoke.command),
        "Env": [*kept, f"HORCRUX_SMOKE_URL={url}"],
        "Healthcheck": {"Test": ["NONE"]},
    }
    labels = service["Spec"].get("Labels") or {}
    host = next((t.host for t in release.tasks if t.running), None)
    place = {"Constraints": [f"node.hostname=={host}"]} if host else {}
    return {
        "Name": name_of(plan),
        "Labels": {k: v for k, v in labels.items() if k == "horcrux.environment"} | {WALK: plan.id},
        "Mode": {"ReplicatedJob": {"MaxConcurrent": 1, "TotalCompletions": 1}},
        "TaskTemplate": {
            "ContainerSpec": container,
            "Resources": template.get("Resources") or {},
            "Networks": [{"Target": n["Target"]} for n in template.get("Networks") or []],
            "Placement": place,
            "RestartPolicy": {"Condition": "none"},
        },
    }
