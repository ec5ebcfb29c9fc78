"""Verbs that change apps: deploy, rollback, scale, secrets."""

import sys
from collections.abc import Iterator
from getpass import getpass
from typing import Annotated, Literal

import typer
from rich.table import Table

from horcrux import registry
from horcrux.commands.releases import Shown
from horcrux.context import AsJson, Environment, context, print_json
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console, output
from horcrux.rollouts import words
from horcrux.rollouts.change import Change, Setting, app_of, carry_out
from horcrux.rollouts.history import as_settings, earlier
from horcrux.rollouts.look import last_walk
from horcrux.settings import Settings
from horcrux.stack import Stack


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
    strategy: Annotated[
        Literal["rolling", "blue-green", "canary"] | None,
        typer.Option(help="How this release takes over. Default: the app's `strategy`."),
    ] = None,
    smoke: Annotated[
        bool, typer.Option("--smoke/--no-smoke", help="Whether the app's smoke test is run.")
    ] = True,
    watch: Shown = True,
) -> None:
    """Release another image of an app, or other variables; back to the old settings if it fails."""
    outputs = context.outputs(stack)
    outputs.release(app)
    if bool(image) == build and not variables:
        raise HorcruxError("say --image IMAGE, --build, or --set env.KEY=VALUE", Exit.USAGE)
    settings = app_of(outputs.project, app)
    changes: list[Setting] = []
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
    once: list[Setting] = [] if smoke else [(["smoke"], None)]
    if strategy:
        if settings.releases_by == "recreate":
            raise HorcruxError(f"{app} is released by recreate; it has no other way", Exit.USAGE)
        once.append((["strategy"], strategy))
    carry_out(outputs, app, Change(changes, once, watch))


def rollback(
    app: str,
    release: Annotated[str | None, typer.Argument(help="rN; default: the one before.")] = None,
    stack: Environment = None,
    watch: Shown = True,
) -> None:
    """Go back to an earlier release at once: its image and the settings that it had."""
    outputs = context.outputs(stack)
    outputs.release(app)
    under_way = last_walk(outputs, app)
    if release is None and under_way and not under_way.over:
        number = words.number(under_way)
        raise HorcruxError(
            f"{app}: {number} is on its way; to give it up: horcrux release abort {app}. To go back "
            "further, name the release",
            Exit.USAGE,
        )
    wanted = earlier(app, outputs.values["releases"][app]["history"], release)
    settings = app_of(outputs.project, app)
    stops_first = settings.releases_by == "recreate" or wanted["settings"].get("volumes")
    once: list[Setting] = [] if stops_first else [(["strategy"], "blue-green")]
    carry_out(outputs, app, Change([([], as_settings(wanted, settings))], once, watch))


def scale(app: str, replicas: int, stack: Environment = None) -> None:
    """Set how many tasks an app has."""
    outputs = context.outputs(stack)
    outputs.release(app)
    if app_of(outputs.project, app).elastic:
        raise HorcruxError(
            f"{app} is elastic: set apps.{app}.elastic.min and max, then horcrux up", Exit.USAGE
        )
    carry_out(outputs, app, Change([(["replicas"], replicas)], watch=False))


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
    output().print(table)


def _asked_for(settings: Settings) -> Iterator[tuple[str, str, int | None]]:
    """Each secret's owner, its name, and its length where it is made up."""
    for app, its in settings.apps.items():
        for name, secret in its.secrets.items():
            yield app, name, secret.generate
    if settings.edge.tls:
        yield "edge", settings.edge.tls.key, None
    upstreams = settings.images.cache.cached.values()
    passwords = [upstream.password for upstream in upstreams]
    passwords += [settings.registry.replica.password] if settings.registry.replica else []
    for name in dict.fromkeys(filter(None, passwords)):
        yield "images", name, None
    receivers = settings.monitoring.receivers.values()
    for name in dict.fromkeys(s for receiver in receivers for s in receiver.secrets.values()):
        yield "monitoring", name, None


def _origin(length: int | None, given: dict[str, str], name: str) -> str:
    return "generated" if length else "set" if name in given else "missing"


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    for verb in (deploy, rollback, scale):
        app.command()(verb)
    secrets = typer.Typer(help="Secrets of apps.", no_args_is_help=True)
    secrets.command("set")(secrets_set)
    secrets.command("list")(secrets_list)
    app.add_typer(secrets, name="secrets")
