"""An environment's Pulumi stack, over the Automation API."""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path
from typing import Any

from pulumi import automation as auto

from engine import docker_endpoint, installed
from horcrux.exits import Exit, HorcruxError
from horcrux.project import Project
from horcrux.stack_edit import forget_salt

POLICIES = "policies"
ACTIVITY = Callable[[auto.EngineEvent], None]


class Stack:
    """What `horcrux` asks of Pulumi; every failure is a HorcruxError in the user's words."""

    def __init__(self, project: Project, *, create: bool = False) -> None:
        """`create`: make the stack, and a passphrase for it, where there is none yet."""
        self.project = project
        variables = docker_endpoint.variables(docker_endpoint.current())
        variables |= {"PULUMI_SKIP_UPDATE_CHECK": "true", **_passphrase(project, create=create)}
        options = auto.LocalWorkspaceOptions(
            pulumi_command=auto.PulumiCommand(root=installed.root()), env_vars=variables
        )
        choose = auto.create_or_select_stack if create else auto.select_stack
        with _explained(project):
            self._stack = choose(
                stack_name=project.environment, work_dir=str(project.folder), opts=options
            )

    def preview(self, on_event: ACTIVITY) -> dict[str, int]:
        """How many resources would be created, updated, replaced, deleted and left the same."""
        changes: dict[str, int] = self._attempt(lambda: self._preview(on_event))
        return changes

    def up(self, on_event: ACTIVITY) -> None:
        """Bring the environment to what its settings say."""
        packs = [str(self.project.folder / POLICIES)]
        self._attempt(lambda: self._stack.up(policy_packs=packs, on_event=on_event, color="never"))

    def destroy(self, on_event: ACTIVITY) -> None:
        """Take everything away, and the stack with it."""
        self._attempt(lambda: self._stack.destroy(on_event=on_event, color="never"))
        name = self.project.environment
        with _explained(self.project):
            self._stack.workspace.remove_stack(name, preserve_config=True)
        forget_salt(self.project.folder, name)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets in the clear; empty before the first update."""
        with _explained(self.project):
            return {name: output.value for name, output in self._stack.outputs().items()}

    def set_secret(self, path: str, value: str) -> None:
        """Put an encrypted value into the stack file."""
        with _explained(self.project):
            self._stack.set_config(path, auto.ConfigValue(value, secret=True), path=True)

    def config(self) -> dict[str, auto.ConfigValue]:
        """The stack's configuration, secrets in the clear."""
        with _explained(self.project):
            return dict(self._stack.get_all_config())

    def _preview(self, on_event: ACTIVITY) -> dict[str, int]:
        packs = [str(self.project.folder / POLICIES)]
        result = self._stack.preview(policy_packs=packs, on_event=on_event, color="never")
        return {str(getattr(k, "value", k)): v for k, v in result.change_summary.items()}

    def _attempt(self, action: Callable[[], Any]) -> Any:
        """Do it; when a process that is no more holds the lock, let go of it and do it again."""
        with _explained(self.project):
            try:
                return action()
            except auto.ConcurrentUpdateError:
                holder = _holder(self.project)
                if holder:
                    raise HorcruxError(holder, Exit.LOCKED) from None
                print(
                    "an update that was killed held the lock; carrying on from it", file=sys.stderr
                )
                self._stack.cancel()
                return action()


def _passphrase(project: Project, *, create: bool) -> dict[str, str]:
    """Pulumi's own variables as they are; else the project's file; else what the user types."""
    names = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
    if any(name in os.environ for name in names):
        return {}
    if not project.passphrase.exists():
        if not create or _has_salt(project):
            if not sys.stdin.isatty():
                raise HorcruxError(
                    f"the passphrase of {project.environment} is needed: set PULUMI_CONFIG_PASSPHRASE or "
                    "PULUMI_CONFIG_PASSPHRASE_FILE",
                    Exit.USAGE,
                )
            return {names[0]: getpass(f"Passphrase of {project.environment}: ")}
        project.make_passphrase()
    return {names[1]: str(project.passphrase)}


def _has_salt(project: Project) -> bool:
    """Whether somebody has chosen a passphrase for this environment already."""
    path = project.folder / "stacks" / f"Pulumi.{project.environment}.yaml"
    return path.exists() and "encryptionsalt:" in path.read_text()


@contextmanager
def _explained(project: Project) -> Iterator[None]:
    """Turn what Pulumi says into what a user can act on."""
    try:
        yield
    except auto.StackNotFoundError:
        message = f"{project.environment} is not up: horcrux up -s {project.environment}"
        raise HorcruxError(message) from None
    except auto.ConcurrentUpdateError:
        raise
    except auto.CommandError as error:
        text = str(error)
        if "incorrect passphrase" in text:
            raise HorcruxError(
                "wrong passphrase: it does not open this environment's secrets. Look at "
                f"PULUMI_CONFIG_PASSPHRASE(_FILE), or at {project.passphrase}",
                Exit.USAGE,
            ) from None
        raise HorcruxError(_errors_in(text)) from None


def _errors_in(text: str) -> str:
    """The `error:` lines of Pulumi's output, and what follows them; all of it when there are none."""
    lines = [line for line in text.splitlines() if line.strip()]
    starts = [i for i, line in enumerate(lines) if line.strip().startswith("error:")]
    return "\n".join(lines[starts[0] :] if starts else lines[-20:])


def _holder(project: Project) -> str | None:
    """Who holds the stack's lock; None when that process is no more on this machine."""
    folder = project.state / "state" / ".pulumi" / "locks"
    for file in folder.rglob("*.json") if folder.exists() else ():
        if project.environment not in (file.parent.name, file.parent.parent.name):
            continue
        lock = json.loads(file.read_text())
        here = lock.get("hostname") == socket.gethostname()
        if here and not Path(f"/proc/{lock['pid']}").exists() and Path("/proc/self").exists():
            continue
        since = lock.get("timestamp", datetime.now(UTC).isoformat())[:19].replace("T", " ")
        return (
            f"another update of {project.environment} is under way: process {lock.get('pid')} on "
            f"{lock.get('hostname')}, since {since}. Wait for it; if it is no more: "
            f"pulumi cancel -s {project.environment}"
        )
    return None
