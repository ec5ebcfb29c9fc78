"""What the environment's registry has."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from horcrux.images import resolve
from horcrux.images.client import Client

CATALOG_SECONDS = 60  # it reads every manifest once; a thousand take seconds


def ask(registry: Mapping[str, Any]) -> dict[str, Any]:
    """What the registry says of itself. Raises HorcruxError."""
    with Client(resolve.REGISTRY, registry) as client:
        return client.json("GET", "/horcrux/catalog", CATALOG_SECONDS)


def rows(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each tag, by repository, the newest first. Pure."""
    found = [row for its in told.get("repositories") or () for row in _rows(its)]
    return sorted(
        found, key=lambda row: (row["repository"], -(row["pushed"] or 0), row["tag"] or "")
    )


def _rows(its: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for tag in its.get("tags") or ():
        yield {
            "repository": its["name"],
            "tag": tag.get("tag"),
            "digest": tag.get("digest") or "",
            "size": tag.get("size"),
            "pushed": _seconds(tag.get("pushed")),
        }


def _seconds(at: object) -> float | None:
    """A time as seconds, whether it was told as such or as ISO 8601."""
    if isinstance(at, int | float):
        return float(at)
    try:
        return datetime.fromisoformat(str(at)).timestamp()
    except ValueError:
        return None
