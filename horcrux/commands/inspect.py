"""Verbs that look: status, logs, exec, open."""

import sys
import webbrowser
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from horcrux import status as statuses
from horcrux.cluster import shell
from horcrux.cluster.logs import LogReader
from horcrux.context import AsJson, Environment, context, print_json
from horcrux.docker_api import connect
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import output

PAGES = ("portal", "grafana")
COLOURS = {"ready": "green", "stopped": "red", "down": "red", "missing": "red"}


def status(stack: Environment = None, as_json: AsJson = False) -> None:
    """Hosts, apps, releases and endpoints; what is unhealthy, and why. Exit code 3 then."""
    found = statuses.gather(context.outputs(stack))
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found["problems"]:
        raise typer.Exit(Exit.UNHEALTHY)


def _show(found: dict[str, Any]) -> None:
    out = output()
    out.print(f"[bold]{found['environment']}[/] on the target {found['target']}")
    hosts = Table("host", "role", "zone", "state", box=None, header_style="dim")
    for host in found["hosts"]:
        colour = COLOURS.get(host["state"], "yellow")
        hosts.add_row(host["name"], host["role"], host["zone"], f"[{colour}]{host['state']}[/]")
    apps = Table("app", "release", "healthy", "URL", box=None, header_style="dim")
    for app in found["apps"]:
        healthy, desired = app["replicas"]["healthy"], app["replicas"]["desired"]
        colour = "green" if healthy >= desired else "red"
        url = app["urls"][0] if app["urls"] else ""
        walk = app["walk"]
        release = f"{app['release']} [cyan]{walk['text']}[/]" if walk else app["release"]
        apps.add_row(app["name"], release, f"[{colour}]{healthy}/{desired}[/]", url)
    out.print(hosts)
    out.print(apps)
    for problem in found["problems"]:
        out.print(f"[red]✗[/] {escape(problem['what'])}")
        out.print(f"    [dim]what to do:[/] {escape(problem['remedy'])}")
    if not found["problems"]:
        out.print("[green]✓[/] all is well")


def logs(
    app: str,
    stack: Environment = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come.")] = False,
    since: Annotated[
        str | None, typer.Option(help="How far back: 90s, 10m, 2h, 1d, or a time (ISO 8601).")
    ] = None,
    tail: Annotated[int, typer.Option("-n", "--tail", help="So many last lines.")] = 200,
    grep: Annotated[
        str | None, typer.Option(help="Only lines that match (regular expression).")
    ] = None,
) -> None:
    """An app's log, over all its tasks on all hosts."""
    outputs = context.outputs(stack)
    release = outputs.release(app)
    reader = LogReader(connect(outputs.access), release["service"], grep)
    for line in reader.lines(follow=follow, since=since, tail=tail):
        print(line, flush=follow)


def exec_(
    app: str,
    command: Annotated[list[str], typer.Argument(help="The command, after --.")],
    stack: Environment = None,
) -> None:
    """Run a command in one of an app's tasks, on whatever host it is."""
    outputs = context.outputs(stack)
    release = outputs.release(app)
    code = shell.run(outputs.access, release["service"], release["release"], command)
    raise typer.Exit(code)


def open_(app: str, stack: Environment = None) -> None:
    """Open an app, `portal` or `grafana` in the browser; print its URL, and the pages' accounts."""
    outputs = context.outputs(stack)
    if app in PAGES:
        page = outputs.values.get(app)
        if not page:
            raise HorcruxError(f"there is no {app}; to have one: monitoring.{app}", Exit.USAGE)
        print(page["url"])
        print(f"account: {page['username']}\npassword: {page['password']}")
        _browse(page["url"])
        return
    outputs.release(app)
    urls = outputs.values["urls"].get(app)
    if not urls:
        raise HorcruxError(f"{app} has no routes; give it one: apps.{app}.routes: [/]", Exit.USAGE)
    print(urls[0])
    _browse(urls[0])


def _browse(url: str) -> None:
    if sys.stdout.isatty():
        webbrowser.open(url)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(status)
    app.command()(logs)
    app.command("exec")(exec_)
    app.command("open")(open_)
