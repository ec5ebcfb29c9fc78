"""The picture of pulls under way: a live line for each host in a terminal, a line at its end elsewhere."""

import threading
import time
from collections.abc import Iterable

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from horcrux.images.pulling import Pull
from horcrux.report import units
from horcrux.report.units import plain

WIDTH = 24  # columns of a bar


class Pulls:
    """How one image gets to the hosts; told of from several threads."""

    def __init__(self, console: Console, name: str, hosts: Iterable[str]) -> None:
        self._console, self._name = console, name
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._pulls: dict[str, Pull] = {host: Pull() for host in hosts}
        self._live = Live(
            get_renderable=self._picture, console=console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "Pulls":
        self._console.print(plain(self._name), style="bold", markup=False)
        if self._console.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._console.is_terminal:
            self._live.__exit__(None, None, None)

    def note(self, host: str, pull: Pull) -> None:
        """Take note of one host."""
        with self._lock:
            self._pulls[host] = pull
        if pull.over:
            self._console.print(_ending(host, pull))

    def _picture(self) -> Table:
        with self._lock:
            under_way = {host: pull for host, pull in self._pulls.items() if not pull.over}
        seconds = time.monotonic() - self._began
        table = Table.grid(padding=(0, 2))
        for host, pull in under_way.items():
            table.add_row(
                Text("  …", "cyan"), host, _bar(pull), _far(pull), Text(f"{seconds:.0f} s", "dim")
            )
        return table


def _ending(host: str, pull: Pull) -> Text:
    took = f"{pull.seconds:.1f} s"
    if pull.reason:
        return Text.assemble(("  ✗ ", "red"), f"{host}  {plain(pull.reason)}  ", (took, "dim"))
    came = units.size(pull.received) if pull.received else "was there"
    return Text.assemble(("  ✓ ", "green"), f"{host}  {came}  ", (took, "dim"))


def _bar(pull: Pull) -> Text:
    """The layers that have begun; more may follow, so that it can grow shorter."""
    filled = round(WIDTH * pull.received / pull.size) if pull.size else 0
    text = Text("━" * filled, "green")
    return text.append("─" * (WIDTH - filled), "bright_black")


def _far(pull: Pull) -> str:
    return f"{units.size(pull.received)} of {units.size(pull.size)}" if pull.size else "asking"
