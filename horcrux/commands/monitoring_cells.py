"""What the tables of `top` are made of: room, colours, cells.

Names and texts are others' and may hold anything: they become Text, never markup.
"""

from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from horcrux.report.units import NOTHING, plain

WIDE = 110  # columns from which there is room for the whole of it
STATES = {
    "ready": "green", "well": "green", "current": "green",
    "degraded": "yellow", "drained": "yellow", "unknown": "yellow", "stopped": "dim",
    "down": "bold red", "refused": "bold red", "missing": "bold red",
}  # fmt: skip


@dataclass(frozen=True)
class Room:
    """How much may be drawn. `height` None: all of it."""

    width: int
    height: int | None = None

    @property
    def wide(self) -> bool:
        """Whether everything has room."""
        return self.width >= WIDE


def state_of(state: str | None) -> Text:
    return Text(plain(state or NOTHING), STATES.get(state or "", ""))


def or_dash(value: object) -> str:
    return NOTHING if value is None else str(value)


def table_for(room: Room) -> Table:
    return Table(
        box=None, header_style="dim", pad_edge=False, padding=(0, 2 if room.wide else 1, 0, 0)
    )
