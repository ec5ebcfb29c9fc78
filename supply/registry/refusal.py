"""What a registry's answer to something written means."""

import aiohttp

from supply.cache.failure import DeniedError, UpstreamError
from supply.cache.status import check_busy

SAID = 300  # characters of what a registry says about a refusal


class RefusedError(UpstreamError):
    """It does not take what it was sent, and says why."""

    reason = "refused"


async def check(answer: aiohttp.ClientResponse, what: str) -> None:
    """Raise what an answer to something written means that is not good."""
    check_busy(answer, what)
    if answer.status < 300:
        return
    if answer.status in (401, 403):
        raise DeniedError(f"{what}: the account may not push there ({answer.status})")
    told = (await answer.content.read(4 * SAID)).decode(errors="replace")
    said = " ".join(told[:SAID].split())
    raise RefusedError(f"{what}: it answers {answer.status}: {said}")
