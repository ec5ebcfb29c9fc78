"""What the status of an upstream's answer means."""

import aiohttp

from supply.cache.failure import (
    DeniedError,
    LimitedError,
    MissingError,
    UnavailableError,
    UpstreamError,
    WrongError,
)
from supply.cache.patience import AGAIN, PATIENCE_SECONDS, retry_after


class BusyError(Exception):
    """It is worth asking again, after `asked` seconds if that is said; else `failure` is the answer."""

    def __init__(self, failure: UpstreamError, asked: float | None) -> None:
        super().__init__(str(failure))
        self.failure, self.asked = failure, asked


def check_busy(answer: aiohttp.ClientResponse, name: str) -> None:
    """Raise BusyError for an answer that may be another one soon."""
    if answer.status not in AGAIN:
        return
    asked = retry_after(answer.headers.get("Retry-After"))
    if answer.status == 429:
        limited = LimitedError(f"{name} limits our requests", asked or PATIENCE_SECONDS)
        raise BusyError(limited, asked)
    raise BusyError(UnavailableError(f"{name} answers {answer.status}"), asked)


def check_good(answer: aiohttp.ClientResponse, what: str) -> None:
    """Raise what an answer means that is not good."""
    if answer.status in (401, 403):
        raise DeniedError(f"{what}: it does not let us ({answer.status})")
    if answer.status in (404, 410):
        raise MissingError(f"{what}: there is no such thing")
    if answer.status == 416:
        raise WrongError(f"{what}: it is shorter than what we have of it")
    if answer.status not in (200, 206):
        raise UnavailableError(f"{what}: it answers {answer.status}")
