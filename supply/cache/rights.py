"""Who may have what: nobody gets from the cache what the upstream would not give him."""

import asyncio
import fnmatch
import hashlib
import hmac
import time
from collections.abc import Mapping

from supply.cache.failure import DeniedError, MissingError, UpstreamError
from supply.cache.index import Index
from supply.cache.names import Name, Wanted
from supply.cache.settings import Account
from supply.cache.upstream import Client
from supply.passwords import NOBODY, matches, shown

PUBLIC_SECONDS = 3600.0  # a repository that was public may have become private
TOKEN_SECONDS = 300  # a pull of a large image asks for a new one
PASSWORD_SECONDS = 60.0  # bcrypt is slow on purpose; a pull asks a dozen times


class WrongPasswordError(Exception):
    """There is no such account, or its password is another."""


class Accounts:
    """Who somebody is: by HTTP's Basic authentication, or by a token that was given for it.

    Engines show a password only to whoever gives tokens for it, and show a token of nobody where they
    have none. Every task signs with the same key, made of what all of them are told.
    """

    def __init__(self, accounts: Mapping[str, Account]) -> None:
        self._accounts = accounts
        self._known: dict[str, tuple[str, float]] = {}
        told = repr(sorted((name, a.bcrypt) for name, a in accounts.items()))
        self._key = hashlib.sha256(f"image cache tokens {told}".encode()).digest()

    async def token(self, header: str | None) -> dict[str, str | int]:
        """A token for an account, or for nobody. Raises WrongPasswordError."""
        name = await self._name(header) if header else ""
        told = f"{name}.{int(time.time()) + TOKEN_SECONDS}"
        token = f"{told}.{self._signature(told)}"
        return {"token": token, "access_token": token, "expires_in": TOKEN_SECONDS}

    def _signature(self, told: str) -> str:
        return hmac.new(self._key, told.encode(), "sha256").hexdigest()

    def _of_token(self, token: str) -> Account | None:
        told, _, signature = token.rpartition(".")
        name, _, until = told.rpartition(".")
        right = hmac.compare_digest(self._signature(told).encode(), signature.encode())
        if not right or float(until) < time.time():
            raise WrongPasswordError(name)
        return self._accounts[name] if name else None

    async def of(self, header: str | None) -> Account | None:
        """The account that a request shows; None for none. Raises WrongPasswordError."""
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer":
            return self._of_token(token)
        return self._accounts[await self._name(header)]

    async def _name(self, header: str) -> str:
        """Whose password a header shows. Raises WrongPasswordError."""
        remembered = hashlib.sha256(header.encode()).hexdigest()
        name, until = self._known.get(remembered, ("", 0.0))
        if until > time.monotonic():
            return name
        name, password = shown(header)
        account = self._accounts.get(name)
        hashed = account.bcrypt if account else NOBODY
        right = await asyncio.to_thread(matches, password, hashed)
        if account is None or not right:
            raise WrongPasswordError(name)
        self._known[remembered] = (name, time.monotonic() + PASSWORD_SECONDS)
        return name


class Rights:
    """Which repositories are public, as their upstreams say to somebody without an account."""

    def __init__(self, clients: Mapping[str, Client], index: Index) -> None:
        self._clients, self._index = clients, index
        self._public: dict[Name, tuple[bool, float]] = {}

    async def public(self, wanted: Wanted) -> bool:
        """Whether anybody may read the repository of which something is wanted.

        An upstream that we have no account at, and had none, gave us nothing private. One that does not
        answer has not said yes, but what it last said still holds.
        """
        name = wanted.name
        client = self._clients[name.upstream]
        if client.upstream.username is None and not self._index.private(name):
            return True
        told, until = self._public.get(name, (False, 0.0))
        if until > time.monotonic():
            return told
        if (
            wanted.kind == "tags"
        ):  # who gives their list need not give the images, nor the other way
            return await _lists(client, name)
        try:
            await client.digest(name.repository, wanted.reference, kind=wanted.kind, anonymous=True)
            public = True
        except DeniedError:
            public = False
        except MissingError:  # some registries say so of what is private, too
            return False
        except UpstreamError:
            return told
        self._index.set_private(name, not public)
        self._public[name] = (public, time.monotonic() + PUBLIC_SECONDS)
        return public


async def _lists(client: Client, name: Name) -> bool:
    """Whether the upstream gives the list of a repository's tags to somebody without an account."""
    try:
        await client.tags(name.repository, anonymous=True)
    except UpstreamError:
        return False
    return True


def may(account: Account | None, name: Name) -> bool:
    """Whether an account may read a repository that is not public."""
    return account is not None and any(fnmatch.fnmatchcase(str(name), p) for p in account.private)
