"""Who somebody is. Accounts are read from a file, anew when it changes.

What is wrong about a password is told to nobody, the log included.
"""

import asyncio
import hashlib
import json
import logging
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supply.passwords import NOBODY, matches, shown
from supply.registry.scopes import Rights

PASSWORD_SECONDS = 60.0  # for which a password that was right is not checked again: bcrypt is slow
WRONG_SECONDS = 1.0  # that a wrong password costs beside bcrypt: guessing takes too long
CHECKS = 2  # passwords that are checked at once: who guesses does not get all processors
log = logging.getLogger("registry")


@dataclass(frozen=True)
class Account:
    """Somebody, and what he may do."""

    name: str
    bcrypt: str
    rights: Rights


class Accounts:
    """The accounts of a file."""

    def __init__(self, path: Path, wrong_seconds: float = WRONG_SECONDS) -> None:
        self._path, self._wrong_seconds = path, wrong_seconds
        self._changed = -1
        self._accounts: dict[str, Account] = {}
        self._right: dict[str, float] = {}
        self._checks = asyncio.Semaphore(CHECKS)

    async def of(self, header: str | None) -> Account | None:
        """Whom HTTP's Basic authentication shows; None for nobody, or a wrong password."""
        if not header:
            return None
        self._read()
        name, password = shown(header)
        account = self._accounts.get(name)
        hashed = account.bcrypt if account else NOBODY
        remembered = hashlib.sha256(f"{header} {hashed}".encode()).hexdigest()
        if account and self._right.get(remembered, 0.0) > time.monotonic():
            return account
        # Slow for a wrong name too, so that nobody learns which names there are.
        async with self._checks:
            right = await asyncio.to_thread(matches, password, hashed)
        if account is None or not right:
            await asyncio.sleep(self._wrong_seconds)
            return None
        self._right[remembered] = time.monotonic() + PASSWORD_SECONDS
        return account

    def _read(self) -> None:
        try:
            changed = self._path.stat().st_mtime_ns
            if changed == self._changed:
                return
            told: dict[str, dict[str, Any]] = json.loads(self._path.read_text())
            self._accounts = {name: _account(name, value) for name, value in told.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.error("%s: %s; the accounts stay as they were", self._path, type(error).__name__)
            return
        self._changed = changed
        self._right.clear()


def _account(name: str, told: dict[str, Any]) -> Account:
    rights = Rights(
        tuple(told.get("pull", ())),
        tuple(told.get("push", ())),
        told.get("delete") is True,
        told.get("admin") is True,
    )
    return Account(name, str(told["bcrypt"]), rights)
