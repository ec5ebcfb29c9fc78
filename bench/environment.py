"""The environment that benches measure, named `bench`: made, changed and taken away by them."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.command import Done, run
from bench.working_copy import WorkingCopy
from horcrux.context import Outputs
from horcrux.project import Project
from horcrux.stack import Stack

NAME = "bench"
UP_SECONDS = 1800  # the first one builds all images; a slow mirror makes that long
DOWN_SECONDS = 600  # takes 10 s; a machine under load is given much more
RECEIVER, RECEIVER_PORT = "horcrux:secrets.monitoring.bench-url", 28081  # see stack.yaml
PULUMI_SECONDS = 600  # of one `pulumi` command

Say = Callable[[str], None]


class Environment:
    """What a bench may do with the environment; `up` is whether it is there."""

    def __init__(self, project: Path, say: Say) -> None:
        self.say = say
        self.copy = WorkingCopy(project, project / "build" / "bench" / "project", NAME)
        self.project = Project(self.copy.folder, NAME)
        self._bin = project / ".venv" / "bin"
        self._images_built = False
        self.up = False

    def prepare(self) -> None:
        """Take away what an interrupted run left, and copy the project as it is now."""
        if self.copy.exists:
            self.say("taking away what an earlier run may have left")
            self.horcrux("down", "-y", limit=DOWN_SECONDS)
        self.copy.renew()
        # The first address of the environment's network is this machine's.
        gateway = self.project.settings().local.subnet.rpartition(".")[0] + ".1"
        stack = Stack(self.project, create=True)
        stack.set_secret(RECEIVER, f"http://{gateway}:{RECEIVER_PORT}/")

    def ensure_up(self) -> None:
        """Bring it up, with the apps of dev."""
        if not self.up:
            self.say("bringing the environment up (builds images where they are not there yet)")
            self.bring_up()

    def bring_up(
        self, apps: dict[str, Any] | None = None, hosts: dict[str, Any] | None = None
    ) -> Done:
        """`horcrux up`; `apps` are laid over those of dev (None takes one away), `hosts` over its hosts."""
        self.copy.set_apps(apps or {})
        self.copy.set_hosts(hosts or {})
        self.up = True  # or half: it is taken down all the same
        done = self.horcrux("up", "-y", limit=UP_SECONDS)
        self._images_built = True
        return done

    def ensure_images(self) -> None:
        """Have all images built, by an `up` that nobody measures."""
        if not self._images_built:
            self.ensure_up()

    def take_down(self) -> None:
        """`horcrux down`: hosts, volumes, state. Built images stay, for the next run."""
        if self.up:
            self.say("taking the environment down")
            self.horcrux("down", "-y", limit=DOWN_SECONDS)
            self.up = False

    def outputs(self) -> Outputs:
        """What the environment's last update told of it."""
        return Outputs(self.project, Stack(self.project).outputs())

    def horcrux(self, verb: str, *words: str, limit: float) -> Done:
        """A `horcrux` command about the environment."""
        command = [str(self._bin / "horcrux"), "-C", str(self.copy.folder), verb, "-s", NAME]
        return run([*command, *words], self.copy.folder, limit)

    def pulumi(self, verb: str, *words: str) -> Done:
        """A plain `pulumi` command, as a user types it in the project folder."""
        command = [str(self._bin / "pulumi"), verb, "-s", NAME, "--non-interactive", *words]
        passphrase = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(self.project.passphrase)}
        return run(command, self.copy.folder, PULUMI_SECONDS, signal.SIGINT, passphrase)
