"""Pictures: build/bench.svg, bars for every figure, those of one unit on one scale; and curves."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from bench.figures import Figure
from bench.report import shown

WIDTH, LEFT, RIGHT, ROW = 1080, 470, 270, 24
COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2")
WIDE, HIGH, MARGIN, TICKS = 720, 400, 60, 5
STYLE = "text{font:13px sans-serif;fill:#24292f}.dim{fill:#6e7781}.bar{fill:#4c78a8}"


def draw(figures: list[Figure]) -> str:
    """The chart as SVG text."""
    parts: list[str] = []
    y = 10
    for unit in dict.fromkeys(figure.unit for figure in figures):
        group = [figure for figure in figures if figure.unit == unit]
        most = max(figure.median for figure in group) or 1.0
        parts.append(f'<text x="10" y="{y + 16}" font-weight="bold">{escape(unit)}</text>')
        y += ROW
        for figure in group:
            parts.append(_bar(figure, y, most))
            y += ROW
        y += ROW // 2
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'viewBox="0 0 {WIDTH} {y}">\n<style>{STYLE}</style>\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _bar(figure: Figure, y: int, most: float) -> str:
    length = max(1.0, figure.median / most * (WIDTH - LEFT - RIGHT))
    value = escape(f"{shown(figure.median, figure.unit)} {figure.unit}")
    aim = f' <tspan class="dim">{escape(figure.aim)}</tspan>' if figure.aim else ""
    return (
        f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{escape(figure.title)}</text>'
        f'<rect class="bar" x="{LEFT}" y="{y + 4}" width="{length:.1f}" height="{ROW - 8}"/>'
        f'<text x="{LEFT + length + 8:.1f}" y="{y + 16}">{value}{aim}</text>'
    )


def curves(
    title: str, across: str, unit: str, series: Mapping[str, Sequence[tuple[float, float]]]
) -> str:
    """Lines over a logarithmic axis, which has its marks where there are points, as SVG text."""
    points = [point for line in series.values() for point in line]
    xs = sorted({x for x, _ in points})
    low, high = math.log10(xs[0]), math.log10(xs[-1])
    most = max(y for _, y in points) * 1.1 or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        along = (math.log10(x) - low) / (high - low or 1.0)
        return MARGIN + along * (WIDE - 2 * MARGIN), HIGH - MARGIN - y / most * (HIGH - 2 * MARGIN)

    parts = [f'<text x="{MARGIN}" y="28" font-weight="bold">{escape(title)}</text>']
    for tick in range(TICKS + 1):
        value = most * tick / TICKS
        _, y = place(xs[0], value)
        parts.append(
            f'<line x1="{MARGIN}" x2="{WIDE - MARGIN}" y1="{y:.1f}" y2="{y:.1f}" stroke="#d0d7de"/>'
            f'<text class="dim" x="{MARGIN - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.2g}</text>'
        )
    for x in xs:
        at, y = place(x, 0)
        parts.append(f'<text x="{at:.1f}" y="{y + 20:.1f}" text-anchor="middle">{x:,.0f}</text>')
    parts.append(
        f'<text class="dim" x="{WIDE / 2}" y="{HIGH - 12}" text-anchor="middle">{escape(across)}</text>'
        f'<text class="dim" x="{MARGIN - 8}" y="{MARGIN - 12}" text-anchor="end">{escape(unit)}</text>'
    )
    for number, (name, line) in enumerate(series.items()):
        parts.append(_curve(name, [place(x, y) for x, y in line], COLOURS[number % len(COLOURS)]))
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDE + 80}" height="{HIGH}" '
        f'viewBox="0 0 {WIDE + 80} {HIGH}">\n<style>{STYLE}</style>\n'
        f'<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _curve(name: str, places: Sequence[tuple[float, float]], colour: str) -> str:
    way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    x, y = places[-1]
    return (
        f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'
        f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" style="fill:{colour}">{escape(name)}</text>'
    )
