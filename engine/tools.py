"""Programs that only some of the work needs: what tests check with, load generators for the bench."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import debian
from engine.commands import Runner, run
from engine.debian import System
from engine.network import reachable
from engine.report import say

REGISTRY = "registry-1.docker.io"


@dataclass(frozen=True)
class Tool:
    """A command, or a file by its path; the Debian package that has it; the services it would start."""

    command: str
    package: str
    services: tuple[str, ...] = ()


PODMAN_SERVICES = (
    *("podman.socket", "podman", "podman-restart"),
    *("podman-auto-update.timer", "podman-auto-update"),
)
TEST = (
    Tool("haproxy", "haproxy", ("haproxy",)),
    Tool("promtool", "prometheus", ("prometheus",)),
    Tool("amtool", "prometheus-alertmanager", ("prometheus-alertmanager",)),
    Tool("nginx", "nginx-light", ("nginx",)),
    Tool("docker-registry", "docker-registry", ("docker-registry",)),
    Tool("skopeo", "skopeo"),
    Tool("buildah", "buildah"),
    Tool("podman", "podman", PODMAN_SERVICES),
    Tool("chromium", "chromium"),
    Tool("cc", "gcc"),
    Tool("/usr/include/stdlib.h", "libc6-dev"),
    Tool("/usr/share/javascript/chart.js/chart.min.js", "libjs-chart.js"),
)
BENCH = (
    *TEST,
    Tool("wrk", "wrk"),
    Tool("caddy", "caddy", ("caddy",)),
)
BASE_IMAGE = (Tool("mmdebstrap", "mmdebstrap"),)

Which = Callable[[str], str | None]


def find(name: str) -> str | None:
    """Where a command is on PATH, or a file at its path; None where it is not."""
    return name if name.startswith("/") and Path(name).is_file() else shutil.which(name)


def ensure(
    step: str,
    wanted: tuple[Tool, ...],
    system: System,
    runner: Runner = run,
    which: Which = find,
) -> None:
    """Make the tools be there, where set-up may install; elsewhere say what to install.

    Their services stay down: they are wanted as commands, and would take ports of the user's.
    """
    missing = tuple(tool for tool in wanted if not which(tool.command))
    names = ", ".join(Path(tool.command).name for tool in wanted)
    if not missing:
        say(step, f"ready: {names}")
        return
    packages = tuple(tool.package for tool in missing)
    if not system.installs:
        lacking = ", ".join(tool.command for tool in missing)
        remedy = system.how_to_install(packages)
        say(step, f"no {lacking} here; what needs it will fail. To have it: {remedy}")
        return
    with debian.services_kept_down():
        debian.install(step, packages, runner)
    services = [service for tool in missing for service in tool.services]
    if services and system.systemd:
        runner("systemctl", "disable", *services)
    say(step, f"ready: {names}")


def ensure_base_image(
    system: System,
    runner: Runner = run,
    which: Which = shutil.which,
    reach: Callable[[str], bool] = reachable,
) -> None:
    """Make sure that a base image can be had: pulled from a registry, or made by mmdebstrap."""
    if which("mmdebstrap"):
        say("base", "ready: mmdebstrap, for where no registry can be reached")
    elif reach(REGISTRY):
        say("base", f"ready: {REGISTRY} can be reached")
    else:
        say("base", f"{REGISTRY} cannot be reached: the base image is made here by mmdebstrap")
        ensure("base", BASE_IMAGE, system, runner, which)
