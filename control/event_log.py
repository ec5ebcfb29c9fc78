"""The last events, in memory and in a file: bounded, read again at start, followed by whoever asks.

It is a convenience, not a record: a control that starts takes over what it lacks from the others.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from control.events import Event, merged

MOST = 2000  # some days of an ordinary environment, and a megabyte at most
# A task that fails again and again must not push out everything else; TaskRestartsInALoop tells of it.
REPEATING, MOST_OF_ONE, WINDOW_SECONDS = ("task", "release"), 12, 300.0
FIELDS = tuple(Event.__dataclass_fields__)


class EventLog:
    """The last MOST events, the oldest first."""

    def __init__(self, path: Path) -> None:
        self._path, self._lines = path, 0
        self.events: list[Event] = merged(_read(path))[-MOST:]
        self._grown = asyncio.Event()

    def add(self, events: Iterable[Event]) -> list[Event]:
        """Those of `events` that are new, now part of the log."""
        there = {e.id for e in self.events}
        new: list[Event] = []
        for event in events:
            if event.id not in there and not self._repeats(event, new):
                new.append(event)
        if not new:
            return []
        self.events = merged(self.events, new)[-MOST:]
        try:
            self._write(new)
        except OSError:  # a full disk costs history, not the service
            self._lines = 0  # the file may end in half a line: the next time it is written anew
        self._grown.set()
        self._grown = asyncio.Event()
        return new

    def _repeats(self, event: Event, new: list[Event]) -> bool:
        """Whether so much has been told of the same of late that this tells nothing more."""
        if event.kind not in REPEATING:
            return False
        like = [
            e
            for e in (*self.events, *new)
            if (e.kind, e.subject) == (event.kind, event.subject)
            and event.time - WINDOW_SECONDS < e.time <= event.time
        ]
        return len(like) >= MOST_OF_ONE

    def since(self, time: float, limit: int = MOST) -> list[Event]:
        """The last `limit` events after a time."""
        found = [e for e in self.events if e.time > time]
        return found[max(0, len(found) - limit) :]

    async def follow(self, since: float) -> AsyncIterator[Event]:
        """Events after a time as they come, without end; late ones from other controls too."""
        told = {e.id for e in self.events if e.time <= since}
        while True:
            grown, events = self._grown, self.events  # others may come while these are taken
            for event in events:
                if event.id not in told:
                    yield event
            told = {e.id for e in events}
            await grown.wait()

    def _write(self, new: list[Event]) -> None:
        whole = self._lines == 0 or self._lines > 2 * MOST
        text = "".join(f"{json.dumps(e.as_json())}\n" for e in (self.events if whole else new))
        if whole:
            fresh = self._path.with_suffix(".new")
            fresh.write_text(text)
            fresh.replace(self._path)
            self._lines = len(self.events)
            return
        with self._path.open("a") as file:
            file.write(text)
        self._lines += len(new)


def of_json(document: Mapping[str, Any]) -> Event:
    """An event from the API or the file. Raises KeyError or TypeError for what is none."""
    return Event(**{name: document[name] for name in FIELDS})


def _read(path: Path) -> list[Event]:
    found: list[Event] = []
    with contextlib.suppress(OSError):
        for line in path.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):  # half a line
                found.append(of_json(json.loads(line)))
    return found
