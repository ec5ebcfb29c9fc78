"""What can be asked of the environment: put together from the Swarm, Prometheus and Alertmanager.

The portal and the internal API both ask here.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from control.alertmanager import Alertmanager
from control.overview import QUERIES, overview
from control.prometheus import Prometheus, Series
from control.series import curves
from control.upstream import UpstreamError
from control.watch import Watch

FRESH_SECONDS = 2.0  # everybody who looks within this is shown the same
RENEW_SECONDS = 3.0  # of a page that is open


class Answers:
    """Overview, curves, queries, alerts and silences."""

    def __init__(
        self,
        environment: str,
        url: str,
        watch: Watch,
        prometheus: Prometheus,
        alertmanager: Alertmanager,
        elastic: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`url`: a route's URL with {host} and {path} in it; `elastic`: what is decided of elastic apps."""
        self._environment, self._url, self._watch = environment, url, watch
        self.prometheus, self.alertmanager = prometheus, alertmanager
        self._elastic = elastic
        self._lock = asyncio.Lock()
        self._last: dict[str, Any] | None = None

    async def overview(self) -> dict[str, Any]:
        """The overview, at most FRESH_SECONDS old; it answers whatever does not."""
        async with self._lock:
            if self._last is None or time.time() - self._last["time"] > FRESH_SECONDS:
                self._last = await self._made()
            return self._last

    async def changes(self) -> AsyncIterator[dict[str, Any]]:
        """The overview again and again."""
        while True:
            yield await self.overview()
            await asyncio.sleep(RENEW_SECONDS)

    async def series(self, what: str, name: str, minutes: int) -> dict[str, Any]:
        """Curves: see control.series."""
        return await curves(self.prometheus, what, name, minutes, time.time())

    async def silence(
        self, matchers: dict[str, str], seconds: int, comment: str, author: str
    ) -> str:
        """Keep quiet about alerts: see control.alertmanager."""
        return await self.alertmanager.silence(matchers, seconds, comment, author)

    async def _made(self) -> dict[str, Any]:
        measured, alerts = await asyncio.gather(self._measured(), self._alerts())
        watch = self._watch
        return overview(
            self._environment,
            time.time(),
            watch.snapshot if watch.readable else watch.snapshot.of_old(),
            measured,
            alerts,
            watch.events.events,
            self._url,
            self._elastic(),
        )

    async def _measured(self) -> list[Series] | None:
        try:
            answers = await asyncio.gather(*(self.prometheus.now(query) for query in QUERIES))
        except UpstreamError:
            return None
        return [series for answer in answers for series in answer]

    async def _alerts(self) -> list[dict[str, Any]]:
        try:
            return await self.alertmanager.alerts()
        except UpstreamError:
            return []
