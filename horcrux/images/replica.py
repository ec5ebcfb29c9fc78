"""The registry's replica, as the registry tells of it, and what it is told to do about it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from horcrux.exits import Exit, HorcruxError
from horcrux.images import resolve
from horcrux.images.client import Client
from horcrux.images.names import Name

ASK_SECONDS = 30  # it knows the answer
LINE_SECONDS = 60  # it tells something every second
NONE = (
    "the registry has no replica; set horcrux:registry.replica (see: horcrux docs registry.replica), "
    "then horcrux up"
)


def ask(registry: Mapping[str, Any]) -> dict[str, Any] | None:
    """How far the replica is; None where there is none. Raises HorcruxError."""
    with Client(resolve.REGISTRY, registry) as client:
        answer = client.ask("GET", "/horcrux/replica", ASK_SECONDS)
        if answer.status_code == 404:  # a registry of before there were any
            return None
        if not answer.ok:
            raise client.refusal(answer)
        told: dict[str, Any] = answer.json()
    return told if told.get("enabled") else None


def replicate(registry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Have all compared and brought there now; what is told until that has ended. Raises HorcruxError."""
    return _told(registry, "/horcrux/replica", {})


def restore(registry: Mapping[str, Any], images: Iterable[str] | None) -> Iterator[dict[str, Any]]:
    """Have images (`REPOSITORY@DIGEST`, `REPOSITORY:TAG`) brought back, or everything; what is told."""
    return _told(registry, "/horcrux/restore", {} if images is None else {"images": list(images)})


def of_registry(registry: Mapping[str, Any], references: Iterable[str]) -> list[str]:
    """Those that are the registry's own, as `restore` wants them: by digest where they have one. Pure."""
    found = set()
    for reference in references:
        if resolve.in_registry(registry, reference):
            name = Name.of(reference)
            tag, at, digest = name.version.partition("@")
            found.add(
                f"{name.repository}{at}{digest}" if at else f"{name.repository}{tag or ':latest'}"
            )
    return sorted(found)


def _told(registry: Mapping[str, Any], path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with Client(resolve.REGISTRY, registry) as client:
        answer = client.ask("POST", path, LINE_SECONDS, body, stream=True)
        if answer.status_code == 404:
            raise HorcruxError(NONE, Exit.USAGE)
        if not answer.ok:
            raise client.refusal(answer)
        rest, ended = b"", False
        for piece in client.pieces(answer, LINE_SECONDS):
            *lines, rest = (rest + piece).split(b"\n")
            for line in filter(bytes.strip, lines):
                told: dict[str, Any] = json.loads(line)
                ended = told.get("ended") is True
                yield told
    if not ended:
        raise HorcruxError(
            "the registry ended before it was done; the same command carries on. See: horcrux registry status"
        )
