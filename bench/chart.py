"""build/bench.svg: bars for every figure, those of one unit on one scale."""

from html import escape

from bench.figures import Figure
from bench.report import shown

WIDTH, LEFT, RIGHT, ROW = 1080, 470, 270, 24
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
