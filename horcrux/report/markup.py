"""Bits of HTML that the report's sections share. All text is escaped here, and only here."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from html import escape

from horcrux.report.charts import Line, Mark, chart
from horcrux.report.span import Span
from horcrux.report.units import DAY, clock, plain


def text(value: object) -> str:
    """Anything, as text of a page."""
    return escape(plain(value))


def flowing(value: str) -> str:
    """Sentences: a figure stays with its unit, and a command between backquotes looks like one."""
    whole = re.sub(r"(\d) (?=%|[a-z]{1,3}\b)", "\\1\u00a0", escape(value))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", whole)


def tag(name: str, inner: str, kind: str = "") -> str:
    """An element around HTML."""
    return f'<{name} class="{kind}">{inner}</{name}>' if kind else f"<{name}>{inner}</{name}>"


def table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """Columns are (head, class); cells are HTML."""
    head = "".join(tag("th", text(name), kind.replace("text", "")) for name, kind in columns)
    body = "".join(
        tag(
            "tr",
            "".join(tag("td", cell, kind) for cell, (_, kind) in zip(row, columns, strict=True)),
        )
        for row in rows
    )
    inner = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return tag("div", tag("table", inner), "wide")


def figure(
    title: str,
    span: Span,
    lines: Sequence[Line],
    shown: Callable[[float], str],
    *,
    marks: Sequence[Mark] = (),
    least: float = 0.0,
) -> str:
    """A chart with its title and key; in words where there is nothing to draw."""
    drawn = chart(
        title, span, lines, shown, marks=marks, least=least, offset=zone(span), labelled=label(span)
    )
    head = tag("h4", text(title))
    if not drawn:
        return tag("figure", head + tag("div", "nothing was recorded", "none"))
    keys = "".join(
        tag("span", f'<i class="k{index}"></i>{text(line.name)}')
        for index, line in enumerate(lines)
        if len(lines) > 1
    )
    return tag("figure", head + tag("div", keys, "key") + drawn)


def bar(value: float | None, shown: str, *, high: float, full: float) -> str:
    """A share of 1 as a bar, and in figures."""
    if value is None:
        return text(shown)
    kind = "bar bad" if value >= full else "bar warn" if value >= high else "bar"
    width = min(100.0, max(0.0, value * 100))
    return f'<span class="{kind}"><i style="width:{width:.0f}%"></i></span>{text(shown)}'


def zone(span: Span) -> int:
    """How far this machine's time is ahead of UTC."""
    return time.localtime(span.end).tm_gmtoff


def label(span: Span) -> Callable[[float], str]:
    """How the time axis is labelled."""
    if span.seconds <= 2 * DAY:
        return clock
    form = "%a %-d" if span.seconds <= 14 * DAY else "%-d %b"
    return lambda at: time.strftime(form, time.localtime(at))
