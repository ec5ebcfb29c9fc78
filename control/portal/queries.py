"""What a page asks for, checked: each refusal says what is wrong with it."""

import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web

WHAT = ("app", "host", "release")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
MOST_MINUTES = 7 * 24 * 60  # more than the page offers; longer questions are Prometheus's own
SHORTEST_SILENCE, LONGEST_SILENCE = 60, 7 * 24 * 3600  # what must rest longer is a rule to change
MOST_MATCHERS = 32  # an alert has about ten labels
LONGEST_VALUE = 512  # characters of a label, name or value
LONGEST_COMMENT = 500


@dataclass(frozen=True)
class SeriesQuery:
    """How something has been, for some minutes."""

    what: str
    name: str
    minutes: int

    @classmethod
    def read(cls, request: web.Request) -> "SeriesQuery":
        """From `?what=&name=&minutes=`."""
        query = request.query
        what, name, minutes = (query.get(k, "") for k in ("what", "name", "minutes"))
        if what not in WHAT:
            raise refused(f"what must be one of {', '.join(WHAT)}")
        if not NAME.fullmatch(name):
            raise refused("name must be the name of an app, a host or a service")
        if not re.fullmatch(r"[0-9]{1,6}", minutes) or not 1 <= int(minutes) <= MOST_MINUTES:
            raise refused(f"minutes must be a whole number from 1 to {MOST_MINUTES}")
        return cls(what, name, int(minutes))


@dataclass(frozen=True)
class SilenceQuery:
    """Alerts to be quiet about."""

    matchers: dict[str, str]
    seconds: int
    comment: str

    @classmethod
    async def read(cls, request: web.Request) -> "SilenceQuery":
        """From `{"matchers": {LABEL: VALUE}, "seconds": 3600, "comment": "..."}`."""
        try:
            body: Any = await request.json()
        except ValueError:
            raise refused("the body must be JSON") from None
        if not isinstance(body, dict):
            raise refused("the body must be a JSON object")
        matchers, seconds = body.get("matchers"), body.get("seconds")
        if not isinstance(matchers, dict) or not 0 < len(matchers) <= MOST_MATCHERS:
            raise refused(f"matchers must have from 1 to {MOST_MATCHERS} labels")
        if not all(_fits(text) for pair in matchers.items() for text in pair):
            raise refused(f"matchers must be texts of at most {LONGEST_VALUE} characters")
        if type(seconds) is not int or not SHORTEST_SILENCE <= seconds <= LONGEST_SILENCE:
            raise refused(f"seconds must be from {SHORTEST_SILENCE} to {LONGEST_SILENCE}")
        comment = body.get("comment", "")
        if not isinstance(comment, str) or len(comment) > LONGEST_COMMENT:
            raise refused(f"comment must be a text of at most {LONGEST_COMMENT} characters")
        return cls(matchers, seconds, comment)


def refused(why: str) -> web.HTTPBadRequest:
    """The answer to a question that makes no sense."""
    return web.HTTPBadRequest(text=why)


def _fits(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= LONGEST_VALUE
