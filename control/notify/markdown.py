"""What the markdown messages of DingTalk, WeCom and Feishu have in common."""

import json
import re
from collections.abc import Callable

from control.notify.message import Alert
from control.notify.text import is_link

Escape = Callable[[str], str]

# Pairs of these make bold, italic, struck or code; look-alikes of full width do not.
_LOOK_ALIKES = str.maketrans(
    {"*": "\N{FULLWIDTH ASTERISK}", "`": "\N{FULLWIDTH GRAVE ACCENT}", "~": "\N{FULLWIDTH TILDE}"}
)
_EDGE_OF_WORD = re.compile(r"(?<![^\W_])_|_(?![^\W_])")  # _italic_, but not one_name
_TAG = re.compile(r"<(?=[a-zA-Z/!@])")  # <font …>, <@user>, <!-- -->, but not "5 < 7"
_LEADING = re.compile(r"^(?=[#>+\-|]|\d+[.)])")  # headings, quotes and lists, at a line's beginning
_ZERO_WIDTH = "\u200b"


def softened(text: str) -> str:
    """Text that DingTalk and WeCom show as it is.

    Neither documents an escape, and WeChat's clients show a backslash as one
    (https://github.com/corespeed-io/wechatbot/issues/79); so that what would be markup is replaced
    by characters that look alike, and left alone where it means nothing.
    """
    plain = text.translate(_LOOK_ALIKES).replace("](", "] (")
    plain = _TAG.sub(
        "\N{FULLWIDTH LESS-THAN SIGN}", _EDGE_OF_WORD.sub("\N{FULLWIDTH LOW LINE}", plain)
    )
    return _LEADING.sub(_ZERO_WIDTH, plain)


def lines(alert: Alert, escape: Escape) -> list[str]:
    """An alert, line by line: heading, summary, description, since when, labels, runbook."""
    labels = " · ".join(f"{escape(key)}: {escape(value)}" for key, value in alert.labels)
    texts = (alert.summary, alert.description, alert.when)
    found = [f"**{escape(alert.heading)}**", *map(escape, filter(None, texts))]
    found += [labels] if labels else []
    if is_link(alert.runbook):
        found.append(f"[Runbook]({alert.runbook})")
    elif alert.runbook:
        found.append(f"Runbook: {escape(alert.runbook)}")
    return found


def json_bytes(value: object) -> bytes:
    """As it is sent: UTF-8, so that a Chinese character is three bytes and not six."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_size(text: str) -> int:
    """The bytes that a piece of text adds to a JSON document."""
    return len(json_bytes(text)) - 2
