"""Waiting for a condition."""

import time
from collections.abc import Callable

from docker.errors import DockerException
from requests.exceptions import RequestException

POLL_SECONDS = 0.25  # what is waited for takes seconds


def wait(what: str, seconds: float, condition: Callable[[], bool]) -> None:
    """Return once it holds; no answer counts as not yet. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except (DockerException, RequestException, OSError):
            pass
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"not within {seconds:.0f} s: {what}")
