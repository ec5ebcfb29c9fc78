"""The verb report: what an environment did over days, as one HTML file."""

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn

from horcrux.cluster.control import ask
from horcrux.cluster.logs import moment
from horcrux.context import Environment, context
from horcrux.docker_api import connect
from horcrux.exits import Exit, HorcruxError
from horcrux.progress import console

LEAST_SECONDS = 120  # two buckets of the shortest kind


def report(
    stack: Environment = None,
    since: Annotated[str, typer.Option(help="How far back: 6h, 7d, or a time (ISO 8601).")] = "7d",
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The file. Default: horcrux-report-ENV-DATE.html."),
    ] = None,
) -> None:
    """Write what a manager reads: load, errors, latency, alerts, headroom, advice. One HTML file."""
    from horcrux.report.ask import gather
    from horcrux.report.figures import compute
    from horcrux.report.page import render
    from horcrux.report.span import Span

    now = time.time()
    back = now - moment(since).timestamp()
    if back < LEAST_SECONDS:
        raise HorcruxError(f"--since: {since!r} is not two minutes back", Exit.USAGE)
    outputs = context.outputs(stack)
    name = outputs.project.environment
    path = output or Path(f"horcrux-report-{name}-{time.strftime('%Y-%m-%d')}.html")
    if not path.parent.is_dir():
        raise HorcruxError(f"-o: there is no folder {path.parent}; make it first", Exit.USAGE)
    client, span, out = connect(outputs.access), Span.back(back, now), console()
    columns = (
        TextColumn("  asking for {task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
    )
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as progress:
        task = progress.add_task("the overview")
        answers = gather(
            lambda asked: ask(client, "GET", asked),
            span,
            lambda what, done, total: progress.update(
                task, description=what, completed=done, total=total
            ),
        )
    found = compute(answers, span)
    try:
        path.write_text(render(found, now), encoding="utf-8")
    except OSError as error:
        raise HorcruxError(f"-o: {path} cannot be written: {error.strerror}") from None
    for what, why in found.failed.items():
        out.print(f"! not in the report: {what} ({why})", markup=False)
    if not found.recorded:
        out.print(
            "! nothing was recorded in this time; is monitoring running? horcrux status",
            markup=False,
        )
    out.print(f"[green]✓[/] {len(found.apps)} apps, {len(found.hosts)} hosts:", end=" ")
    out.print(str(path), markup=False)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(report)
