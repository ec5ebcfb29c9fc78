"""The sorts of request, and whether an answer is right."""

import asyncio
import json
import os
from dataclasses import dataclass

from tests.support.load.connection import Answer, Connection, LostError

LIMIT_SECONDS = 10.0  # no whole answer in so long is a failure; a long one has that beyond its time
LONG_SECONDS = 5.0
BODY_BYTES = 4000
PATIENCE = {"slow": LONG_SECONDS + LIMIT_SECONDS}
SORTS = ("get", "get-new", "post", "post-new", "slow")  # `-new`: over a connection of its own
IDEMPOTENT = ("get", "get-new", "slow")


class FailedError(Exception):
    """An answer that is not right; `release` is who gave it, where it says so."""

    def __init__(self, kind: str, release: str | None = None) -> None:
        super().__init__(kind)
        self.kind, self.release = kind, release


@dataclass(frozen=True)
class Good:
    """A right answer: the release that gave it where it says so, and whether it was asked for twice."""

    release: str | None
    repeated: bool


class Requester:
    """Sends requests, over kept connections or each over its own."""

    def __init__(self, address: str, port: int, host: str) -> None:
        self._address, self._port, self._host = address, port, host
        self._idle: list[Connection] = []

    async def send(self, sort: str) -> Good:
        """One request of a sort. Raises FailedError, LostError, or TimeoutError."""
        body = os.urandom(BODY_BYTES) if sort.startswith("post") else b""
        async with asyncio.timeout(PATIENCE.get(sort, LIMIT_SECONDS)):
            answer, repeated = await self._asked(sort, body)
        return Good(checked(sort, answer, body), repeated)

    async def _asked(self, sort: str, body: bytes) -> tuple[Answer, bool]:
        """The answer, and whether it took a second attempt: RFC 9110, 9.2.2 allows it for these."""
        new = sort.endswith("-new")
        try:
            return await self._once(self._take(new), sort, body), False
        except LostError as lost:
            if sort not in IDEMPOTENT or lost.answer_begun:
                raise
            return await self._once(None, sort, body), True

    async def _once(self, connection: Connection | None, sort: str, body: bytes) -> Answer:
        if connection is None:
            connection = await Connection.open(self._address, self._port)
        try:
            answer = await connection.ask(self._request(sort, body))
        except BaseException:
            connection.close()
            raise
        if connection.usable and not sort.endswith("-new"):
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _take(self, new: bool) -> Connection | None:
        while self._idle and not new:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.close()
        return None

    def _request(self, sort: str, body: bytes) -> bytes:
        line = {
            "post": "POST /echo",
            "post-new": "POST /echo",
            "slow": f"GET /slow?seconds={LONG_SECONDS:g}",
        }.get(sort, "GET /")
        head = f"{line} HTTP/1.1\r\nHost: {self._host}\r\n"
        if body:
            head += f"Content-Type: application/octet-stream\r\nContent-Length: {len(body)}\r\n"
        if sort.endswith("-new"):
            head += "Connection: close\r\n"
        return head.encode() + b"\r\n" + body

    def close(self) -> None:
        """Let all kept connections go."""
        for connection in self._idle:
            connection.close()


def checked(sort: str, answer: Answer, body: bytes) -> str | None:
    """The release of a right answer. Raises FailedError."""
    if answer.status != 200:
        raise FailedError(f"status {answer.status}", _release(answer.body))
    if sort.startswith("post"):
        if answer.body != body:
            raise FailedError("another body came back")
        return None
    if sort == "slow":
        return None
    release = _release(answer.body)
    if release is None:
        raise FailedError("an answer that is not hello's")
    return release


def _release(body: bytes) -> str | None:
    try:
        found = json.loads(body)
        release = found["release"] if isinstance(found, dict) else None
    except (ValueError, KeyError):
        return None
    return None if release is None else str(release)
