"""A source whose overview the test sets, from any thread."""

import asyncio
import copy
import math
import time
from collections.abc import AsyncIterator
from typing import Any

from control.portal.source import SourceError
from tests.browser.world import Json, calm

POINTS = 120
RENEWED_SECONDS = 1.0  # as the real one, a little faster: news comes though nothing has changed


class FakeSource:
    """What the portal is told."""

    def __init__(self) -> None:
        self.told = calm()
        self.silences: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, int]] = []
        self.problem = ""  # of the monitoring
        self.unknown: set[str] = set()  # things that there are no numbers of
        self.stalled = False  # no news, though the connection holds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news: set[asyncio.Event] = set()

    def tell(self, told: Json) -> None:
        """This is how it is from now on."""
        self.told = told
        if self._loop:
            self._loop.call_soon_threadsafe(self._wake)

    def change(self, **parts: Any) -> None:
        """The same, but for some parts of it."""
        self.tell({**self.told, **parts})

    async def overview(self) -> dict[str, Any]:
        """As it was told, as of now."""
        return copy.deepcopy(self.told) | {"time": time.time()}

    async def changes(self) -> AsyncIterator[dict[str, Any]]:
        """At every `tell`, and each second."""
        self._loop = asyncio.get_running_loop()
        news = asyncio.Event()
        self._news.add(news)
        try:
            while True:
                if not self.stalled:
                    yield await self.overview()
                try:
                    async with asyncio.timeout(RENEWED_SECONDS):
                        await news.wait()
                except TimeoutError:
                    continue
                news.clear()
        finally:
            self._news.discard(news)

    async def series(self, what: str, name: str, minutes: int) -> dict[str, Any]:
        """Waves, with a gap, so that there is something to see."""
        self.asked.append((what, name, minutes))
        if self.problem:
            raise SourceError(self.problem)
        end, step = time.time(), minutes * 60 / POINTS
        times = [round(end - (POINTS - 1 - i) * step, 1) for i in range(POINTS)]
        seed = sum(map(ord, name)) % 7

        def wave(middle: float, swing: float, turn: float = 0) -> list[float | None]:
            if name in self.unknown:
                return [None] * POINTS
            return [
                None
                if 30 <= i < 34
                else middle
                + swing * math.sin(i / 11 + turn + seed)
                + swing / 4 * math.sin(i * 1.7 + seed)
                for i in range(POINTS)
            ]

        if what == "host":
            found = {
                "cpu": wave(0.3, 0.12),
                "memory": wave(0.45, 0.04, 1),
                "disk": wave(0.41, 0.005),
                "receive": wave(14_000, 6_000),
                "transmit": wave(31_000, 9_000, 2),
            }
        else:
            found = {
                "requests": wave(40, 14),
                "errors": wave(0.006, 0.004),
                "p50": wave(0.006, 0.002),
                "p95": wave(0.05, 0.016, 1),
                "p99": wave(0.12, 0.04, 2),
            }
        return {"times": times, "series": found}

    async def silence(
        self, matchers: dict[str, str], seconds: int, comment: str, author: str
    ) -> str:
        """Kept for the test to look at, and believed at once."""
        if self.problem:
            raise SourceError(self.problem)
        given = {"matchers": matchers, "seconds": seconds, "comment": comment, "author": author}
        self.silences.append(given)
        alerts = [
            a | {"silenced": a["silenced"] or a["labels"] == matchers} for a in self.told["alerts"]
        ]
        self.change(alerts=alerts)
        return "silence-1"

    def _wake(self) -> None:
        for news in self._news:
            news.set()
