"""Verbs about alerts: list, test, silence, silences, unsilence."""

import getpass
import re
import time
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import quote

import docker
import typer
from rich.table import Table
from rich.text import Text

from horcrux.cluster.control import ask
from horcrux.cluster.logs import UNITS
from horcrux.commands.monitoring_top import MARKS, sorted_alerts
from horcrux.context import AsJson, Environment, context, print_json
from horcrux.docker_api import connect
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console, output
from horcrux.report import units
from horcrux.report.units import plain

ADDING = "docs/components/notifications.md"
SHORT = 8  # characters of a silence's id that are shown, and are enough to name it
Receiver = Annotated[str | None, typer.Argument(help="One receiver; default: all of them.")]


def list_(stack: Environment = None, as_json: AsJson = False) -> None:
    """The alerts that fire. Exit code 3 when one of them wants somebody to look."""
    alerts = sorted_alerts(ask(_client(stack), "GET", "/v1/alerts")["alerts"])
    if as_json:
        print_json({"alerts": alerts})
    else:
        out = output()
        for alert in alerts:
            out.print(*_lines(alert, time.time()), sep="\n")
        if not alerts:
            out.print("[green]✓[/] no alert fires")
    if any(a["severity"] in {"critical", "warning"} and not a.get("silenced") for a in alerts):
        raise typer.Exit(Exit.UNHEALTHY)


def _lines(alert: dict[str, Any], now: float) -> list[Text]:
    """An alert in a line, and what to do under it."""
    mark, style = ("~", "dim") if alert.get("silenced") else MARKS.get(alert["severity"], ("·", ""))
    said = [alert["severity"], f"for {units.lasting(max(0, now - alert['since']))}"]
    said += ["silenced"] if alert.get("silenced") else []
    head = Text(f"{mark} {plain(alert['name'])}", style)
    head.append(f"  {plain(alert.get('summary') or '')}", "").append(
        f"  ({', '.join(said)})", "dim"
    )
    lines = [head]
    if alert.get("description") and not alert.get("silenced"):
        lines.append(Text(f"    {plain(alert['description'])}"))
    if alert.get("runbook") and not alert.get("silenced"):
        lines.append(Text("    what to do: ", "dim").append(plain(alert["runbook"]), ""))
    return lines


def try_out(receiver: Receiver = None, stack: Environment = None) -> None:
    """Send a test to one receiver or to all, and say which delivered it."""
    results = ask(_client(stack), "POST", "/v1/alerts/test", {"receiver": receiver})["results"]
    out = output()
    for result in results:
        mark = Text("✓ ", "green") if result["ok"] else Text("✗ ", "red")
        said = f"{result['receiver']} ({result['kind']}): {result['detail']}"
        out.print(mark.append(plain(said), ""))
    if not results:
        out.print(f"no receivers: alerts are shown and told to nobody; to add one: {ADDING}")
    failed = [result["receiver"] for result in results if not result["ok"]]
    if failed:
        raise HorcruxError(f"not delivered: {', '.join(failed)}; correct their settings ({ADDING})")


def silence(
    alert: str,
    stack: Environment = None,
    lasting: Annotated[str, typer.Option("--for", help="For how long: 30m, 1h, 2d.")] = "1h",
    label: Annotated[
        list[str] | None, typer.Option(help="Only where a label is so: --label app=hello")
    ] = None,
    comment: Annotated[str, typer.Option(help="Why.")] = "silenced with horcrux",
) -> None:
    """Keep an alert from being told for a while."""
    seconds = duration(lasting, "--for")
    matchers = {"alertname": alert, **labels(label or [])}
    client = _client(stack)
    firing = ask(client, "GET", "/v1/alerts")["alerts"]
    body = {
        "matchers": matchers, "seconds": seconds, "comment": comment, "author": getpass.getuser(),
    }  # fmt: skip
    made = ask(client, "POST", "/v1/silences", body)
    out, until = console(), units.clock(time.time() + seconds)
    told = Text("✓ ", "green").append(f"{_matching(matchers)} is silent until {until}", "")
    out.print(told.append(f"; to end it: horcrux alerts unsilence {made['id'][:SHORT]}", "dim"))
    if not any(_matches(matchers, one) for one in firing):
        out.print(
            Text("! ", "yellow").append("nothing like that fires now; is it spelt right?", "")
        )


def silences(stack: Environment = None, as_json: AsJson = False) -> None:
    """What is silenced, until when, by whom."""
    found = _silences(_client(stack))
    if as_json:
        print_json({"silences": found})
        return
    out = output()
    if not found:
        out.print("nothing is silenced")
        return
    table = Table("id", "alert", "until", "by", "why", box=None, header_style="dim")
    for one in found:
        by, why = Text(plain(one["author"])), Text(plain(one["comment"]))
        what = Text(_matching(one["matchers"]))
        table.add_row(one["id"][:SHORT], what, units.moment(one["until"]), by, why)
    out.print(table)


def unsilence(id_: Annotated[str, typer.Argument(metavar="ID")], stack: Environment = None) -> None:
    """Let an alert be told again; the first characters of the silence's id are enough."""
    client = _client(stack)
    found = [one for one in _silences(client) if one["id"].startswith(id_)]
    if len(found) != 1:
        why = "no silence" if not found else "more than one silence"
        raise HorcruxError(f"{why} begins with {id_!r}; see: horcrux alerts silences", Exit.USAGE)
    ask(client, "DELETE", f"/v1/silences/{quote(found[0]['id'], safe='')}")
    told = Text("✓ ", "green").append(f"{_matching(found[0]['matchers'])} is told again", "")
    console().print(told)


def duration(text: str, option: str) -> int:
    """The seconds in `90s`, `30m`, `1h` or `2d`. Raises HorcruxError."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    seconds = int(timedelta(**{UNITS[found[2]]: int(found[1])}).total_seconds()) if found else 0
    if not seconds:
        raise HorcruxError(f"{option}: {text!r} is no stretch of time like 30m or 1h", Exit.USAGE)
    return seconds


def labels(words: list[str]) -> dict[str, str]:
    """`app=hello` and so on. Raises HorcruxError."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name):
            raise HorcruxError(f"--label {word!r}: write --label app=hello", Exit.USAGE)
        found[name] = value
    return found


def _matches(matchers: dict[str, str], alert: dict[str, Any]) -> bool:
    there = {**alert["labels"], "alertname": alert["name"]}
    return all(there.get(name) == value for name, value in matchers.items())


def _matching(matchers: dict[str, str]) -> str:
    rest = [f"{n}={v}" for n, v in matchers.items() if n != "alertname"]
    name = matchers.get("alertname", "every alert")
    return plain(f"{name} with {units.listed(rest)}" if rest else name)


def _silences(client: docker.APIClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(client, "GET", "/v1/silences")["silences"]
    return sorted(found, key=lambda one: one["until"])


def _client(stack: str | None) -> docker.APIClient:
    return connect(context.outputs(stack).access)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    alerts = typer.Typer(help="Alerts and silences.", no_args_is_help=True)
    alerts.command("list")(list_)
    alerts.command("test")(try_out)
    for verb in (silence, silences, unsilence):
        alerts.command()(verb)
    app.add_typer(alerts, name="alerts")
