"""Waiting for a condition that an engine answers."""

import time
from collections.abc import Callable
from typing import TypeVar

from docker.errors import DockerException
from requests.exceptions import RequestException

Found = TypeVar("Found")
POLL_SECONDS = 0.25  # an answer takes a few milliseconds; what is waited for takes seconds


def wait(seconds: float, condition: Callable[[], Found]) -> Found | None:
    """What `condition` gives once it is true; None after `seconds`.

    An engine that cannot be reached, or has no answer, counts as not yet.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := condition():
                return found
        except (DockerException, RequestException):
            pass
        time.sleep(POLL_SECONDS)
    return None
