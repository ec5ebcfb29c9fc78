"""What is killed, how many requests that costs, and how long until all is well."""

import time
from dataclasses import dataclass

from docker.errors import DockerException
from requests.exceptions import RequestException

from bench.environment import NAME, Environment
from bench.figures import Figure
from bench.strikes import KILLS, SUBJECT, Kill
from bench.waiting import POLL_SECONDS, wait
from horcrux import status
from horcrux.cluster import tasks
from horcrux.context import Outputs
from horcrux.docker_api import connect
from tests.support.load import Load, Result

RATE = 220.0  # requests a second, of several sorts
BEFORE_SECONDS, AFTER_SECONDS = (
    3.0,
    12.0,
)  # of load at least; what is sent to nobody fails after ten
WELL_SECONDS = 180.0  # Swarm notices a lost host after 15 s; a host boots in 10 s


def measure(environment: Environment, runs: int) -> list[Figure]:
    """Each of them under load, with a worker beside the managers."""
    environment.say("adding a worker")
    environment.bring_up(hosts={"workers": 1})
    outputs = environment.outputs()
    figures = []
    for kill in KILLS:
        seen = []
        for _ in range(runs):
            environment.say(f"killing {kill.title}")
            wait("all is well", WELL_SECONDS, lambda: _all_well(outputs))
            seen.append(_struck(environment, outputs, kill))
        figures += _figures(kill, seen)
    environment.say("taking the worker away")
    wait("all is well", WELL_SECONDS, lambda: _all_well(outputs))
    environment.bring_up()
    return figures


@dataclass(frozen=True)
class _Seen:
    killed: float  # seconds since 1970
    well: float  # seconds after it
    result: Result


def _struck(environment: Environment, outputs: Outputs, kill: Kill) -> _Seen:
    port = environment.project.settings().local.ports.http
    with Load(port, f"{SUBJECT}.{NAME}.localhost", RATE) as load:
        time.sleep(BEFORE_SECONDS)  # the load runs steadily
        killed = time.time()
        try:
            kill.strike(outputs)
            well = _until_well(kill, outputs)
        finally:
            if kill.mend:
                kill.mend()
    return _Seen(killed, well, load.result)


def _until_well(kill: Kill, outputs: Outputs) -> float:
    """Seconds until all was well for good; it is watched for long enough to see what is amiss later."""
    healed = _moved if kill.elsewhere else _all_well
    began, well = time.monotonic(), 0.0 if not kill.elsewhere else None
    while True:
        try:
            good = healed(outputs)
        except (DockerException, RequestException, OSError):
            good = False
        now = time.monotonic() - began
        if not good:
            well = None
        elif well is None:
            well = now
        if well is not None and now > AFTER_SECONDS:
            return well
        if now > WELL_SECONDS:
            raise TimeoutError(f"not within {WELL_SECONDS:.0f} s: all well without {kill.title}")
        time.sleep(POLL_SECONDS)


def _figures(kill: Kill, seen: list[_Seen]) -> list[Figure]:
    note = f"{RATE:.0f} requests/s to {SUBJECT}: GET, POST, long answers, WebSockets"
    repeatable = [sum(f.idempotent for f in one.result.failures) for one in seen]
    last = [max((f.began - one.killed for f in one.result.failures), default=0.0) for one in seen]
    return [
        Figure(
            f"kill_{kill.name}_failed",
            f"{kill.title} killed: requests that failed",
            "requests",
            tuple(float(one.result.failed) for one in seen),
            kill.aim,
            note,
            {
                "of which may be repeated": repeatable,
                "repeated by the client": [one.result.repeated for one in seen],
                "the last one began after (s)": [round(max(0.0, at), 2) for at in last],
                "kinds": [one.result.kinds for one in seen],
            },
        ),
        Figure(
            f"kill_{kill.name}_well",
            f"{kill.title} killed: until all is well",
            "s",
            tuple(one.well for one in seen),
            "under 20 s" if kill.elsewhere else "",
            "its tasks healthy elsewhere"
            if kill.elsewhere
            else "nothing amiss in `horcrux status`",
        ),
    ]


def _moved(outputs: Outputs) -> bool:
    """Whether the Swarm has noticed a loss, and the app has all its tasks healthy again."""
    client, release = connect(outputs.access), outputs.release(SUBJECT)
    lost = any(node["Status"]["State"] == "down" for node in client.nodes())
    found = tasks.of_release(client, release["service"], release["release"])
    return lost and found.healthy >= int(release["settings"].get("replicas", 1))


def _all_well(outputs: Outputs) -> bool:
    now = status.gather(outputs)
    return all(host["state"] == "ready" for host in now["hosts"]) and not now["problems"]
