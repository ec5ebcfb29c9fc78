"""What the cache is told by its environment; components/image_cache.py writes it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Upstream:
    """A registry that is cached. `ttl`: seconds for which a tag of it is believed."""

    name: str
    url: str
    ttl: float
    username: str | None = None
    password: str | None = None


@dataclass(frozen=True)
class Account:
    """Who may read private repositories: those (UPSTREAM/REPOSITORY) that match one of the patterns."""

    bcrypt: str
    private: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """`limit`: bytes of disk; `peers`: the DNS name of all tasks, empty for none."""

    host: str
    name: str
    peers: str
    limit: int
    upstreams: dict[str, Upstream]
    accounts: dict[str, Account]

    @classmethod
    def read(cls, path: Path, variables: Mapping[str, str] = os.environ) -> "Settings":
        """From the secret file and the environment. Raises KeyError for what is missing."""
        told = json.loads(path.read_text())
        return cls(
            variables["HORCRUX_HOST"],
            variables["HORCRUX_CACHE_NAME"],
            variables.get("HORCRUX_CACHE_PEERS", ""),
            int(told["limit"]),
            {
                name: Upstream(
                    name, u["url"], float(u["ttl"]), u.get("username"), u.get("password")
                )
                for name, u in told["upstreams"].items()
            },
            {
                name: Account(a["bcrypt"], tuple(a["private"]))
                for name, a in told["accounts"].items()
            },
        )
