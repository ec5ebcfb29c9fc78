"""Figures in words: what people read, from what programs measure. None is a dash everywhere."""

import math
import time
from collections.abc import Iterable

NOTHING = "\u2013"
MINUTE, HOUR, DAY = 60, 3600, 86400


def plain(text: object) -> str:
    """Text of others' making without what a terminal would obey."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def number(value: object) -> float | None:
    """A sample's value, or None where there is no figure in it."""
    try:
        found = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


def percent(value: float | None) -> str:
    """A share of 1: `0 %`, `0.02 %`, `4.1 %`, `37 %`."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0 %"
    if value < 0.0001:
        return "<0.01 %"
    if value < 0.01:
        return f"{value * 100:.2f} %"
    return f"{value * 100:.1f} %" if value < 0.0995 else f"{value * 100:.0f} %"


def good(value: float | None) -> str:
    """A share that is near 1, cut and not rounded: what is not whole never reads 100 %."""
    if value is None:
        return NOTHING
    if value >= 1:
        return "100 %"
    digits = 2 if value < 0.9999 else 4
    cut = math.floor(value * 100 * 10**digits) / 10**digits
    whole, part = f"{cut:.4f}".split(".")
    return f"{whole}.{part.rstrip('0'):0<2} %"


def percent_mark(value: float) -> str:
    """A share of 1 on an axis."""
    return f"{value * 100:.3g} %" if value else "0"


def seconds_mark(value: float) -> str:
    """A latency on an axis."""
    if not value:
        return "0"
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"


def rate_mark(value: float) -> str:
    """A rate on an axis."""
    return f"{value:.3g}" if value < 1000 else f"{value / 1000:.3g}k"


def seconds(value: float | None) -> str:
    """How long something took: `3 ms`, `0.41 s`, `12 s`."""
    if value is None:
        return NOTHING
    if value < 0.0095:
        return f"{value * 1000:.1f} ms"
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 9.95 else f"{value:.0f} s"


def rate(value: float | None) -> str:
    """So many a second: `0`, `0.3`, `42`, `1.2k`."""
    if value is None:
        return NOTHING
    if value == 0:
        return "0"
    if value < 9.95:
        return f"{value:.1f}" if value >= 0.05 else "<0.1"
    return f"{value:.0f}" if value < 999.5 else size(value, units=("", "k", "M", "G"))


def size(value: float | None, units: tuple[str, ...] = ("B", "kB", "MB", "GB", "TB")) -> str:
    """So many bytes: `812 B`, `1.2 GB`."""
    if value is None:
        return NOTHING
    space = " " if units[0] else ""
    if value == 0:
        return f"0{space}{units[0]}"
    for unit in units[:-1]:
        if value < 999.5:
            return f"{value:.0f}{space}{unit}" if value >= 9.95 else f"{value:.1f}{space}{unit}"
        value /= 1000
    return f"{value:.1f}{space}{units[-1]}"


def count(value: float | None) -> str:
    """So many: `8,412`, `1.2 million`."""
    if value is None:
        return NOTHING
    if value >= 1e9:
        return f"{value / 1e9:.1f} billion"
    return f"{value / 1e6:.1f} million" if value >= 1e6 else f"{value:,.0f}"


def many(value: int, noun: str, plural: str = "") -> str:
    """`1 app`, `3 apps`, `no apps`."""
    return f"{value or 'no'} {noun if value == 1 else plural or noun + 's'}"


def lasting(value: float | None) -> str:
    """A stretch of time in its two largest units: `40 s`, `4 min`, `2 h 10 min`, `3 days 4 h`."""
    if value is None:
        return NOTHING
    whole = round(value)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min"
    if whole < DAY:
        hours, minutes = divmod(whole // MINUTE, 60)
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(whole // HOUR, 24)
    return f"{many(days, 'day')} {hours} h" if hours else many(days, "day")


def listed(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = list(words)
    return f"{', '.join(most)} and {last}" if most else last


def clock(at: float, form: str = "%H:%M") -> str:
    """The time of day, here."""
    return time.strftime(form, time.localtime(at))


def day(at: float) -> str:
    """The day, here: `Tue 24 Nov`."""
    return time.strftime("%a %-d %b", time.localtime(at))


def year(at: float) -> str:
    """The year, here."""
    return time.strftime("%Y", time.localtime(at))


def moment(at: float) -> str:
    """Day and time, here."""
    return f"{day(at)} {clock(at)}"
