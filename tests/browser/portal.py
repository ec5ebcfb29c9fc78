"""The portal on a loopback port, in a thread with a loop of its own, so that it can stop and come back."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any

import bcrypt
from aiohttp import web

from control.portal.account import Account
from control.portal.server import Options, application
from tests.browser.fake_source import FakeSource

PASSWORD = "correct horse battery staple"  # noqa: S105 - the test's own
CHEAP = 4  # bcrypt's fewest rounds: the tests are not about its strength
SOON = 10  # seconds in which a server on loopback surely starts or stops


def account() -> Account:
    """The account that the tests log in with."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(CHEAP)).decode()
    return Account(password_bcrypt=hashed, key="k" * 64)


class RunningPortal:
    """A portal that runs, what it is told, and its clock."""

    def __init__(self) -> None:
        self.source = FakeSource()
        self.ahead = 0.0  # seconds that the portal's clock is ahead of the world's
        self.port = 0
        self._account = account()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner: web.AppRunner | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, on the same port as before."""
        self._do(self._start())

    def stop(self) -> None:
        """Go away, as a process that is told to."""
        if self._runner:
            self._do(self._runner.cleanup())
            self._runner = None

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SOON)
        self._loop.close()

    async def _start(self) -> None:
        app = application(
            self.source, self._account, Options("dev"), lambda: time.time() + self.ahead
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(SOON)
