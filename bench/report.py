"""Where figures go: build/bench.json, and a table on the terminal."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures import Figure, Unit
from horcrux.docker_api import machine

FORMAT = 1  # of build/bench.json; goes up when a field changes its meaning
DIGITS: dict[Unit, int] = {
    "requests/s": 0,
    "requests": 0,
    "MB": 0,
    "ratio": 2,
    "s": 1,
    "ms": 1,
    "%": 2,
    "kB": 0,
    "MB/s": 0,
}


def write(path: Path, figures: list[Figure], failures: dict[str, str]) -> None:
    """Write all of it as JSON; `failures` are benches that gave no figure, and why."""
    document = {
        "format": FORMAT,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "figures": [figure.as_json() for figure in figures],
        "failures": failures,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


def table(figures: list[Figure]) -> Table:
    """The figures for people."""
    found = Table("figure", box=None, header_style="dim")
    for heading in ("median", "least", "most", "runs"):
        found.add_column(heading, justify="right")
    found.add_column("aim")
    for figure in figures:
        values = [
            shown(v, figure.unit) for v in (figure.median, min(figure.runs), max(figure.runs))
        ]
        values[0] = f"[bold]{values[0]}[/] {figure.unit}"
        found.add_row(figure.title, *values, str(len(figure.runs)), figure.aim)
    return found


def shown(value: float, unit: Unit) -> str:
    """A value with as many digits as mean something."""
    return f"{value:,.{DIGITS[unit]}f}"


def print_all(figures: list[Figure], failures: dict[str, str], console: Console) -> None:
    """The table, and what gave no figure."""
    if figures:
        console.print(table(figures))
    for name, why in failures.items():
        console.print(f"[yellow]![/] {name} gave no figure:", end=" ")
        console.print(why, markup=False)


def _machine() -> dict[str, Any]:
    with machine() as engine:
        info = engine.info()
    return {
        "processors": os.cpu_count(),
        "memory_mb": int(info["MemTotal"]) >> 20,
        "load_at_end": [round(load, 2) for load in os.getloadavg()],
        "kernel": platform.release(),
        "docker": info["ServerVersion"],
        "python": platform.python_version(),
    }
