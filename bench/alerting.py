"""A host is killed: when does its alert reach somebody outside?"""

import json
import time

from bench.environment import RECEIVER_PORT, Environment
from bench.figures import Figure
from bench.waiting import wait
from horcrux import status
from horcrux.context import Outputs
from horcrux.docker_api import machine
from tests.support.receivers import Received, Recorder, recorder

HOST = "manager-2"
HEARD_SECONDS, OVER_SECONDS = 120.0, 300.0  # what is hoped for is a minute, and a few


def measure(environment: Environment, runs: int) -> list[Figure]:
    """Kill a host, wait for the message, start it again, wait for the message that it is over."""
    environment.ensure_up()
    outputs = environment.outputs()
    heard, over = [], []
    with recorder("0.0.0.0", RECEIVER_PORT) as receiver:
        for _ in range(runs):
            environment.say(f"killing {HOST} and waiting for its alert")
            wait("all hosts ready", OVER_SECONDS, lambda: _all_well(outputs))
            receiver.received.clear()
            container = f"horcrux-bench-{HOST}"
            with machine() as engine:
                engine.containers.get(container).kill()
                heard.append(_told(receiver, "firing", time.time(), HEARD_SECONDS))
                engine.containers.get(container).start()
            over.append(_told(receiver, "resolved", time.time(), OVER_SECONDS))
    return [
        Figure(
            "alert_heard",
            "a host killed: until its alert is with the receiver",
            "s",
            tuple(heard),
            "under 60 s",
            "a real webhook receiver outside the cluster; the host is a manager with a Prometheus",
        ),
        Figure(
            "alert_over",
            "the host started again: until the receiver knows",
            "s",
            tuple(over),
        ),
    ]


def _told(receiver: Recorder, state: str, since: float, seconds: float) -> float:
    """Seconds until the receiver had the host's alert in this state."""
    received = receiver.wait_for(lambda all_: any(_is_of_host(r, state) for r in all_), seconds)
    return next(r.time for r in received if _is_of_host(r, state)) - since


def _is_of_host(received: Received, state: str) -> bool:
    alerts = json.loads(received.body)["alerts"]
    return any(
        a["status"] == state
        and a["labels"]["alertname"] == "HostDown"
        and a["labels"]["host"] == HOST
        for a in alerts
    )


def _all_well(outputs: Outputs) -> bool:
    return not status.gather(outputs)["problems"]
