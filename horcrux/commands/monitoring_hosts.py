"""The hosts in the picture of `top`."""

from typing import Any

from rich.table import Table
from rich.text import Text

from horcrux.commands.monitoring_cells import Room, or_dash, state_of, table_for
from horcrux.report import units
from horcrux.report.units import NOTHING, plain

HIGH, FULL = 0.75, 0.9  # of a host's own: worth a look; worth doing something


def hosts_table(hosts: list[dict[str, Any]], room: Room) -> Table:
    table = table_for(room)
    for name in ("host", *(("role", "zone") if room.wide else ()), "state"):
        table.add_column(name, no_wrap=True, max_width=24 if room.wide else 14)
    for name in ("CPU", "memory"):
        table.add_column(name, no_wrap=True)
    for name in ("disk", "tasks", "in/s", "out/s"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("edge", no_wrap=True)
    for host in hosts:
        name = Text(plain(host["name"]))
        if host.get("leader"):
            name.append("*", "dim")
        role = [plain(host.get("role", "")), plain(host.get("zone", ""))] if room.wide else []
        table.add_row(
            name,
            *role,
            state_of(host.get("state")),
            _cpu(host, room),
            _memory(host, room),
            _filled(host.get("disk")),
            or_dash(host.get("tasks")),
            units.size(host.get("receive")),
            units.size(host.get("transmit")),
            state_of(host.get("edge")),
        )
    return table


def _cpu(host: dict[str, Any], room: Room) -> Text:
    text = _bar(host.get("cpu"), room)
    if room.wide and host.get("cpus"):
        text.append(f" of {host['cpus']:g}", "dim")
    return text


def _memory(host: dict[str, Any], room: Room) -> Text:
    used, limit = host.get("memory"), host.get("memory_limit")
    text = _bar(used / limit if used is not None and limit else None, room)
    if room.wide and limit:
        text.append(f" of {units.size(limit)}", "dim")
    return text


def _bar(value: float | None, room: Room) -> Text:
    """A share of 1, drawn and written."""
    width = 8 if room.wide else 6
    if value is None:
        return Text("·" * width, "dim").append(f" {NOTHING:>4}")
    filled = min(width, round(value * width))
    text = Text("━" * filled, _heat(value))
    text.append("─" * (width - filled), "bright_black")
    return text.append(f" {value * 100:3.0f}%")


def _heat(value: float) -> str:
    return "bold red" if value >= FULL else "yellow" if value >= HIGH else "green"


def _filled(value: float | None) -> Text:
    if value is None:
        return Text(NOTHING, "dim")
    return Text(f"{value * 100:.0f}%", _heat(value) if value >= HIGH else "")
