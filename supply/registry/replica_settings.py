"""Where the replica is; components/targets/local/registry.py writes it."""

import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from supply.session import session

FILE = "replica.json"
AGENT = "horcrux-registry"


@dataclass(frozen=True)
class ReplicaSettings:
    """`prefix`: before the names of repositories; `ca` (PEM): who signed its certificate."""

    url: str
    prefix: str
    username: str
    password: str = field(repr=False)
    ca: str | None = None

    @classmethod
    def read(cls, folder: Path) -> "ReplicaSettings | None":
        """None where there is no replica. Raises KeyError for what is missing."""
        try:
            told = json.loads((folder / FILE).read_text())
        except FileNotFoundError:
            return None
        return cls(
            told["url"],
            told.get("prefix") or "",
            told["username"],
            told["password"],
            told.get("ca") or None,
        )

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.url.partition('://')[2]}/{self.prefix}".rstrip("/")

    def session(self) -> aiohttp.ClientSession:
        """A client for it alone."""
        trust = ssl.create_default_context(cadata=self.ca)
        return session(AGENT, connector=aiohttp.TCPConnector(ssl=trust))
