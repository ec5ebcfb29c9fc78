"""One HTTP request to a receiver, and its answer."""

import io
from dataclasses import dataclass, field

import aiohttp
from yarl import URL

from control.notify.failure import DeliveryError, reason
from control.notify.text import clean, cut

MOST_ANSWER = 4096  # bytes; what the services answer has some hundred
RETRY_AFTER_POINTS = 40  # a number of seconds or a date


@dataclass(frozen=True)
class Request:
    """What is to be sent. The URL is a secret."""

    url: str = field(repr=False)
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What came back, its body cut."""

    status: int
    retry_after: str
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether HTTP's status says so."""
        return 200 <= self.status < 300

    def __str__(self) -> str:
        """`HTTP 429, Retry-After 30`."""
        return f"HTTP {self.status}" + (
            f", Retry-After {self.retry_after}" if self.retry_after else ""
        )


def session() -> aiohttp.ClientSession:
    """The session for all receivers: to be made within the event loop, and closed.

    Nothing is kept between two messages. They are rare, and a connection that the other side has
    closed meanwhile would fail the next one.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


async def post(session: aiohttp.ClientSession, request: Request) -> Answer:
    """Send it. DeliveryError when there is no answer; redirects are answers, and not followed."""
    headers = {"Content-Type": "application/json; charset=utf-8", "Accept-Encoding": "identity"}
    try:
        url = URL(request.url, encoded=True)  # a signature is not quoted a second time
        async with session.post(
            url, data=io.BytesIO(request.body), headers=headers, allow_redirects=False
        ) as response:
            retry_after = cut(clean(response.headers.get("Retry-After", "")), RETRY_AFTER_POINTS)
            return Answer(response.status, retry_after, await _beginning(response))
    except (aiohttp.InvalidURL, ValueError):
        raise DeliveryError("its URL cannot be used; set the secret again") from None
    except (aiohttp.ClientError, OSError) as error:
        raise DeliveryError(reason(error)) from None


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    while len(body) < MOST_ANSWER and (chunk := await response.content.read(MOST_ANSWER)):
        body += chunk
    return body[:MOST_ANSWER]
