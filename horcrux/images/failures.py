"""What goes wrong between the command and a registry or a cache, in the user's words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import requests
import urllib3

from horcrux.exits import HorcruxError

REASON = re.compile(r"\[Errno -?\d+\] ([^'\"<>()]+)")


class UnansweredError(HorcruxError):
    """Nobody answered, or not in time."""


@contextmanager
def in_words(what: str, url: str, seconds: float) -> Iterator[None]:
    """What goes wrong on the way to what is at a URL. Raises UnansweredError."""
    try:
        yield
    except requests.exceptions.SSLError as error:
        raise UnansweredError(
            f"{what} at {url} shows a certificate that the environment's CA did not sign "
            f"({_brief(error)}); something else may listen there: horcrux doctor"
        ) from None
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError):
        raise UnansweredError(
            f"{what} at {url} did not answer within {seconds:.0f} s; see: horcrux status"
        ) from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise UnansweredError(
            f"{what} does not answer at {url} ({_brief(error)}); see: horcrux status"
        ) from None


def reason(answer: requests.Response) -> str:
    """Why, as registries tell it (or this platform's own parts), else the bare status."""
    try:
        told = answer.json()
        first = told["errors"][0] if "errors" in told else told
        message = first.get("message") or first.get("error")
        detail = first.get("detail")
    except (ValueError, LookupError, TypeError, AttributeError):
        message = detail = None
    said = f"{message} ({detail})" if message and isinstance(detail, str) else message
    return str(said or f"{answer.status_code} {answer.reason or ''}".strip())


def _brief(error: Exception) -> str:
    """The core of what requests wraps in the names of its classes."""
    text = str(error)
    found = REASON.search(text)
    if found:
        return found.group(1).strip()
    return text.rpartition("(Caused by ")[2].rstrip(")") or type(error).__name__
