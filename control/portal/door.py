"""The way in: a password is checked in a thread, one at a time, and no more often than the limits say."""

import asyncio

from control.portal.account import Account
from control.portal.limits import Limits

MOST_WAITING = 16  # at 0.1 s each, nobody waits longer than two seconds for a turn
BUSY_SECONDS = 5  # when to come again if so many wait: they are done by then


class TooOftenError(Exception):
    """No try now; `seconds` says when."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


class Door:
    """Who may come in."""

    def __init__(self, account: Account, limits: Limits) -> None:
        self._account, self._limits = account, limits
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def admits(self, address: str, username: str, password: str) -> bool:
        """Whether the password is right; raises `TooOftenError` without having looked at it."""
        self._refuse_guessers(address)
        if self._waiting >= MOST_WAITING:
            raise TooOftenError(BUSY_SECONDS)
        self._waiting += 1
        try:
            async with self._turn:
                self._refuse_guessers(address)  # others may have failed while this one waited
                right = await asyncio.to_thread(self._account.admits, username, password)
                (self._limits.succeeded if right else self._limits.failed)(address)
                return right
        finally:
            self._waiting -= 1

    def _refuse_guessers(self, address: str) -> None:
        seconds = self._limits.wait(address)
        if seconds:
            raise TooOftenError(seconds)
