"""Verbs about an app's releases: list, show, and what is ordered of one that is on its way."""

import getpass
import socket
from typing import Annotated, Any

import typer
import yaml
from rich.table import Table
from rich.text import Text

from horcrux.cluster import control, services, tasks, traffic, walk
from horcrux.context import AsJson, Environment, Outputs, context, print_json
from horcrux.docker_api import connect
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console, output
from horcrux.report import units
from horcrux.report.units import plain
from horcrux.rollouts import change, history, listing, words
from horcrux.rollouts.look import FAILURES, last_walk

Shown = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show how the release is doing on its way.")
]
COLOURS = {"current": "green", "serving": "green", "coming": "cyan", "rolled back": "red"}
DONE = {
    "promote": "takes over now, without further steps",
    "abort": "is rolled back",
    "pause": "stays at this step; what it does is measured on, and it is still rolled back when it is bad",
    "resume": "goes on",
}


def list_(app: str, stack: Environment = None, as_json: AsJson = False) -> None:
    """An app's releases, the newest first: which serve, which are kept to go back to at once."""
    outputs = context.outputs(stack)
    outputs.release(app)
    known = _known(outputs, app)
    rows = listing.rows(known)
    if as_json:
        print_json(rows)
        return
    table = Table(
        "release", "hash", "when", "image", "state", "tasks", box=None, header_style="dim"
    )
    for row in rows:
        when = units.moment(row["at"]) if row["at"] else units.NOTHING
        count = row["tasks"]
        table.add_row(
            f"r{row['number']}",
            row["release"],
            when,
            listing.short(row["image"]),
            Text(listing.doing(row), COLOURS.get(row["state"], "")),
            f"{count['healthy']}/{count['desired']}" if count else units.NOTHING,
        )
    output().print(table)
    for row in rows:
        if row["reason"]:
            output().print(Text(f"r{row['number']} {row['state']}: {plain(row['reason'])}"))
    if known.walk and known.walk.over and not change.recorded(outputs, app, known.walk):
        output().print(f"the update that began {words.number(known.walk)} did not come to its end")
        output().print(f"    [dim]what to do:[/] horcrux release resume {app}")


def show(
    app: str,
    release: Annotated[str, typer.Argument(help="rN")],
    stack: Environment = None,
    as_json: AsJson = False,
) -> None:
    """One release: its image, the settings that it had, and what was measured on its way."""
    outputs = context.outputs(stack)
    outputs.release(app)
    known = _known(outputs, app)
    rows = {f"r{row['number']}": row for row in listing.rows(known)}
    if release not in rows:
        history.named(app, list(rows.values()), release)
    row = rows[release]
    own = known.walk if known.walk and known.walk.plan["number"] == row["number"] else None
    entries = [e for e in known.history if e["number"] == row["number"]]
    settings = entries[0]["settings"] if entries else (own.plan.get("settings") if own else None)
    if as_json:
        told = {"plan": own.plan, "progress": own.progress} if own else None
        print_json({**row, "settings": settings or {}, "walk": told})
        return
    for key in ("release", "service", "image", "strategy"):
        print(f"{key}: {plain(row[key] or units.NOTHING)}")
    print(f"state: {listing.doing(row)}")
    if row["reason"]:
        print(f"reason: {plain(row['reason'])}")
    print("settings:")
    for line in yaml.safe_dump(settings or {}, sort_keys=True).splitlines():
        print(f"  {line}")
    verdicts = own.progress.get("verdicts") or () if own else ()
    if verdicts:
        print("measured:")
    for verdict in verdicts:
        at = units.clock(verdict["at"], "%H:%M:%S")
        print(f"  {at}  {verdict['weight']} %  {verdict['verdict']}: {plain(verdict['text'])}")


def promote(app: str, stack: Environment = None) -> None:
    """Let a release on its way take over now, whatever steps it has before it."""
    _give(context.outputs(stack), app, "promote")


def abort(app: str, stack: Environment = None) -> None:
    """Roll a release on its way back: what ran before gets all requests again."""
    _give(context.outputs(stack), app, "abort")


def pause(app: str, stack: Environment = None) -> None:
    """Let a release on its way stay at its step until `resume`."""
    _give(context.outputs(stack), app, "pause")


def resume(app: str, stack: Environment = None, watch: Shown = True) -> None:
    """Let a paused release go on, and bring an update that was interrupted to its end."""
    outputs = context.outputs(stack)
    outputs.release(app)
    found = last_walk(outputs, app)
    told = found.progress if found and not found.over else {}
    # On its way back it needs no order.
    paused = bool(told.get("paused")) and not told.get("ending")
    if paused:
        _give(outputs, app, "resume")
    try:
        carried = change.carry_on(outputs, app, watch=watch)
    except HorcruxError as error:
        if not paused or error.code != Exit.LOCKED:
            raise
        return  # whoever began it is still there, and sees it to its end
    if not carried and not paused:
        number = outputs.values["releases"][app]["number"]
        console().print(f"[green]✓[/] nothing of {app} was interrupted: r{number} serves")


def _give(outputs: Outputs, app: str, order: str) -> None:
    """Order something of the walk that is under way. Raises HorcruxError when there is none."""
    outputs.release(app)
    found = last_walk(outputs, app)
    if found is None or found.over:
        last = f"; the last one: {words.ending(found)}" if found else ""
        raise HorcruxError(f"{app}: no release is on its way{last}")
    by = f"{getpass.getuser()}@{socket.gethostname()}"
    control.ask(connect(outputs.access), "POST", f"/v1/rollouts/{app}", {"order": order, "by": by})
    console().print(f"[green]✓[/] {app}: {words.number(found)} {DONE[order]}")


def _known(outputs: Outputs, app: str) -> listing.Known:
    told: dict[str, Any] = outputs.values["releases"][app]
    client = connect(outputs.access)
    try:
        labels = traffic.labels(client, app)
        there = services.of_app(client, outputs.project.environment, app)
        walking = walk.of_labels(labels)
        in_play = [name for name in traffic.weights_of(labels) if name in there]
        counts = {name: _count(client, there[name]) for name in in_play}
    except FAILURES as error:
        raise HorcruxError(f"no manager answers ({error}); see: horcrux status") from error
    return listing.Known(
        told["history"], told.get("parked") or [], traffic.weights_of(labels), walking, counts
    )


def _count(client: Any, service: dict[str, Any]) -> dict[str, int]:
    spec = service["Spec"]
    release = spec["Labels"].get(tasks.RELEASE_LABEL, "")
    found = tasks.of_release(client, spec["Name"], release)
    return {"desired": services.wanted_tasks(service), "healthy": found.healthy}


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(help="Releases of an app.", no_args_is_help=True)
    group.command("list")(list_)
    for verb in (show, promote, abort, pause, resume):
        group.command()(verb)
    app.add_typer(group, name="release")
