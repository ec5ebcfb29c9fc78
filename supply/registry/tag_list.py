"""A repository's tags, page by page: distribution 2.8 gives all of them, whatever it is asked for. Pure.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

NUMBER = re.compile(r"[0-9]{1,9}")


class PageError(ValueError):
    """No such page can be asked for."""


@dataclass(frozen=True)
class Page:
    """Some of the tags; `after`: the query of the next page, None after the last."""

    tags: tuple[str, ...]
    after: str | None = None


def page(tags: Iterable[str], query: Mapping[str, str]) -> Page:
    """At most `n` of the tags, those after `last`. Raises PageError."""
    told = query.get("n")
    if told is not None and not NUMBER.fullmatch(told):
        raise PageError(f"n is {told[:20]!r}, and should be how many tags are wanted")
    last = query.get("last", "")
    left = sorted(tag for tag in tags if tag > last)
    if told is None or len(left) <= int(told):
        return Page(tuple(left))
    found = tuple(left[: int(told)])
    after = urlencode({"n": told, "last": found[-1]}) if found else None
    return Page(found, after)
