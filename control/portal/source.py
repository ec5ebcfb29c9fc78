"""Where the portal's facts come from. Their shape is that of control's `/v1/overview` and `/v1/series`."""

from collections.abc import AsyncIterator
from typing import Any, Protocol


class SourceError(Exception):
    """What was asked cannot be told now; the message is a sentence for the person who asked."""


class Source(Protocol):
    """What the portal asks of control; each may raise `SourceError`."""

    async def overview(self) -> dict[str, Any]:
        """How everything is now."""
        ...

    async def series(self, what: str, name: str, minutes: int) -> dict[str, Any]:
        """How an `app`, a `host` or a `release` (by its service's name) has been."""
        ...

    async def silence(
        self, matchers: dict[str, str], seconds: int, comment: str, author: str
    ) -> str:
        """Let nobody be notified of the alerts with these labels; the silence's id."""
        ...

    def changes(self) -> AsyncIterator[dict[str, Any]]:
        """The overview whenever it is renewed, every few seconds."""
        ...
