"""The portal on a loopback port, in a thread of its own, so that it can stop and come back."""

import time

import bcrypt
from aiohttp import web

from control.portal.account import Account
from control.portal.server import Options, application
from tests.browser.fake_source import FakeSource
from tests.browser.island import Island

PASSWORD = "correct horse battery staple"
CHEAP = 4  # bcrypt's fewest rounds: the tests are not about its strength


def account() -> Account:
    """The account that the tests log in with."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(CHEAP)).decode()
    return Account(password_bcrypt=hashed, key="k" * 64)


class RunningPortal:
    """A portal that runs, what it is told, and its clock."""

    def __init__(self, island: Island) -> None:
        self.source = FakeSource()
        self.ahead = 0.0  # seconds that the portal's clock is ahead of the world's
        self.port = 0
        self._island, self._account = island, account()
        self._runner: web.AppRunner | None = None
        self.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve, on the same port as before."""
        self._island.do(self._start())

    def stop(self) -> None:
        """Go away, as a process that is told to."""
        if self._runner:
            self._island.do(self._runner.cleanup())
            self._runner = None

    async def _start(self) -> None:
        app = application(
            self.source, self._account, Options("dev"), lambda: time.time() + self.ahead
        )
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
