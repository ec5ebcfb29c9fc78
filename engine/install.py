"""Which Pulumi engine is used, and how it gets here.

The first of these that works: a `pulumi` on PATH that is new enough; the official installer; a
build from Go modules. What is there and current is not done again.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine import versions
from engine.build_pulumi import build_pulumi, is_built
from engine.commands import Runner, run
from engine.docker_plugin import install_docker_plugin
from engine.files import locked, read
from engine.launcher import remove_launcher, write_launcher
from engine.layout import Layout
from engine.network import reachable
from engine.official import STAMP, Reach, download_pulumi
from engine.pulumi_command import fault, on_path, version_of
from engine.report import say


@dataclass(frozen=True)
class Chosen:
    """The engine that is used: its command, its PULUMI_HOME, and how it came here."""

    pulumi: Path
    home: Path
    way: str


def install(
    layout: Layout,
    environ: Mapping[str, str] = os.environ,
    runner: Runner = run,
    reach: Reach = reachable,
) -> Chosen:
    """Make a Pulumi engine and its docker plugin be there; say which way was taken and why.

    Raise SetupError, with what to install, where every way is closed.
    """

    def waiting() -> None:
        say("engine", "another set-up is at work here: waiting for it")

    with locked(layout.lock, waiting):
        layout.root.mkdir(parents=True, exist_ok=True)
        chosen = _from_path(layout, environ, runner)
        if chosen:
            remove_launcher(layout)
        else:
            chosen = _our_own(layout, environ, runner, reach)
            write_launcher(layout)
        install_docker_plugin(layout, chosen.home, chosen.pulumi, runner, reach)
    say("engine", f"ready: {chosen.way}")
    return chosen


def _from_path(layout: Layout, environ: Mapping[str, str], runner: Runner) -> Chosen | None:
    for pulumi in on_path(environ.get("PATH", ""), layout.pulumi):
        wrong = fault(pulumi, runner)
        if wrong:
            say("engine", f"{wrong}: passed over")
            continue
        home = Path(environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
        return Chosen(pulumi, home, f"Pulumi {version_of(pulumi, runner)} of yours, {pulumi}")
    return None


def _our_own(layout: Layout, environ: Mapping[str, str], runner: Runner, reach: Reach) -> Chosen:
    home = Path(environ.get("PULUMI_HOME") or layout.home)
    home.mkdir(parents=True, exist_ok=True)
    name = f"Pulumi {versions.PULUMI}"
    downloaded = Chosen(layout.pulumi, home, f"{name}, the official one, in .engine")
    built = Chosen(layout.pulumi, home, f"{name}, built from Go modules, in .engine")
    if read(layout.root / STAMP) == versions.PULUMI and os.access(layout.pulumi, os.X_OK):
        return downloaded
    if not is_built(layout):
        why = download_pulumi(layout.root, runner, reach)
        if why is None:
            return downloaded
        say("engine", f"no Pulumi on PATH that can be used, and {why}: building it")
    build_pulumi(layout, runner)
    return built
