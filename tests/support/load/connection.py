"""HTTP/1.1 as far as a load needs it: one request after another, answers of a declared length.

Written by hand because a client library asks again by itself when a kept connection is lost, which is
what a test is to see.
"""

import asyncio
from dataclasses import dataclass


class LostError(Exception):
    """A connection ended, or could not be made, before the answer was whole."""

    def __init__(self, kind: str, *, answer_begun: bool) -> None:
        super().__init__(kind)
        self.kind, self.answer_begun = kind, answer_begun


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


class Connection:
    """One TCP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.kept = True

    @classmethod
    async def open(cls, address: str, port: int) -> "Connection":
        """Connect. Raises LostError."""
        try:
            return cls(*await asyncio.open_connection(address, port))
        except OSError as error:
            raise LostError(f"no connection: {type(error).__name__}", answer_begun=False) from error

    @property
    def usable(self) -> bool:
        """Whether another request may be sent on it."""
        return self.kept and not self._reader.at_eof() and self._reader.exception() is None

    async def ask(self, request: bytes) -> Answer:
        """Send a request and read its answer. Raises LostError."""
        begun = False
        try:
            self._writer.write(request)
            head = await self._reader.readuntil(b"\r\n\r\n")
            begun = True
            status, length, self.kept = parse(head)
            return Answer(status, await self._reader.readexactly(length))
        except asyncio.IncompleteReadError as error:
            begun = begun or bool(error.partial)
            what = "cut off within its answer" if begun else "closed before an answer"
            raise LostError(what, answer_begun=begun) from error
        except (OSError, ValueError, asyncio.LimitOverrunError) as error:
            kind = f"{type(error).__name__} {'within' if begun else 'before'} an answer"
            raise LostError(kind, answer_begun=begun) from error

    def close(self) -> None:
        """Let it go; nobody waits for the other side."""
        self.kept = False
        self._writer.transport.abort()


def parse(head: bytes) -> tuple[int, int, bool]:
    """Status, length of the body, and whether the connection is kept. Raises ValueError."""
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    fields = {name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    version, status = first.split(" ", 2)[:2]
    if "content-length" not in fields:
        raise ValueError(f"an answer without a length: {first}")
    kept = version == "HTTP/1.1" and fields.get("connection", "").lower() != "close"
    return int(status), int(fields["content-length"]), kept
