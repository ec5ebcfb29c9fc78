"""Verbs about whole environments: up, preview, down, env list."""

import time
from typing import Annotated

import typer
from docker.errors import DockerException
from requests.exceptions import RequestException
from rich.table import Table

from horcrux import lifecycle
from horcrux.context import AsJson, Environment, Yes, confirm, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.inventory import leftovers, remove_leftovers
from horcrux.progress import console, output
from horcrux.rollouts.look import last_walk
from horcrux.settings import stack_file
from horcrux.stack import Stack


def up(stack: Environment = None, yes: Yes = False) -> None:
    """Bring an environment to what its settings say."""
    out, project = console(), context.project(stack)
    project.settings()  # every error in them at once, before anything is started
    pulumi = Stack(project, create=True)
    changes = lifecycle.plan(pulumi, out)
    if not any(kind in lifecycle.WORDS for kind in changes):
        out.print(f"[green]✓[/] {project.environment} is as its settings say: no changes")
        _table(pulumi, project.environment)
        return
    out.print(f"{project.environment}: {lifecycle.summary(changes)}")
    confirm("Go ahead?", yes=yes)
    began = time.time()
    try:
        seconds = lifecycle.update(pulumi, out, changes)
    except HorcruxError as error:
        if error.code == Exit.FAILED and _rolled_back(stack, began):
            raise HorcruxError(str(error), Exit.ROLLED_BACK) from None
        raise
    out.print(f"[green]✓[/] {project.environment} is up, after {seconds:.0f} s")
    _table(pulumi, project.environment)


def _rolled_back(stack: str | None, since: float) -> bool:
    """Whether control rolled a release back that an update of `since` asked for."""
    try:
        outputs = context.outputs(stack)
        walks = [last_walk(outputs, app) for app in outputs.values["releases"]]
    except (HorcruxError, DockerException, RequestException):
        return False  # it failed before there was anything to release to
    return any(w and w.outcome == "rolled-back" and w.plan["began"] >= since for w in walks)


def preview(
    stack: Environment = None,
    as_json: AsJson = False,
    expect_no_changes: Annotated[
        bool, typer.Option("--expect-no-changes", help="Fail when there is something to change.")
    ] = False,
) -> None:
    """Tell what an update would change, and whether a policy refuses it."""
    out, project = console(), context.project(stack)
    project.settings()
    changes = lifecycle.plan(Stack(project, create=True), out)
    if as_json:
        print_json({"environment": project.environment, "changes": changes})
    else:
        out.print(f"{project.environment}: {lifecycle.summary(changes)}")
    if expect_no_changes and changes:
        raise HorcruxError(f"changes were not expected: {lifecycle.summary(changes)}")


def down(stack: Environment = None, yes: Yes = False) -> None:
    """Take an environment away: hosts, volumes, everything."""
    out, project = console(), context.project(stack)
    name = project.environment
    confirm(f"Take {name} away, with all data in it?", yes=yes)
    try:
        pulumi = Stack(project)
    except HorcruxError as error:
        if "is not up" not in str(error):
            raise
        out.print(f"Pulumi knows of no {name}")
    else:
        seconds = lifecycle.destroy(pulumi, out)
        out.print(f"[green]✓[/] {name} is gone, after {seconds:.0f} s")
    left = leftovers(name, str(project.folder))
    if left:
        remove_leftovers(left)
        out.print(
            f"[green]✓[/] removed what a lost state had left: {', '.join(o.name for o in left)}"
        )


def env_list(as_json: AsJson = False) -> None:
    """The environments of this project, and which of them are up."""
    project = context.project("-")
    names = stack_file.environments(project.folder)
    state = project.state / "state" / ".pulumi" / "stacks"
    rows = [{"environment": n, "up": any(state.rglob(f"{n}.json"))} for n in names]
    if as_json:
        print_json(rows)
        return
    table = Table("environment", "state", box=None)
    for row in rows:
        table.add_row(str(row["environment"]), "up" if row["up"] else "not up")
    output().print(table)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (up, preview, down):
        app.command()(verb)
    env = typer.Typer(help="Environments.", no_args_is_help=True)
    env.command("list")(env_list)
    app.add_typer(env, name="env")


def _table(pulumi: Stack, environment: str) -> None:
    """Where everything is, and what to try next."""
    outputs, out = pulumi.outputs(), console()
    table = Table("app", "release", "URL", box=None, header_style="dim")
    for name, urls in outputs["urls"].items():
        release = outputs["releases"][name]
        table.add_row(name, f"r{release['number']}", urls[0] if urls else "(reached by bindings)")
    for name, url in outputs["endpoints"].items():
        if name not in outputs["urls"]:
            table.add_row(name, "", url)
    out.print(table)
    first = next((n for n, urls in outputs["urls"].items() if urls), None)
    verbs = ["status", "open portal", *([f"logs {first} -f", f"open {first}"] if first else [])]
    for verb in verbs:
        out.print(f"  [dim]next:[/] horcrux {verb} -s {environment}")
