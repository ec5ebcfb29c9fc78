"""The picture of `top`: an overview (control's document) as something that Rich can draw."""

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from horcrux.commands.monitoring_apps import apps_table, that_fit, urgency
from horcrux.commands.monitoring_cells import Room
from horcrux.commands.monitoring_history import History
from horcrux.commands.monitoring_hosts import hosts_table
from horcrux.report import units
from horcrux.report.units import plain

ALERTS = 5  # lines of them at most in a live picture: the rest would push the hosts out
RANK = {"critical": 0, "warning": 1, "info": 2}
MARKS = {"critical": ("✗", "bold red"), "warning": ("!", "yellow"), "info": ("·", "cyan")}


def picture(document: dict[str, Any], history: History, room: Room) -> RenderableType:
    """Alerts, hosts and apps, the worst first."""
    hosts, apps = document.get("hosts") or [], document.get("apps") or []
    alerts = sorted_alerts(document.get("alerts") or [])
    top = [headline(document), *_alert_lines(alerts, document["time"], room)]
    if not (document.get("monitoring") or {}).get("answering"):
        words = "! monitoring does not answer: what hosts and apps carry is not known"
        top.append(Text(words, style="yellow"))
    parts: list[RenderableType] = [*top, Text(), hosts_table(hosts, room), Text()]
    if not apps:
        return Group(
            *parts, Text("no apps yet: write one to the stack file (see README.md)", "dim")
        )
    left = None if room.height is None else room.height - len(top) - len(hosts) - 6
    shown = that_fit(sorted(apps, key=urgency), left)
    parts.append(apps_table(shown, history, document["time"], room))
    if len(shown) < len(apps):
        hidden = units.many(len(apps) - len(shown), "more app")
        parts.append(Text(f"   and {hidden}, none worse than these", "dim"))
    return Group(*parts)


def headline(document: dict[str, Any]) -> Text:
    """The environment in a line."""
    hosts, apps = document.get("hosts") or [], document.get("apps") or []
    ready = sum(host.get("state") == "ready" for host in hosts)
    well = sum(app.get("state") in {"well", "stopped"} for app in apps)
    rates = [app["requests"] for app in apps if app.get("requests") is not None]
    load = f"{units.rate(sum(rates))} requests/s" if rates else "load not known"
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(plain(document.get("environment", "")), "bold")
    text.append(f"  {ready}/{len(hosts)} hosts ready", "" if ready == len(hosts) else "red")
    text.append(f"  {well}/{len(apps)} apps well", "" if well == len(apps) else "red")
    at = units.clock(document["time"], "%H:%M:%S")
    text.append(f"  {load}").append(f"  {at}", "dim")
    return text


def sorted_alerts(alerts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The most severe first, of those the oldest; silenced ones last."""
    return sorted(
        alerts,
        key=lambda a: (bool(a.get("silenced")), RANK.get(a["severity"], 3), a.get("since") or 0),
    )


def _alert_lines(alerts: list[dict[str, Any]], now: float, room: Room) -> list[Text]:
    firing = [alert for alert in alerts if not alert.get("silenced")]
    most = len(firing) if room.height is None else ALERTS
    lines = []
    for alert in firing[:most]:
        mark, style = MARKS.get(alert["severity"], MARKS["info"])
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f" {mark} {plain(alert['name'])}", style)
        line.append(f"  {units.lasting(max(0, now - alert['since']))}", "dim")
        line.append(f"  {plain(alert.get('summary') or '')}")
        lines.append(line)
    rest = [f"{len(firing) - most} more fire"] if len(firing) > most else []
    silenced = len(alerts) - len(firing)
    rest += [f"{silenced} silenced"] if silenced else []
    if rest:
        lines.append(Text(f"   {', '.join(rest)}: horcrux alerts list", "dim"))
    return lines
