"""Control's parts for tests: its API over what a test knows, and services of the platform's to ask."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from control.answers import Answers
from control.api import Api
from control.event_log import EventLog
from control.routes import Routes
from control.targets import Outside
from control.upstream import Upstream, UpstreamError
from control.watch import Watch
from tests.support.haproxy_check import free_port

URL = "http://{host}:8080{path}"
OUTSIDE = Outside("front-door:8080", "front-door:8443", "registry:5000")
NOWHERE = Path("/dev/null/events.jsonl")  # a file that can be neither read nor written


class Away:
    """A Prometheus or an Alertmanager of which no task runs."""

    def __getattr__(self, _: str) -> Any:
        async def ask(*_: Any, **__: Any) -> Any:
            raise UpstreamError("horcrux-played: no task runs")

        return ask


class PlayedService(Upstream):
    """A service whose tasks are HTTP servers of the test's: 127.0.0.1, 127.0.0.2 and so on."""

    def __init__(self) -> None:
        super().__init__("horcrux-played", free_port())
        self.tasks: list[str] = []

    async def addresses(self) -> list[str]:
        """The tasks, the one that answered last first."""
        return sorted(self.tasks, key=lambda address: (address != self._last, address))

    @contextlib.asynccontextmanager
    async def task(self, *routes: web.RouteDef) -> AsyncIterator[str]:
        """One more task, for as long as the block lasts; its address."""
        app = web.Application()
        app.add_routes(routes)
        address = f"127.0.0.{len(self.tasks) + 1}"
        async with TestServer(app, host=address, port=self._port):
            self.tasks.append(address)
            yield address


def api(
    routes: Routes | None = None,
    watch: Watch | None = None,
    prometheus: Any = None,
    alertmanager: Any = None,
    registries: Sequence[CollectorRegistry] = (),
) -> Api:
    """The internal API; what a test leaves out knows nothing, or does not answer."""
    watch = watch or Watch("manager-1", EventLog(NOWHERE))
    away: Any = Away()
    answers = Answers("dev", URL, watch, prometheus or away, alertmanager or away, dict)
    return Api(routes or Routes(), watch, answers, OUTSIDE, tuple(registries))
