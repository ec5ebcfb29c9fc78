"""`top` in a terminal: asks in the background, draws, and ends on q or Ctrl-C."""

import os
import select
import sys
import termios
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from horcrux.cluster.control import ControlError
from horcrux.commands.monitoring_cells import Room
from horcrux.commands.monitoring_history import History
from horcrux.commands.monitoring_top import picture
from horcrux.report import units

DRAW_SECONDS = 0.25  # a key is answered at once; this is how soon news is shown
KEYS = 64  # bytes read at once: more than anybody presses between two pictures


class Watch:
    """Asks every so often, in a thread of its own, so that a slow answer does not hold up a key."""

    def __init__(self, look: Callable[[], dict[str, Any]], history: History, every: float) -> None:
        self._look, self._history, self._every = look, history, every
        self._ended = threading.Event()
        self.document: dict[str, Any] | None = None
        self.problem: str | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()

    def ask(self) -> None:
        """Look once; what was known stays when there is no answer."""
        try:
            document = self._look()
        except ControlError as error:
            self.problem = str(error)
        else:
            self._history.note(document)
            self.document, self.problem = document, None

    def _run(self) -> None:
        while not self._ended.is_set():
            self.ask()
            self._ended.wait(self._every)


def run(console: Console, watch: Watch, history: History) -> None:
    """Draw until the user has seen enough."""
    with watch, _keys(), Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while True:
                room = Room(console.width, console.height)
                live.update(drawn(watch, history, room, time.time()), refresh=True)
                if select.select([sys.stdin], [], [], DRAW_SECONDS)[0] and _ends():
                    return
        except KeyboardInterrupt:
            return


def drawn(watch: Watch, history: History, room: Room, now: float) -> RenderableType:
    """What the screen shows: the last picture, how old it is when that matters, and how to leave."""
    foot = Text("\n q ends", "dim")
    if watch.document is None:
        return Group(Text(watch.problem or "asking control …", "yellow"), foot)
    body = picture(watch.document, history, room)
    if watch.problem:
        age = units.lasting(max(0, now - watch.document["time"]))
        foot = Text(f"\n! as of {age} ago: {watch.problem}", "yellow")
        foot.no_wrap, foot.overflow = True, "ellipsis"
    return Group(body, foot)


def _ends() -> bool:
    """Whether q was pressed, or nobody is there to press it."""
    pressed = os.read(sys.stdin.fileno(), KEYS)
    return not pressed or b"q" in pressed.lower()


@contextmanager
def _keys() -> Iterator[None]:
    """Keys as they are pressed, and not shown."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
