"""A Docker engine: the one that answers, else one that is started or installed.

An engine that runs is never restarted, and its configuration never changed.
"""

import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from engine import debian, docker_endpoint, dockerd
from engine.commands import Runner, run
from engine.debian import System
from engine.docker_endpoint import Answer, Endpoint
from engine.report import SetupError, say

PACKAGES = ("docker.io", "ca-certificates", "iptables")
DEFAULT_PID = Path("/var/run/docker.pid")
AGAIN = "then `make setup` again"


class Step(Enum):
    """What to do next about an engine that does not answer."""

    INSTALL = "install"
    START_WITH_SYSTEMD = "start with systemd"
    START_BY_HAND = "start by hand"
    WAIT = "wait"


@dataclass(frozen=True)
class Facts:
    """What is known when the engine does not answer."""

    endpoint: Endpoint
    answer: Answer
    system: System
    installed: bool  # dockerd is on this machine
    running: bool  # its process lives


def next_step(facts: Facts) -> Step:
    """Decide what to do; raise SetupError where only the user can do it."""
    if facts.endpoint.chosen_by:
        what = f"no Docker engine answers at {facts.endpoint}: {facts.answer.why}"
        raise SetupError(what, f"start it, or choose another one; {AGAIN}")
    if facts.answer.refused:
        what = f"a Docker engine runs at {facts.endpoint}, but this user may not use it"
        raise SetupError(what, f'`sudo usermod -aG docker "$USER"`, log in anew, {AGAIN}')
    if facts.running:
        return Step.WAIT
    if facts.installed and facts.system.root:
        return Step.START_WITH_SYSTEMD if facts.system.systemd else Step.START_BY_HAND
    if facts.installed:
        command = "sudo systemctl start docker" if facts.system.systemd else "sudo dockerd"
        raise SetupError(
            f"the Docker engine does not run: {facts.answer.why}", f"`{command}`, {AGAIN}"
        )
    if facts.system.installs:
        return Step.INSTALL
    what = f"no Docker engine answers at {facts.endpoint}, and none is installed"
    if facts.system.debian:
        raise SetupError(what, f"`{facts.system.how_to_install(PACKAGES[:1])}`, {AGAIN}")
    get = "install Docker Engine or Docker Desktop (https://docs.docker.com/get-docker)"
    raise SetupError(what, f"{get} and start it, {AGAIN}")


class Hands(Protocol):
    """What acts on the machine."""

    def facts(self) -> Facts:
        """Ask the engine, and look at the machine."""
        ...

    def take(self, step: Step) -> None:
        """Do what was decided; raise SetupError when it fails."""
        ...


@dataclass(frozen=True)
class RealHands:
    """The machine itself; `log` is where a daemon started by hand writes."""

    log: Path
    runner: Runner = run

    def _ask(self) -> Answer:
        return docker_endpoint.ask(docker_endpoint.current())

    def facts(self) -> Facts:
        """Ask the engine, and look at the machine."""
        endpoint = docker_endpoint.current()
        answer = docker_endpoint.ask(endpoint)
        return Facts(
            endpoint,
            answer,
            System.here(),
            shutil.which("dockerd") is not None,
            dockerd.alive(DEFAULT_PID, "dockerd"),
        )

    def take(self, step: Step) -> None:
        """Do what was decided; raise SetupError when it fails."""
        if step is Step.INSTALL:
            debian.install("docker", PACKAGES, self.runner)
        elif step is Step.WAIT:
            say("docker", "dockerd runs but does not answer yet: waiting for it")
            dockerd.wait(self._ask, lambda: not dockerd.alive(DEFAULT_PID, "dockerd"), None)
        elif step is Step.START_BY_HAND:
            dockerd.start_by_hand(self._ask, self.log)
        else:
            say("docker", "starting the Docker engine with systemd")
            done = self.runner("systemctl", "start", "docker")
            if not done.ok:
                raise SetupError(f"`systemctl start docker` failed: {done.reason}", dockerd.REMEDY)
            dockerd.wait(self._ask, lambda: False, None)


def ensure(hands: Hands) -> None:
    """Make a Docker engine answer; raise SetupError where it cannot be done.

    At most three steps lead there: install, start, wait.
    """
    for _ in range(len(Step)):
        facts = hands.facts()
        if facts.answer.version:
            say("docker", f"ready: engine {facts.answer.version} at {facts.endpoint}")
            return
        hands.take(next_step(facts))
    raise SetupError(f"no Docker engine answers: {facts.answer.why}", dockerd.REMEDY)
