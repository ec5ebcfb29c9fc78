"""Content on its way from another registry or another cache."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp

from supply.cache.failure import UnavailableError, WrongError


@dataclass
class Body:
    """`start` is where it begins, `size` how long all of it is, if that is known."""

    start: int
    size: int | None
    chunks: AsyncIterator[bytes]


def body_of(answer: aiohttp.ClientResponse, offset: int, what: str) -> Body:
    """What a good answer brings, which was asked for from `offset` on. Raises WrongError for another part."""
    start = offset if answer.status == 206 else 0
    told = answer.headers.get("Content-Range", f"bytes {start}-")
    if start and not told.startswith(f"bytes {start}-"):
        raise WrongError(f"{what}: it sends {told!r}")
    length = answer.content_length
    return Body(start, None if length is None else start + length, chunks_of(answer, what))


async def chunks_of(answer: aiohttp.ClientResponse, what: str) -> AsyncIterator[bytes]:
    """What comes. Raises UnavailableError when it breaks off."""
    try:
        async for chunk in answer.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise UnavailableError(f"{what}: broke off ({error or type(error).__name__})") from error
