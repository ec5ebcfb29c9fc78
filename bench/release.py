"""One app changed: how long until the new release serves and the old one is drained."""

import time
from typing import Any

from bench.command import Done
from bench.environment import UP_SECONDS, Environment
from bench.figures import Figure

SUBJECT, SOURCE = "hello", "samples/hello/app.py"
TITLES = {"environment": "its environment", "image": "its image (a line of source)"}


def measure(environment: Environment, runs: int) -> list[Figure]:
    """Another variable of `hello`, and another image of it."""
    environment.ensure_up()
    done: dict[str, list[Done]] = {kind: [] for kind in TITLES}
    for _ in range(runs):
        environment.say("changing a variable of hello")
        done["environment"].append(environment.bring_up(_variable(time.time())))
        environment.say("changing a line of hello's source")
        environment.copy.touch(SOURCE, f"# {time.time()}")
        done["image"].append(environment.horcrux("up", "-y", limit=UP_SECONDS))
    return [figure for kind, title in TITLES.items() for figure in _of(kind, title, done[kind])]


def _of(kind: str, title: str, done: list[Done]) -> list[Figure]:
    whole = Figure(
        f"release_{kind}_command",
        f"hello with {title} changed: the whole command",
        "s",
        tuple(d.seconds for d in done),
        note="wall time of `horcrux up -y`: preview, update, policies in both",
    )
    healthy = Figure(
        f"release_{kind}",
        f"hello with {title} changed: to healthy and serving",
        "s",
        tuple(d.last(_rolled_out) - d.first(_update_begins) for d in done),
        "under 8 s",
        "from the end of the preview until the new release has all requests and the old is drained",
        {"slowest steps (s)": done[-1].slowest(6)},
    )
    return [healthy, whole]


def _variable(value: float) -> dict[str, Any]:
    return {SUBJECT: {"env": {"BENCH": str(value)}}}


def _update_begins(line: str) -> bool:
    return line.startswith("bench: ")


def _rolled_out(line: str) -> bool:
    return f"roll out app {SUBJECT}" in line
