"""Series as SVG, drawn by pygal; colours and letters come from the page's own style.

What pygal adds for a file that stands alone (scripts, a style sheet, links to its home) is taken out:
the page asks nobody for anything. A gap in a series is a gap in its line.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.etree import ElementTree

import pygal  # type: ignore[import-untyped]

from horcrux.report.span import Points, Span

WIDTH, HEIGHT = 380, 180  # the drawing's own units; the page scales it
COLOURS = 8  # that the page's style has
MOST_MARKS = 12  # named ones; more would be written over each other
HEADROOM = 1.02
NAMESPACE = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Line:
    """One series of a chart."""

    name: str
    points: Points


@dataclass(frozen=True)
class Mark:
    """A moment worth a line across the chart."""

    at: float
    name: str


def chart(
    title: str,
    span: Span,
    lines: Sequence[Line],
    shown: Callable[[float], str],
    *,
    marks: Sequence[Mark] = (),
    least: float = 0.0,
    offset: int = 0,
    labelled: Callable[[float], str] = str,
) -> str:
    """The SVG; nothing when no line has a point. The scale goes to `least` at least."""
    most = max((p for line in lines for p in line.points if p is not None), default=None)
    if most is None:
        return ""
    ticks = scale(max(least, most))
    drawing = pygal.XY(
        js=[], css=[], classes=["chart"], width=WIDTH, height=HEIGHT, margin=4, margin_right=12,
        title=None, show_legend=False, show_dots=False, allow_interruptions=True,
        xrange=(span.start, span.end), range=(0, ticks[-1] * HEADROOM), y_labels=ticks,
        x_labels=span.ticks(offset), value_formatter=shown, x_value_formatter=labelled,
        truncate_label=-1, show_x_guides=False, show_y_guides=True, spacing=6,
        style=pygal.style.Style(label_font_size=11, major_label_font_size=11),
    )  # fmt: skip
    for line in lines:
        drawing.add(line.name, visible(span, line.points))
    drawing.add_xml_filter(lambda root: _finish(root, drawing, title, lines, marks))
    return str(drawing.render(is_unicode=True, disable_xml_declaration=True)).strip()


def visible(span: Span, points: Points) -> list[tuple[float, float | None]]:
    """The points with their times; one that stands alone is drawn as a short stroke."""
    found: list[tuple[float, float | None]] = []
    pairs = zip(span.times, points, strict=True)
    for missing, group in groupby(pairs, key=lambda pair: pair[1] is None):
        part: list[tuple[float, float | None]] = [(float(at), value) for at, value in group]
        if len(part) == 1 and not missing:
            at, value = part[0]
            part = [(at - span.step * 0.45, value), (at + 0.0, value)]
        found += part
    return found


def scale(most: float) -> list[float]:
    """Round labels from 0 to at least `most`: three or four of them."""
    if most <= 0:
        return [0.0, 1.0]
    raw = most / 3
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= raw * 0.999)
    return [round(step * i, 12) for i in range(math.ceil(most / step - 1e-9) + 1)]


def _finish(
    root: ElementTree.Element,
    drawing: "pygal.XY",
    title: str,
    lines: Sequence[Line],
    marks: Sequence[Mark],
) -> ElementTree.Element:
    """The drawing without what a page has already, with a name, areas and marks."""
    plots = [e for e in root.iter() if str(e.get("class", "")).startswith("series")]
    base = drawing.view.y(0)
    for plot in plots:
        for path in [e for e in plot if e.get("class", "").startswith("line")]:
            path.set("class", "line")
            if len(lines) == 1:
                _area(plot, path, base)
    where = next(e for e in root.iter() if e.get("class") == "plot" and len(e))
    for index, mark in enumerate(marks):
        _mark(where, drawing, mark, named=len(marks) <= MOST_MARKS, low=index % 2 == 1)
    clean = _clean(root)
    clean.attrib = {
        "class": "chart",
        "viewBox": f"0 0 {WIDTH} {HEIGHT}",
        "role": "img",
        "aria-label": title,
    }
    return clean


def _area(plot: ElementTree.Element, path: ElementTree.Element, base: float) -> None:
    """The ground under a line that stands alone in its chart."""
    numbers = path.get("d", "").lstrip("M").replace("L", " ").split()
    first, last = numbers[0], numbers[-2]
    around = f"{path.get('d')} L{last} {base:.1f} L{first} {base:.1f} Z"
    plot.insert(0, ElementTree.Element("path", {"class": "area", "d": around}))


def _mark(
    where: ElementTree.Element, drawing: "pygal.XY", mark: Mark, *, named: bool, low: bool
) -> None:
    x, high, base = drawing.view.x(mark.at), 0.0, drawing.view.y(0)
    at = {"x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": f"{high:.1f}", "y2": f"{base:.1f}"}
    group = ElementTree.SubElement(where, "g", {"class": "mark"})
    ElementTree.SubElement(group, "line", at)
    ElementTree.SubElement(group, "title").text = mark.name
    if named:
        place = {"x": f"{x + 3:.1f}", "y": "22" if low else "10"}
        ElementTree.SubElement(group, "text", place).text = mark.name


def _clean(element: ElementTree.Element) -> ElementTree.Element:
    """A copy without scripts, styles, comments, empty groups, names of name spaces, long numbers."""
    copy = ElementTree.Element(NAMESPACE.sub("", element.tag))
    for key, value in element.attrib.items():
        if key in {"class", "d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "transform"}:
            copy.set(key, re.sub(r"(\.\d)\d+", r"\1", value))
    copy.text = element.text
    for child in element:
        if not isinstance(child.tag, str):
            continue
        tag = NAMESPACE.sub("", child.tag)
        if tag in {"defs", "script", "style", "desc"}:
            continue
        if (tag == "title" and child.text == "Pygal") or "overlay" in child.get("class", ""):
            continue
        made = _clean(child)
        if tag != "g" or len(made):
            copy.append(made)
    return copy
