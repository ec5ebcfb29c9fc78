"""DingTalk's custom bots: a message of type `markdown` in a group.

What they take, and how they are signed: https://open.dingtalk.com/document/robots/custom-robot-access
and https://open.dingtalk.com/document/orgapp/customize-robot-security-settings (timestamp in
milliseconds, newline, secret; HMAC-SHA256 with the secret as key; base64; URL-encoded; valid for an
hour). At most 20 messages in a minute; a bot that sent more is shut out for ten minutes.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote

from control.notify import verdict
from control.notify.fit import fitted, left_out
from control.notify.markdown import json_bytes, json_size, lines, softened
from control.notify.message import Alert, Message
from control.notify.post import Answer, Request
from control.notify.receivers import Receiver

# The whole body. DingTalk's own refusal says so: "460101 … body … 20000bytes"
# (https://github.com/timonwong/prometheus-webhook-dingtalk/pull/222).
MOST_BYTES = 20_000
NEW_LINE = "\n\n"  # its clients join lines that have no empty one between them


def request(receiver: Receiver, message: Message, now: float) -> Request:
    """The message as the bot takes it, the URL signed where there is a secret."""
    frame = len(json_bytes(_body(message.title, _text(message, (), 0))))
    alerts, count = fitted(message, _size, MOST_BYTES - frame)
    body = json_bytes(_body(message.title, _text(message, alerts, count)))
    return Request(signed(receiver.url, receiver.sign, int(now * 1000)), body)


def signed(url: str, secret: str, milliseconds: int) -> str:
    """The bot's URL with `timestamp` and `sign`; as it is without a secret."""
    if not secret:
        return url
    text = f"{milliseconds}\n{secret}".encode()
    sign = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest())
    mark = "&" if "?" in url else "?"
    return f"{url}{mark}timestamp={milliseconds}&sign={quote(sign, safe='')}"


def delivered(answer: Answer) -> str:
    """The detail of a success, or DeliveryError."""
    return verdict.of_bot(answer, "errcode", "errmsg")


def _body(title: str, text: str) -> dict[str, object]:
    """`title` shows in the list of messages, `text` in the group."""
    return {"msgtype": "markdown", "markdown": {"title": title, "text": text}}


def _text(message: Message, alerts: tuple[Alert, ...], count: int) -> str:
    parts = [f"### {softened(message.title)}", *map(_block, alerts), left_out(count)]
    parts.append(f"[Portal]({message.portal_url})" if message.portal_url else "")
    parts.append(softened(message.signature))
    return NEW_LINE.join(filter(None, parts))


def _block(alert: Alert) -> str:
    return NEW_LINE.join(lines(alert, softened))


def _size(alert: Alert) -> int:
    return json_size(NEW_LINE + _block(alert))
