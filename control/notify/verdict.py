"""What a receiver's answer means. The bots answer HTTP 200 to what they refuse, and say so within."""

import json
from typing import Any

from control.notify.failure import DeliveryError
from control.notify.post import Answer
from control.notify.text import clean, cut

REFUSAL_POINTS = 300  # DingTalk's refusals give advice, of some 200
NO_CODE = object()


def plain(answer: Answer) -> str:
    """The detail of a success; DeliveryError unless the status is of 200 to 299."""
    if 300 <= answer.status < 400:
        raise DeliveryError(f"{answer}: redirects are not followed; set the address it leads to")
    if not answer.ok:
        raise DeliveryError(str(answer))
    return str(answer)


def of_bot(answer: Answer, code: str, text: str) -> str:
    """The same for a bot, which says 0 in the field `code` on success, and in `text` what failed."""
    said = _object(answer.body)
    found = said.get(code, NO_CODE)
    if found is not NO_CODE and (found != 0 or isinstance(found, bool)):
        refusal = cut(clean(said.get(text)), REFUSAL_POINTS)
        number = cut(clean(str(found)), REFUSAL_POINTS)
        raise DeliveryError(f"{answer}: {code} {number}" + (f": {refusal}" if refusal else ""))
    detail = plain(answer)
    if found is NO_CODE:
        raise DeliveryError(f"{answer}, but no {code} in the answer; is the URL that of the bot?")
    return detail


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
