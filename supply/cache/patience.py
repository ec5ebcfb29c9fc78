"""How often and how long an upstream is asked before a client is told that it does not answer. Pure."""

import email.utils
import random
import time

TRIES = 4
FIRST_SECONDS, LONGEST_SECONDS = 0.5, 8.0  # between two tries; doubled each time
PATIENCE_SECONDS = 30.0  # that a client is kept waiting for an upstream which asked to wait
AGAIN = (408, 425, 429, 500, 502, 503, 504)


def pause(attempt: int, asked: float | None) -> float:
    """Seconds to wait after the attempt (from 0); `asked`: what the upstream wants."""
    if asked is not None:
        return asked
    own = min(FIRST_SECONDS * 2.0**attempt, LONGEST_SECONDS)
    return own * random.uniform(0.5, 1.0)  # noqa: S311 - so that not all hosts come back at once


def retry_after(header: str | None) -> float | None:
    """Seconds that the header asks for, as a number or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
