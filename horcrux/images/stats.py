"""What the cache did: requests, hits, and what it spared the way to other registries."""

from collections.abc import Iterable, Mapping
from typing import Any

from horcrux.images import resolve
from horcrux.images.client import Client

STATS_SECONDS = 15  # the manager that answers asks the others, which answer in milliseconds


def ask(cache: Mapping[str, Any]) -> dict[str, Any]:
    """What all managers' caches say: {"hosts": […], "upstreams": {…}}. Raises HorcruxError."""
    with Client(resolve.CACHE, cache) as client:
        return client.json("GET", "/horcrux/stats", STATS_SECONDS)


def rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each upstream that was asked for, the busiest first. Pure."""
    upstreams: Mapping[str, Mapping[str, Any]] = told.get("upstreams") or {}
    found = [_row(name, its) for name, its in upstreams.items()]
    return sorted(found, key=lambda row: (-row["requests"], row["upstream"]))


def asked(found: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The rows of upstreams of which something was wanted, and the names of the others. Pure."""
    every = list(found)
    quiet = [row["upstream"] for row in every if not row["requests"] and row["up"] is None]
    return [row for row in every if row["upstream"] not in quiet], quiet


def disks(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Bytes stored and their limit on each manager; None where its cache does not answer. Pure."""
    return [
        {"host": its.get("host") or "?", "stored": its.get("stored"), "limit": its.get("limit")}
        for its in told.get("hosts") or ()
    ]


def _row(name: str, its: Mapping[str, Any]) -> dict[str, Any]:
    requests, hits = int(its.get("requests") or 0), int(its.get("hits") or 0)
    return {
        "upstream": name,
        "requests": requests,
        "hit_ratio": hits / requests if requests else None,
        "served_bytes": its.get("served_bytes"),
        "fetched_bytes": its.get("fetched_bytes"),
        "saved_bytes": its.get("saved_bytes"),
        "saved_seconds": its.get("saved_seconds"),
        "errors": int(its.get("errors") or 0),
        "up": its.get("up"),
    }
