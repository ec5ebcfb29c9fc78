"""How far a pull is, from the lines that an engine writes while it pulls. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RECEIVED = ("Download complete", "Verifying Checksum", "Extracting", "Pull complete")


@dataclass(frozen=True)
class Pull:
    """One host's pull: bytes of the layers that it lacked, and how it stands after `seconds`.

    `over`: whether it has ended; `reason`: why it failed.
    """

    received: int = 0
    size: int = 0
    seconds: float = 0.0
    over: bool = False
    reason: str | None = None


@dataclass
class Layers:
    """What the lines said so far: each layer's size, and how much of it is there."""

    size: dict[str, int] = field(default_factory=dict)
    received: dict[str, int] = field(default_factory=dict)
    error: str | None = None

    def note(self, line: Mapping[str, Any]) -> None:
        """Take note of one line."""
        if "error" in line:
            detail = line.get("errorDetail") or {}
            self.error = " ".join(str(detail.get("message") or line["error"]).split())
            return
        layer, status = line.get("id"), line.get("status")
        if layer is None or status is None:
            return
        detail = line.get("progressDetail") or {}
        if status == "Downloading":
            self.size[layer] = max(int(detail.get("total") or 0), self.size.get(layer, 0))
            self.received[layer] = int(detail.get("current") or 0)
        elif status in RECEIVED and layer in self.size:
            self.received[layer] = self.size[layer]

    def pull(self, seconds: float, *, over: bool = False) -> Pull:
        """How far it is."""
        received, size = sum(self.received.values()), sum(self.size.values())
        return Pull(received, max(size, received), seconds, over, self.error)
