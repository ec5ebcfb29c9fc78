"""A message that a service takes: as many whole alerts as its limit has room for."""

from collections.abc import Callable

from control.notify.message import Alert, Message

# A first alert that is too long by itself is told with shorter and shorter texts. The last step
# fits WeCom even when all of the 20 texts are of characters of four bytes.
POINTS = (300, 100, 20)
LEFT_OUT_BYTES = 120  # what `left_out` takes, with any number that can occur


def fitted(
    message: Message, size: Callable[[Alert], int], room: int
) -> tuple[tuple[Alert, ...], int]:
    """The alerts to be told, and how many are left out; the first is always told.

    `size` is what an alert takes, with all that separates it from the next; `room` what there is
    for all of them and for the sentence of `left_out`.
    """
    sizes = [size(alert) for alert in message.alerts]
    if not message.unlisted and sum(sizes) <= room:
        return message.alerts, 0
    kept: list[Alert] = []
    left = room - LEFT_OUT_BYTES
    for alert, needed in zip(message.alerts, sizes, strict=True):
        if needed > left:
            break
        kept.append(alert)
        left -= needed
    if message.alerts and not kept:
        versions = [message.alerts[0].shortened(points) for points in POINTS]
        kept.append(next((v for v in versions if size(v) <= left), versions[-1]))
    return tuple(kept), len(message.alerts) - len(kept) + message.unlisted


def left_out(count: int) -> str:
    """The sentence of the alerts that are not told; empty for none."""
    more = "alert is" if count == 1 else "alerts are"
    return f"{count} more {more} not shown here; the portal has all of them." if count else ""
