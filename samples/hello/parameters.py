"""Numbers in query strings, with an answer in plain words when they are wrong."""

import math

from aiohttp import web


def number(request: web.Request, name: str, default: float, highest: float) -> float:
    """The query parameter `name`, from 0 to `highest`; raises 400 with a sentence otherwise."""
    text = request.query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= highest:
        shown = text if len(text) <= 40 else text[:40] + "…"
        wanted = f"from 0 to {highest:g}" if math.isfinite(highest) else "that is not negative"
        raise web.HTTPBadRequest(
            text=f"The parameter '{name}' is '{shown}': give a number {wanted}.\n"
        )
    return value


def capped(request: web.Request, name: str, default: float, cap: float) -> float:
    """Like `number`, but a value above `cap` counts as `cap`."""
    return min(cap, number(request, name, default, math.inf))
