"""A host is killed, the leading manager: for how long do requests fail?"""

import threading
import time
from http.client import HTTPConnection, HTTPException
from typing import Any

from bench.environment import Environment
from bench.figures import Figure
from bench.waiting import wait
from horcrux import status
from horcrux.cluster import tasks
from horcrux.context import Outputs
from horcrux.docker_api import connect, machine

SUBJECT = "hello"
ANSWER_SECONDS = 2.0  # a user who waits longer is a user who was not served
EVERY_SECONDS = 0.05  # between two requests: what can be told apart
RECOVERED_SECONDS = 120.0  # Swarm notices a lost host after 15 s and starts its tasks elsewhere
BACK_SECONDS = 120.0  # a host boots in 10 s


def measure(environment: Environment, runs: int) -> list[Figure]:
    """Kill the leader, watch `hello`, start the host again."""
    environment.ensure_up()
    outputs = environment.outputs()
    served, healthy = [], []
    for _ in range(runs):
        environment.say("killing the host of the leading manager")
        host = _leader(outputs)
        probes = Probes(environment.project.settings().local.ports.http)
        with probes:
            with machine() as engine:
                engine.containers.get(f"horcrux-bench-{host}").kill()
            killed = time.monotonic()
            healthy.append(_until_healthy(outputs, killed))
        served.append(probes.last_failure(killed))
        environment.say(f"{host} is started again")
        with machine() as engine:
            engine.containers.get(f"horcrux-bench-{host}").start()
        wait("all hosts ready again", BACK_SECONDS, lambda: _all_well(outputs))
    return [
        Figure(
            "failover_served",
            "the leading host killed: until the last request that failed",
            "s",
            tuple(served),
            "under 20 s",
            f"new connections to {SUBJECT} every {EVERY_SECONDS} s, answered within "
            f"{ANSWER_SECONDS} s or failed; 0 when none failed",
        ),
        Figure(
            "failover_healthy",
            "the leading host killed: until all stateless tasks are healthy again",
            "s",
            tuple(healthy),
            "under 20 s",
        ),
    ]


class Probes:
    """Requests to `hello` through the front door, one after another, while it is open."""

    def __init__(self, port: int) -> None:
        self._port, self._stop = port, threading.Event()
        self._failures: list[float] = []
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Probes":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def last_failure(self, since: float) -> float:
        """Seconds from `since` to the end of the last request that failed; 0 when none did."""
        return max((end - since for end in self._failures if end > since), default=0.0)

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            if not self._served():
                self._failures.append(time.monotonic())

    def _served(self) -> bool:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", "/", headers={"Host": f"{SUBJECT}.bench.localhost"})
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def _leader(outputs: Outputs) -> str:
    nodes: list[dict[str, Any]] = connect(outputs.access).nodes()
    leader = next(n for n in nodes if n.get("ManagerStatus", {}).get("Leader"))
    return str(leader["Description"]["Hostname"])


def _until_healthy(outputs: Outputs, killed: float) -> float:
    """Seconds until the Swarm has noticed, and `hello` has all its tasks healthy again."""

    release = outputs.release(SUBJECT)
    wanted = int(release["settings"].get("replicas", 1))

    def recovered() -> bool:
        client = connect(outputs.access)
        lost = any(n["Status"]["State"] == "down" for n in client.nodes())
        found = tasks.of_release(client, release["service"], release["release"])
        return lost and found.healthy >= wanted

    wait("the lost tasks healthy elsewhere", RECOVERED_SECONDS, recovered)
    return time.monotonic() - killed


def _all_well(outputs: Outputs) -> bool:
    now = status.gather(outputs)
    return all(h["state"] == "ready" for h in now["hosts"]) and not now["problems"]
