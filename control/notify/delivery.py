"""A payload of Alertmanager's, delivered to one receiver; and the count of how that went.

Nothing is tried again here: Alertmanager does that, with growing pauses, and at the group's next
interval at the latest, for as long as the alert lasts. It takes a notification as delivered only
when it is told so.
"""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import aiohttp
from prometheus_client import Counter

from control.apart import apart
from control.notify import dingtalk, email, feishu, webhook, wecom
from control.notify.failure import DeliveryError
from control.notify.message import Message, message
from control.notify.post import Answer, Request, post
from control.notify.receivers import Receiver


class Bot(Protocol):
    """What the module of a bot's kind offers."""

    def request(self, receiver: Receiver, message: Message, now: float) -> Request:
        """The message as the bot takes it."""
        ...

    def delivered(self, answer: Answer) -> str:
        """The detail of a success, or DeliveryError."""
        ...


# Alertmanager gives all attempts of one round together its group_interval, and 10 s if that is less
# (MinTimeout in its notify.go). An answer after that is lost, and what was delivered is sent again.
DELIVERY_SECONDS = 8
SHORTEST_PART = (
    6  # letters of a URL's path or query that may be a secret; fewer are "v2" and "send"
)
HIDDEN = "***"
BOTS: dict[str, Bot] = {"dingtalk": dingtalk, "feishu": feishu, "wecom": wecom}
RESULTS = Counter(
    "horcrux_notifications_total",
    "Notifications, by whether the receiver took them.",
    ["receiver", "kind", "result"],
    registry=None,  # control's own
)

log = logging.getLogger("control")


@dataclass(frozen=True)
class Result:
    """How a delivery went."""

    receiver: str
    kind: str
    ok: bool
    detail: str


async def deliver(
    receiver: Receiver,
    payload: Mapping[str, Any],
    session: aiohttp.ClientSession,
    now: float,
    portal_url: str,
) -> Result:
    """Deliver, count and log. Never raises; the detail holds no secret."""
    try:
        async with asyncio.timeout(DELIVERY_SECONDS):
            detail = await apart(_sent(receiver, payload, session, now, portal_url))
            ok = True
    except DeliveryError as error:
        detail, ok = str(error), False
    except TimeoutError:
        detail, ok = f"no answer within {DELIVERY_SECONDS} s", False
    except Exception as error:  # whatever it is, Alertmanager must hear of it and try again
        detail, ok = f"failed within control ({type(error).__name__})", False
    result = Result(receiver.name, receiver.kind, ok, without_secrets(detail, receiver))
    RESULTS.labels(receiver.name, receiver.kind, "delivered" if ok else "failed").inc()
    level = logging.INFO if ok else logging.WARNING
    log.log(level, "receiver %s (%s): %s", receiver.name, receiver.kind, result.detail)
    return result


def count_from_zero(receivers: Mapping[str, Receiver]) -> None:
    """Make each receiver's counters, so that its first failure is an increase."""
    for receiver in receivers.values():
        for result in ("delivered", "failed"):
            RESULTS.labels(receiver.name, receiver.kind, result)


def without_secrets(text: str, receiver: Receiver) -> str:
    """The text without addresses, and without what others could send messages with."""
    text = re.sub(r"https?://\S+", HIDDEN, text)
    for secret in sorted(_secrets(receiver), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _secrets(receiver: Receiver) -> set[str]:
    known = set(filter(None, (receiver.url, receiver.sign, receiver.password)))
    try:
        parts = urlsplit(receiver.url)
    except ValueError:
        return known
    pieces = [*parts.path.split("/"), *(v for _, v in parse_qsl(parts.query)), parts.password or ""]
    found = {p for piece in pieces for p in (piece, unquote(piece)) if len(p) >= SHORTEST_PART}
    return found | known


async def _sent(
    receiver: Receiver,
    payload: Mapping[str, Any],
    session: aiohttp.ClientSession,
    now: float,
    portal_url: str,
) -> str:
    """The detail of a success; DeliveryError otherwise."""
    if receiver.kind == "webhook":
        return webhook.delivered(await post(session, webhook.request(receiver, payload)))
    told = message(payload, now, portal_url)
    if receiver.kind == "email":
        return await email.send(receiver, told, now, DELIVERY_SECONDS)
    bot = BOTS[receiver.kind]
    return bot.delivered(await post(session, bot.request(receiver, told, now)))
