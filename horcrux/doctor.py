"""A look at the machine and the environment, with a remedy for each thing that is wrong."""

import os
import socket
import sys
from collections.abc import Iterator
from typing import NamedTuple

from docker.errors import DockerException

from horcrux.context import Outputs
from horcrux.docker_api import machine, machine_address
from horcrux.exits import HorcruxError
from horcrux.preflight import disk_space, taken_ports
from horcrux.project import Project
from horcrux.settings import Settings, SettingsError
from horcrux.stack import Stack
from horcrux.status import gather


class Check(NamedTuple):
    """One thing that was looked at."""

    what: str
    well: bool
    found: str
    remedy: str = ""


def examine(project: Project) -> list[Check]:
    """Every check that can be made; later ones are left out when they cannot."""
    version = ".".join(map(str, sys.version_info[:3]))
    checks = [Check("Python", sys.version_info >= (3, 11), version, "use Python 3.11 or newer")]
    try:
        settings = project.settings()
    except SettingsError as error:
        where = f"stacks/Pulumi.{project.environment}.yaml"
        return [*checks, Check("settings", False, str(error), f"correct {where}")]
    checks.append(Check("settings", True, f"{len(settings.apps)} apps"))
    checks += _engine(project, settings)
    checks += _passphrase(project)
    checks += _names(project, settings)
    return [*checks, *_environment(project)]


def _engine(project: Project, settings: Settings) -> Iterator[Check]:
    try:
        with machine() as engine:
            info = engine.info()
            found = f"{info['ServerVersion']} at {machine_address()}, cgroup v{info.get('CgroupVersion', 1)}"
            yield Check("Docker engine", True, found)
            needed, there = settings.hosts.memory, info["MemTotal"]
            yield Check(
                "memory",
                there >= needed,
                f"{there >> 20} MB",
                f"a host may use {needed >> 20} MB; lower hosts.memory",
            )
            for path, what in (
                *taken_ports(settings, project.environment, engine),
                *disk_space(engine),
            ):
                yield Check(path, False, what, "see the message")
    except DockerException as error:
        yield Check("Docker engine", False, str(error), "start it, or run `make setup`")


def _passphrase(project: Project) -> Iterator[Check]:
    if not project.passphrase.exists():
        return
    mode = project.passphrase.stat().st_mode & 0o777
    remedy = f"chmod 600 {project.passphrase}"
    yield Check("passphrase file", not mode & 0o077, f"mode {mode:o}", remedy)
    if os.environ.get("PULUMI_CONFIG_PASSPHRASE_FILE"):
        found = os.environ["PULUMI_CONFIG_PASSPHRASE_FILE"]
        yield Check("passphrase", True, f"from {found}")


def _names(project: Project, settings: Settings) -> Iterator[Check]:
    """Do this machine's programs find APP.ENVIRONMENT.localhost? Browsers and curl do by themselves."""
    routed = [name for name, app in settings.apps.items() if app.routes]
    if not routed:
        return
    host = f"{routed[0]}.{project.environment}.{settings.domain}"
    try:
        address = socket.gethostbyname(host)
    except OSError:
        local = settings.domain.endswith("localhost")
        found = "not known to this machine's resolver"
        if local:
            found += "; browsers and curl find it all the same"
        yield Check(
            host, local, found, f"point *.{project.environment}.{settings.domain} at the front door"
        )
    else:
        yield Check(host, True, address)


def _environment(project: Project) -> Iterator[Check]:
    try:
        status = gather(Outputs(project, Stack(project).outputs()))
    except (HorcruxError, KeyError) as error:
        reason = "not up" if isinstance(error, KeyError) else str(error)
        yield Check("environment", True, reason)
        return
    yield Check("environment", True, f"{len(status['hosts'])} hosts, {len(status['apps'])} apps")
    for problem in status["problems"]:
        yield Check("environment", False, problem["what"], problem["remedy"])
