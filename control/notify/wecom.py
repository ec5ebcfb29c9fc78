"""WeCom's group bots: a message of type `markdown`.

What they take: https://developer.work.weixin.qq.com/document/path/91770. Of markdown they know
headings, bold, links, code, quotes and three colours of `<font>`; `<@user>` would call somebody. They
have no signature: the key in the URL is the secret. At most 20 messages in a minute.
"""

from control.notify import verdict
from control.notify.fit import fitted, left_out
from control.notify.markdown import json_bytes, lines, softened
from control.notify.message import Alert, Message
from control.notify.post import Answer, Request
from control.notify.receivers import Receiver

MOST_BYTES = 4096  # of `content`, in UTF-8: the same page, "markdown类型"
COLOURS = {True: "warning", False: "info"}  # orange and green


def request(receiver: Receiver, message: Message, now: float) -> Request:  # noqa: ARG001 - as others
    """The message as the bot takes it."""
    frame = len(_content(message, (), 0).encode())
    alerts, count = fitted(message, _size, MOST_BYTES - frame)
    content = _content(message, alerts, count)
    return Request(
        receiver.url, json_bytes({"msgtype": "markdown", "markdown": {"content": content}})
    )


def delivered(answer: Answer) -> str:
    """The detail of a success, or DeliveryError."""
    return verdict.of_bot(answer, "errcode", "errmsg")


def _content(message: Message, alerts: tuple[Alert, ...], count: int) -> str:
    colour = COLOURS[message.firing]
    parts = [
        f'### <font color="{colour}">{softened(message.title)}</font>',
        *map(_block, alerts),
        left_out(count),
        f"[Portal]({message.portal_url})" if message.portal_url else "",
        f'<font color="comment">{softened(message.signature)}</font>',
    ]
    return "\n".join(filter(None, parts))


def _block(alert: Alert) -> str:
    """The heading, the rest quoted."""
    heading, *rest = lines(alert, softened)
    return "\n".join([heading, *(f"> {line}" for line in rest)])


def _size(alert: Alert) -> int:
    return len(f"\n{_block(alert)}".encode())
