"""Verbs that change apps: deploy, rollback, scale, secrets."""

import sys
from collections.abc import Iterator
from getpass import getpass
from typing import Annotated, Any

import typer
from rich.table import Table

from horcrux import lifecycle, registry
from horcrux.context import AsJson, Environment, Outputs, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console
from horcrux.settings import Settings, SettingsError
from horcrux.stack import Stack
from horcrux.stack_edit import StackEdit


def deploy(
    app: str,
    stack: Environment = None,
    image: Annotated[str | None, typer.Option(help="The image to run, by tag or digest.")] = None,
    build: Annotated[
        bool, typer.Option("--build", help="Build the app's folder and run that.")
    ] = False,
    variables: Annotated[
        list[str] | None, typer.Option("--set", help="A variable: --set env.KEY=VALUE")
    ] = None,
) -> None:
    """Release another image of an app, or other variables; back to the old settings if it fails."""
    outputs = context.outputs(stack)
    outputs.release(app)
    if bool(image) == build and not variables:
        raise HorcruxError("say --image IMAGE, --build, or --set env.KEY=VALUE", Exit.USAGE)
    settings = outputs.project.settings().apps[app]
    changes: list[tuple[list[str], Any]] = []
    if build:
        if settings.build is None:
            raise HorcruxError(
                f"apps.{app} has no `build`; give it one, or say --image", Exit.USAGE
            )
        changes.append((["image"], None))
    if image:
        changes.append((["image"], registry.pinned(outputs, image)))
    for text in variables or []:
        key, equals, value = text.removeprefix("env.").partition("=")
        if not text.startswith("env.") or not equals:
            raise HorcruxError(f"--set {text!r}: write --set env.KEY=VALUE", Exit.USAGE)
        changes.append((["env", key], value))
    _change(outputs, app, changes)


def rollback(
    app: str,
    release: Annotated[str | None, typer.Argument(help="rN; default: the one before.")] = None,
    stack: Environment = None,
) -> None:
    """Go back to an earlier release: its image and the settings that it had."""
    outputs = context.outputs(stack)
    outputs.release(app)
    history = outputs.values["releases"][app]["history"]
    wanted = _earlier(app, history, release)
    pinned = {**wanted["settings"], "image": wanted["image"]}
    _change(outputs, app, [([], pinned)])


def scale(app: str, replicas: int, stack: Environment = None) -> None:
    """Set how many tasks an app has."""
    outputs = context.outputs(stack)
    outputs.release(app)
    _change(outputs, app, [(["replicas"], replicas)])


def secrets_set(app: str, name: str, stack: Environment = None) -> None:
    """Set a secret's value, from standard input or asked for; `horcrux up` takes it to the app."""
    project = context.project(stack)
    value = getpass(f"{app} {name}: ") if sys.stdin.isatty() else sys.stdin.read().rstrip("\n")
    if not value:
        raise HorcruxError("the value is empty: nothing was set", Exit.USAGE)
    Stack(project, create=True).set_secret(f"horcrux:secrets.{app}.{name}", value)
    console().print(f"[green]✓[/] {app} {name} is set; take it to the app: horcrux up")


def secrets_list(stack: Environment = None, as_json: AsJson = False) -> None:
    """The secrets that settings ask for, and which of them have a value. Values are never shown."""
    import json

    project = context.project(stack)
    given = Stack(project, create=True).config().get("horcrux:secrets")
    values = json.loads(given.value) if given else {}
    rows = [
        {"app": app, "secret": name, "value": _origin(length, values.get(app, {}), name)}
        for app, name, length in _asked_for(project.settings())
    ]
    if as_json:
        print_json(rows)
        return
    table = Table("app", "secret", "value", box=None, header_style="dim")
    for row in rows:
        table.add_row(row["app"], row["secret"], row["value"])
    console().print(table)


def _asked_for(settings: Settings) -> Iterator[tuple[str, str, int | None]]:
    """Each secret's owner, its name, and its length where it is made up."""
    for app, its in settings.apps.items():
        for name, secret in its.secrets.items():
            yield app, name, secret.generate
    if settings.edge.tls:
        yield "edge", settings.edge.tls.key, None
    receivers = settings.monitoring.receivers.values()
    for name in dict.fromkeys(s for receiver in receivers for s in receiver.secrets.values()):
        yield "monitoring", name, None


def _origin(length: int | None, given: dict[str, str], name: str) -> str:
    return "generated" if length else "set" if name in given else "missing"


def _earlier(app: str, history: list[dict[str, Any]], release: str | None) -> dict[str, Any]:
    listed = ", ".join(f"r{entry['number']}" for entry in history[1:]) or "none"
    if release is None:
        if len(history) < 2:
            raise HorcruxError(f"{app} has had one release only", Exit.USAGE)
        return history[1]
    for entry in history:
        if f"r{entry['number']}" == release:
            return entry
    raise HorcruxError(f"{app} has no release {release}; there are: {listed}", Exit.USAGE)


def _change(outputs: Outputs, app: str, changes: list[tuple[list[str], Any]]) -> None:
    """Change an app's settings in the stack file and bring them about; take them back on failure."""
    project, out = outputs.project, console()
    edit = StackEdit(project.folder, project.environment)
    for path, value in changes:
        edit.set(["apps", app, *path], value)
    try:
        project.settings()
        stack = Stack(project)
        plan = lifecycle.plan(stack, out)
        if not plan:
            out.print(f"[green]✓[/] {app} is like that already: no changes")
            return
        seconds = lifecycle.update(stack, out, plan)
    except (HorcruxError, SettingsError) as error:
        if not isinstance(error, HorcruxError) or error.code in (Exit.FAILED, Exit.USAGE):
            edit.undo()
            out.print(f"stacks/Pulumi.{project.environment}.yaml is put back as it was")
        raise
    number = stack.outputs()["releases"][app]["number"]
    out.print(f"[green]✓[/] {app} runs release r{number}, after {seconds:.0f} s")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (deploy, rollback, scale):
        app.command()(verb)
    secrets = typer.Typer(help="Secrets of apps.", no_args_is_help=True)
    secrets.command("set")(secrets_set)
    secrets.command("list")(secrets_list)
    app.add_typer(secrets, name="secrets")
