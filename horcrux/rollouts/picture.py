"""The picture of a walk: both releases' shares, tasks and figures, the steps, the last verdict. Pure.

Reasons and verdicts are others' texts and may hold anything: they become Text, never markup.
"""

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from horcrux.cluster.walk import Walk
from horcrux.report import units
from horcrux.report.units import plain
from horcrux.rollouts import words
from horcrux.rollouts.look import Look

BAR = 24  # cells of the bar of shares
MARKS = {"good": ("✓", "green"), "bad": ("✗", "bold red"), "no data": ("?", "yellow")}


def picture(app: str, look: Look, now: float) -> RenderableType | None:
    """What a terminal shows while a walk is under way; nothing before there is one."""
    walk = look.walk
    if walk is None:
        return None
    parts: list[RenderableType] = [_head(app, walk, now), _releases(walk, look)]
    if steps := walk.plan.get("steps"):
        parts.append(_steps(walk, steps))
    if verdict := words.last_verdict(walk):
        mark, style = MARKS.get(verdict["verdict"], ("·", ""))
        parts.append(Text(f"    {mark} {plain(verdict['text'])}", style))
    return Group(*parts)


def _head(app: str, walk: Walk, now: float) -> Text:
    text = Text("  ")
    text.append(app, "bold")
    text.append(f" {words.old_number(walk)} → {words.number(walk)}  {walk.plan['strategy']}, ")
    text.append(words.stage(walk))
    since = walk.progress.get("since")
    if walk.progress.get("paused"):
        text.append(f"; paused: horcrux release resume {app}", "yellow")
    elif since and not walk.over:
        text.append(f", {units.lasting(max(0.0, now - since))}{_of_pause(walk)}", "dim")
    return text


def _of_pause(walk: Walk) -> str:
    """How long the present step is measured, where that is known."""
    steps, step = walk.plan.get("steps") or (), int(walk.progress.get("step") or 0)
    if walk.progress.get("phase") != "watching" or step >= len(steps):
        return ""
    return f" of {units.lasting(steps[step]['pause'])}"


def _releases(walk: Walk, look: Look) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    releases = (
        (words.number(walk), walk.plan["new"], "cyan"),
        (words.old_number(walk), walk.plan["old"], "blue"),
    )
    for name, service, colour in releases:
        percent = look.share(service)
        filled = round(BAR * percent / 100)
        bar = Text("█" * filled, colour).append("░" * (BAR - filled), "dim")
        table.add_row(f"    {name}", bar, f"{percent:>3} %", *_figures(look, service))
    return table


def _figures(look: Look, service: str) -> list[str]:
    rates, tasks = look.rates.get(service) or {}, look.tasks.get(service)
    healthy = f"{tasks['healthy']}/{tasks['desired']} tasks" if tasks else ""
    if not rates:
        return [healthy]
    return [
        healthy,
        f"{units.rate(rates.get('requests'))} requests/s",
        f"{units.percent(rates.get('errors'))} errors",
        f"p95 {units.seconds(rates.get('p95'))}",
    ]


def _steps(walk: Walk, steps: list[dict[str, Any]]) -> Text:
    text, at = Text("    "), int(walk.progress.get("step") or 0)
    for i, step in enumerate(steps):
        done = i < at or walk.outcome == "promoted"
        here = i == at and walk.progress and not walk.over
        mark, style = ("✓", "green") if done else ("●", "cyan") if here else ("○", "dim")
        text.append(f"{mark} {step['weight']} %   ", style)
    return text
