"""The apps in the picture of `top`, with their releases where there is more than one."""

from typing import Any

from rich.table import Table
from rich.text import Text

from horcrux.commands.monitoring_cells import Room, or_dash, state_of, table_for
from horcrux.commands.monitoring_history import History
from horcrux.report import units
from horcrux.report.units import NOTHING, plain

ORDER = {"down": 0, "degraded": 1, "well": 2, "stopped": 3}


def apps_table(apps: list[dict[str, Any]], history: History, now: float, room: Room) -> Table:
    table, trend = table_for(room), 20 if room.wide else 8
    table.add_column("app", no_wrap=True, max_width=28 if room.wide else 14)
    table.add_column("state", no_wrap=True)
    latencies = ("p50", "p95", "p99") if room.wide else ("p95", "p99")
    for name in ("req/s", "errors", *latencies, "tasks"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("release", no_wrap=True, max_width=22 if room.wide else 12)
    table.add_column("5 min", no_wrap=True)
    for app in apps:
        replicas, rollout = app.get("replicas") or {}, app.get("rollout")
        table.add_row(
            Text(plain(app["name"])),
            state_of(app.get("state")),
            units.rate(app.get("requests")),
            _errors(app.get("errors")),
            *(units.seconds(app.get(latency)) for latency in latencies),
            _tasks(replicas),
            _release(app, rollout),
            Text(history.line(app["name"], trend, now), "cyan"),
        )
        for release in _parallel(app):
            table.add_row(*_release_row(release, len(latencies)), style="dim")
    return table


def _release(app: dict[str, Any], rollout: dict[str, Any] | None) -> Text:
    if rollout:
        words = f"{rollout.get('from') or '?'} → {rollout.get('to') or '?'}"
        took = units.lasting(rollout.get("seconds"))
        return Text(plain(words), "yellow").append(f" {took}", "dim")
    releases = app.get("releases") or []
    return Text(" + ".join(map(_called, releases)) or NOTHING)


def _parallel(app: dict[str, Any]) -> list[dict[str, Any]]:
    """Releases worth lines of their own: when there is more than one."""
    releases: list[dict[str, Any]] = app.get("releases") or []
    return releases if len(releases) > 1 else []


def _release_row(release: dict[str, Any], latencies: int) -> list[Text | str]:
    replicas = {"desired": release.get("desired"), "running": release.get("running")}
    blank = [""] * (latencies - 2)
    return [
        Text(f"  {_called(release)}"),
        f"gets {(release.get('weight') or 0) * 100:.0f} %",
        units.rate(release.get("requests")),
        _errors(release.get("errors")),
        *blank,
        units.seconds(release.get("p95")),
        "",
        _tasks(replicas),
        Text(plain(release.get("release") or "")),
        "",
    ]


def _called(release: dict[str, Any]) -> str:
    number = release.get("number")
    return f"r{number}" if number is not None else plain(release.get("release") or "?")


def _tasks(replicas: dict[str, Any]) -> Text:
    running, desired = replicas.get("running"), replicas.get("desired")
    style = "red" if running is not None and desired is not None and running < desired else ""
    return Text(f"{or_dash(running)}/{or_dash(desired)}", style)


def _errors(value: float | None) -> Text:
    style = "" if not value or value < 0.001 else "bold red" if value >= 0.01 else "yellow"
    return Text(units.percent(value), style)


def urgency(app: dict[str, Any]) -> tuple[int, float, str]:
    return ORDER.get(app.get("state") or "", 1), -(app.get("requests") or 0), app["name"]


def that_fit(apps: list[dict[str, Any]], lines: int | None) -> list[dict[str, Any]]:
    """As many of the apps as `lines` hold, with their releases."""
    if lines is None:
        return apps
    shown: list[dict[str, Any]] = []
    for app in apps:
        lines -= 1 + len(_parallel(app))
        if lines < 0:
            break
        shown.append(app)
    return shown
