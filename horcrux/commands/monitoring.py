"""Verbs that watch: top, events; and, in files beside this one, alerts and report."""

import json
import sys
import time
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import docker
import typer
from rich.console import Console
from rich.text import Text

from horcrux.cluster.control import ControlError, ask, follow
from horcrux.cluster.logs import moment
from horcrux.commands import monitoring_alerts, monitoring_report
from horcrux.commands.monitoring_cells import Room
from horcrux.commands.monitoring_history import QUERY, STEP_SECONDS, WINDOW_SECONDS, History
from horcrux.context import AsJson, Environment, context, print_json
from horcrux.docker_api import connect
from horcrux.progress import console, output
from horcrux.report.units import plain

INTERVAL_SECONDS = 2.0  # each look costs a command in control's container
UNSEEN_COLUMNS = 120  # of what no terminal shows
MOST = 2000  # events that control keeps
MARKS = {"error": ("✗", "red"), "warning": ("!", "yellow")}


class Kind(StrEnum):
    """What an event is about."""

    HOST = "host"
    TASK = "task"
    RELEASE = "release"
    TRAFFIC = "traffic"
    ALERT = "alert"
    EDGE = "edge"
    CLUSTER = "cluster"


def top(
    stack: Environment = None,
    once: Annotated[bool, typer.Option("--once", help="Print it once, and end.")] = False,
    as_json: AsJson = False,
    interval: Annotated[
        float, typer.Option(min=0.5, help="Seconds between two looks.")
    ] = INTERVAL_SECONDS,
) -> None:
    """Hosts, apps and alerts as they are now, until you press q."""
    client, history = _client(stack), History()
    if as_json:
        print_json(ask(client, "GET", "/v1/overview"))
        return
    out = output()
    if not out.is_terminal:
        out.width = UNSEEN_COLUMNS
    _remember(client, history)
    if once or not (out.is_terminal and sys.stdin.isatty()):
        from horcrux.commands.monitoring_top import picture

        document = ask(client, "GET", "/v1/overview")
        history.note(document)
        out.print(picture(document, history, Room(out.width)))
        return
    from horcrux.commands.monitoring_live import Watch, run

    watch = Watch(lambda: ask(client, "GET", "/v1/overview"), history, interval)
    run(out, watch, history)


def _remember(client: docker.APIClient, history: History) -> None:
    """What Prometheus knows of the last minutes; without it the lines begin empty."""
    now = time.time()
    asked = {"query": QUERY, "start": now - WINDOW_SECONDS, "end": now, "step": STEP_SECONDS}
    try:
        history.fill(ask(client, "GET", f"/v1/query?{urlencode(asked, quote_via=quote)}"))
    except ControlError:
        return  # the first look says what is the matter


def events(
    stack: Environment = None,
    following: Annotated[bool, typer.Option("-f", "--follow", help="Go on as they come.")] = False,
    since: Annotated[
        str, typer.Option(help="How far back: 90s, 10m, 2h, 1d, or a time (ISO 8601).")
    ] = "1h",
    tail: Annotated[int, typer.Option("-n", "--tail", min=0, help="So many last ones.")] = 50,
    kind: Annotated[Kind | None, typer.Option(help="Only what is about this.")] = None,
    as_json: AsJson = False,
) -> None:
    """What happened: hosts, releases, traffic, tasks, alerts. With -f, --json prints a line each."""
    client, start = _client(stack), moment(since).timestamp()
    known = ask(client, "GET", f"/v1/events?{urlencode({'since': start, 'limit': MOST})}")["events"]
    wanted = [event for event in known if kind in {None, event["kind"]}]
    shown = wanted[len(wanted) - min(tail, len(wanted)) :]
    out = output()
    if as_json and not following:
        print_json({"events": shown})
        return
    for event in shown:
        _tell(out, event, as_json=as_json)
    if not following:
        if not shown:
            console().print(f"nothing happened since {since}; look further back with --since")
        return
    start = max((event["time"] for event in known), default=start)
    path = f"/v1/events?{urlencode({'follow': 1, 'since': start})}"
    try:
        for event in follow(client, path, seen=[e["id"] for e in known], lost=_lost):
            if kind in {None, event["kind"]}:
                _tell(out, event, as_json=as_json)
    except KeyboardInterrupt:
        return


def _tell(out: Console, event: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(event), flush=True)
        return
    mark, style = MARKS.get(event["level"], ("·", "dim"))
    when = time.strftime("%m-%d %H:%M:%S", time.localtime(event["time"]))
    line = Text(when, "dim").append(f" {mark} ", style).append(f"{event['kind']:<8}", "dim")
    out.print(line.append(plain(event["text"]), style if event["level"] == "error" else ""))


def _lost(reason: str) -> None:
    line = Text("! ", "yellow").append(f"{plain(reason)}; going on when control answers")
    console().print(line)


def _client(stack: str | None) -> docker.APIClient:
    return connect(context.outputs(stack).access)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command()(top)
    app.command()(events)
    monitoring_alerts.register(app)
    monitoring_report.register(app)
