"""Asking registries: what they send is taken as it is, since a digest is over just that."""

from typing import Any

import aiohttp

# Some compress whatever they may, and what is then counted and hashed is something else.
PLAIN = {"Accept-Encoding": "identity"}


def session(agent: str | None = None, **options: Any) -> aiohttp.ClientSession:
    """A client that unpacks nothing, and asks for nothing that would have to be; `options`: aiohttp's own."""
    headers = PLAIN | ({"User-Agent": agent} if agent else {})
    return aiohttp.ClientSession(auto_decompress=False, headers=headers, **options)
