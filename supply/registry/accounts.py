"""Who may do what in the registry. Accounts are read from a file, anew when it changes."""

import asyncio
import base64
import binascii
import fnmatch
import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt

PASSWORD_SECONDS = 60.0  # for which a password that was right is not checked again: bcrypt is slow
NOBODY = bcrypt.hashpw(b"nobody", bcrypt.gensalt(10)).decode()


@dataclass(frozen=True)
class Account:
    """Patterns of repositories. Who may push may pull."""

    name: str
    bcrypt: str
    pull: tuple[str, ...]
    push: tuple[str, ...]
    delete: bool
    admin: bool

    def actions(self, repository: str) -> set[str]:
        """What it may do to a repository, in the token specification's words."""
        push = _matches(repository, self.push)
        found = {"pull"} if push or _matches(repository, self.pull) else set()
        found |= {"push"} if push else set()
        return found | ({"delete"} if push and self.delete else set())


class Accounts:
    """The accounts of a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[int, dict[str, Account]] = (-1, {})
        self._right: dict[str, float] = {}

    async def of(self, header: str | None) -> Account | None:
        """Whom HTTP's Basic authentication shows; None for nobody, or a wrong password."""
        accounts = self._accounts()
        name, password = _basic(header or "")
        account = accounts.get(name)
        hashed = account.bcrypt if account else NOBODY
        remembered = hashlib.sha256(f"{header} {hashed}".encode()).hexdigest()
        if account and self._right.get(remembered, 0.0) > time.monotonic():
            return account
        # Slow for a wrong name too, so that nobody learns which names there are.
        right = await asyncio.to_thread(_checked, password, hashed)
        if account is None or not right:
            return None
        self._right[remembered] = time.monotonic() + PASSWORD_SECONDS
        return account

    def _accounts(self) -> dict[str, Account]:
        changed = self._path.stat().st_mtime_ns
        if changed != self._read[0]:
            told: dict[str, dict[str, Any]] = json.loads(self._path.read_text())
            self._read = (changed, {name: _account(name, value) for name, value in told.items()})
            self._right.clear()
        return self._read[1]


def granted(account: Account, scopes: Iterable[str]) -> list[dict[str, Any]]:
    """What of the scopes that are asked for (`repository:NAME:pull,push`) an account gets."""
    found = []
    for scope in scopes:
        kind, _, rest = scope.partition(":")
        name, _, asked = rest.rpartition(":")
        wanted = set(asked.split(","))
        if kind == "repository":
            allowed = account.actions(name)
            actions = allowed if "*" in wanted else wanted & allowed
        else:
            actions = wanted if account.admin and (kind, name) == ("registry", "catalog") else set()
        if actions:
            found.append({"type": kind, "name": name, "actions": sorted(actions)})
    return found


def _account(name: str, told: dict[str, Any]) -> Account:
    pull, push = tuple(told.get("pull", ())), tuple(told.get("push", ()))
    return Account(
        name, told["bcrypt"], pull, push, told.get("delete") is True, told.get("admin") is True
    )


def _matches(repository: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(repository, pattern) for pattern in patterns)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, word = header.partition(" ")
    try:
        plain = base64.b64decode(word, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        plain = ""
    name, _, password = plain.partition(":")
    return name, password


def _checked(password: str, hashed: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode(), hashed.encode())
    except ValueError:
        return False
