"""A layer on its way from one registry to another: hashed, counted, and not waited for without end."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

from supply import oci
from supply.cache.body import Body
from supply.cache.failure import UpstreamError, WrongError

# Without a piece being taken, or without the answer at the end: a store that moves a layer of several GB to
# its place takes a minute.
SILENCE_SECONDS = 120.0


class Passing:
    """What a body brings; `sent` is told of its pieces, `failure` is the body's own."""

    def __init__(self, body: Body, sent: Callable[[int], None]) -> None:
        self._body, self._sent = body, sent
        self._hash, self._size = hashlib.sha256(), 0
        self.failure: UpstreamError | None = None

    async def pieces(self, limit: asyncio.Timeout) -> AsyncIterator[bytes]:
        """What is sent; each piece that is taken moves the limit."""
        try:
            async for chunk in self._body.chunks:
                limit.reschedule(asyncio.get_running_loop().time() + SILENCE_SECONDS)
                self._hash.update(chunk)
                self._size += len(chunk)
                self._sent(len(chunk))
                yield chunk
        except UpstreamError as error:
            self.failure = error
            raise

    def check(self, reference: oci.Reference) -> None:
        """Raises WrongError when all of it came and is something else."""
        found = f"sha256:{self._hash.hexdigest()}"
        if self._size >= reference.size and found != reference.digest:
            raise WrongError(f"{reference.digest} is damaged: its content has the digest {found}")
