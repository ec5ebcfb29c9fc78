"""Feishu's (and Lark's) custom bots: a message of type `interactive`, which is a card.

What they take, and how they are signed: https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
(timestamp in seconds, newline, secret, all of it the KEY of an HMAC-SHA256 over nothing; base64; both
in the body; valid for an hour). At most 100 messages in a minute and 5 in a second. The card:
https://open.feishu.cn/document/uAjLw4CM/ukzMukzMukzM/feishu-cards/card-components/content-components/rich-text
"""

import base64
import hashlib
import hmac

from control.notify import verdict
from control.notify.fit import fitted, left_out
from control.notify.markdown import json_bytes, json_size, lines
from control.notify.message import Alert, Message
from control.notify.post import Answer, Request
from control.notify.receivers import Receiver

MOST_BYTES = 20_000  # the whole body: "20 KB", the same page
NEW_LINE = "\n"
BETWEEN = "\n\n"
COLOURS = {"critical": "red", "warning": "orange"}  # of the card's header
# What the card's markdown gives a meaning to, as numeric entities: the escape that its page
# documents ("特殊字符转义说明"), and the sign that begins an entity.
ENTITIES = str.maketrans({c: f"&#{ord(c)};" for c in "&<>*_~`[]()#:+-!\\$|"})


def request(receiver: Receiver, message: Message, now: float) -> Request:
    """The message as the bot takes it, signed where there is a secret."""
    signature = signed(receiver.sign, int(now))
    frame = len(json_bytes({**signature, **_card(message, (), 0)}))
    alerts, count = fitted(message, _size, MOST_BYTES - frame)
    return Request(receiver.url, json_bytes({**signature, **_card(message, alerts, count)}))


def signed(secret: str, seconds: int) -> dict[str, str]:
    """The fields of the signature; none without a secret."""
    if not secret:
        return {}
    digest = hmac.new(f"{seconds}\n{secret}".encode(), b"", hashlib.sha256).digest()
    return {"timestamp": str(seconds), "sign": base64.b64encode(digest).decode()}


def delivered(answer: Answer) -> str:
    """The detail of a success, or DeliveryError."""
    return verdict.of_bot(answer, "code", "msg")


def escaped(text: str) -> str:
    """Text that a card's markdown shows as it is."""
    return text.translate(ENTITIES)


def _card(message: Message, alerts: tuple[Alert, ...], count: int) -> dict[str, object]:
    colour = COLOURS.get(message.severity, "blue") if message.firing else "green"
    parts = [*map(_block, alerts), left_out(count), escaped(message.signature)]
    elements: list[dict[str, object]] = [
        {"tag": "markdown", "content": BETWEEN.join(filter(None, parts))}
    ]
    if message.portal_url:
        text = {"tag": "plain_text", "content": "Portal"}
        button = {"tag": "button", "text": text, "type": "default", "url": message.portal_url}
        elements.append({"tag": "action", "actions": [button]})
    title = {"tag": "plain_text", "content": message.title}
    return {
        "msg_type": "interactive",
        "card": {
            "config": {"wide_screen_mode": True},
            "header": {"title": title, "template": colour},
            "elements": elements,
        },
    }


def _block(alert: Alert) -> str:
    return NEW_LINE.join(lines(alert, escaped))


def _size(alert: Alert) -> int:
    return json_size(BETWEEN + _block(alert))
