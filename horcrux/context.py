"""What every command has in common: where the project is, which environment, how to print."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from horcrux import project as projects
from horcrux.docker_api import Access
from horcrux.exits import Exit, HorcruxError
from horcrux.project import Project
from horcrux.stack import Stack

Environment = Annotated[
    str | None,
    typer.Option("-s", "--stack", help="The environment. Default: the one selected in Pulumi."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]


@dataclass
class Context:
    """The options before the verb."""

    directory: Path = field(default_factory=Path)

    def project(self, environment: str | None) -> Project:
        """The project and the environment that a command is about."""
        return projects.find(self.directory, environment)

    def outputs(self, environment: str | None) -> "Outputs":
        """What the environment's last update told of it."""
        project = self.project(environment)
        values = Stack(project).outputs()
        if "access" not in values:
            name = project.environment
            raise HorcruxError(f"{name} is not up, or only half: horcrux up -s {name}")
        return Outputs(project, values)


@dataclass(frozen=True)
class Outputs:
    """A stack's outputs with names (see components.cloud.Cloud.outputs)."""

    project: Project
    values: dict[str, Any]

    @property
    def access(self) -> Access:
        """How to reach the hosts' engines."""
        return Access.of(self.values["access"])

    def release(self, app: str) -> dict[str, Any]:
        """An app's current release: number, release, service, image, settings."""
        if app not in self.values["releases"]:
            there = ", ".join(sorted(self.values["releases"])) or "none"
            message = f"{self.project.environment} has no app {app!r}; there are: {there}"
            raise HorcruxError(message, Exit.USAGE)
        found: dict[str, Any] = self.values["releases"][app]["history"][0]
        return found


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=2, sort_keys=False, default=str))


def confirm(question: str, *, yes: bool) -> None:
    """Ask, unless told not to; HorcruxError when the answer is no, or nobody is there to ask."""
    import sys

    if yes:
        return
    if not sys.stdin.isatty():
        raise HorcruxError(f"{question} Nobody is there to answer: say -y.", Exit.DECLINED)
    if not typer.confirm(question):
        raise HorcruxError("nothing was changed", Exit.DECLINED)


context = Context()
