"""Bringing an environment up, previewing and taking it down, with progress and plain errors."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from horcrux.exits import Exit, HorcruxError
from horcrux.progress import COUNTED, Aside, Progress
from horcrux.stack import Stack

WORDS = {"create": "to make", "update": "to change", "replace": "to replace", "delete": "to remove"}


def plan(stack: Stack, console: Console) -> dict[str, int]:
    """What an update would change, told in a line; raises when the settings or policies refuse it."""
    with Progress(console, "looking at what would change", 0) as progress, _interruptible(console):
        try:
            changes = stack.preview(lambda e: None if e.resource_pre_event else progress(e))
        except HorcruxError as error:
            raise _told(error, progress) from None
    for warning in progress.warnings:
        console.print(f"[yellow]warning:[/] {warning}", markup=True)
    return {kind: count for kind, count in changes.items() if kind != "same" and count}


def summary(changes: dict[str, int]) -> str:
    """The changes in words."""
    counted = {k: v for k, v in changes.items() if k in WORDS}
    return ", ".join(f"{n} {WORDS[k]}" for k, n in counted.items()) or "nothing to change"


def update(
    stack: Stack, console: Console, changes: dict[str, int], aside: Aside | None = None
) -> float:
    """Make the changes; how many seconds it took. `aside`: what else is shown meanwhile."""
    total = sum(count for kind, count in changes.items() if kind in COUNTED)
    return _run(stack.up, Progress(console, "updating", total, aside), console)


def destroy(stack: Stack, console: Console) -> float:
    """Take everything away; how many seconds it took."""
    return _run(stack.destroy, Progress(console, "taking away", 0), console)


def _run(action: Any, progress: Progress, console: Console) -> float:
    with progress, _interruptible(console) as interrupted:
        try:
            action(progress)
        except HorcruxError as error:
            if interrupted:
                raise HorcruxError(
                    "interrupted; what is done is kept, the same command carries on from there",
                    Exit.INTERRUPTED,
                ) from None
            raise _told(error, progress) from None
    return progress.seconds


def _told(error: HorcruxError, progress: Progress) -> HorcruxError:
    """The errors that Pulumi told of one by one, in place of its whole output."""
    if error.code != Exit.FAILED or not progress.errors:
        return error
    return HorcruxError("\n".join(dict.fromkeys(progress.errors)), error.code)


@contextmanager
def _interruptible(console: Console) -> Iterator[list[int]]:
    """Ctrl-C lets Pulumi finish what is under way. A terminal tells Pulumi itself; for a SIGTERM we do."""
    received: list[int] = []

    def note(number: int, _frame: object) -> None:
        received.append(number)
        if number == signal.SIGTERM:
            for child in _children():
                os.kill(child, signal.SIGINT)
        console.print("  [yellow]![/] stopping after what is under way; once more to stop at once")

    before = {n: signal.signal(n, note) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _children() -> list[int]:
    """This process's children, where the system tells (Linux)."""
    found: list[int] = []
    for task in Path("/proc/self/task").glob("*/children"):
        found += [int(word) for word in task.read_text().split()]
    return found
