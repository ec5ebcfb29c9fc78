"""What an update is doing, told as it happens: what, how far, how long."""

import re
import sys
import time
from dataclasses import dataclass
from typing import Protocol

from pulumi.automation import EngineEvent
from pulumi.automation.events import StepEventMetadata
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

DOING = {
    "BaseImage": ("make", "base image"),
    "Image": ("build", "image"),
    "PushedImage": ("push", "image"),
    "Network": ("make", "network"),
    "Volume": ("make", "volume"),
    "Container": ("start", "container"),
    "Formation": ("form", "cluster"),
    "Node": ("join", "host"),
    "Secret": ("store", "secret"),
    "Service": ("start", "service"),
    "Rollout": ("roll out", "app"),
    "Certificate": ("sign", "certificate"),
    "Password": ("make up", "password"),
    "Authority": ("make", "certificate authority"),
}
DELETING = {"Node": "drain and remove", "Rollout": "drain"}
NOISE = re.compile(
    r"^(Exception calling application: |[a-z0-9/-]+\.go:\d+: [\w.]+: |1 error occurred:\s*)+"
)
ENDED = "an unhandled error occurred: program exited"  # the error itself has been told
COUNTED = ("create", "update", "replace", "delete")


@dataclass(frozen=True)
class Step:
    """One resource's change under way."""

    text: str
    began: float


class Aside(Protocol):
    """What is shown beside an update's own steps."""

    def note(self, event: EngineEvent) -> None:
        """Take note of one event."""

    def picture(self) -> RenderableType | None:
        """What there is to see now, if there is anything."""


class Progress:
    """Shows engine events: a live list in a terminal, a line for each thing done elsewhere."""

    def __init__(self, console: Console, verb: str, total: int, aside: Aside | None = None) -> None:
        """`total`: how many resources will change, or 0 when that is not known."""
        self._console, self._verb, self._total, self._aside = console, verb, total, aside
        self._running: dict[str, Step] = {}
        self._done, self._began = 0, time.monotonic()
        self.errors: list[str] = []
        self.warnings: list[str] = []
        self._live = Live(
            get_renderable=self._picture, console=console, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        if self._console.is_terminal:
            self._live.__exit__(None, None, None)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.monotonic() - self._began

    def __call__(self, event: EngineEvent) -> None:
        """Take note of one event."""
        if self._aside:
            self._aside.note(event)
        if event.resource_pre_event:
            self._begin(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._finish(event.res_outputs_event.metadata)
        elif event.res_op_failed_event:
            self._running.pop(event.res_op_failed_event.metadata.urn, None)
        elif event.diagnostic_event:
            self._note(event.diagnostic_event.severity, event.diagnostic_event.message)
        elif event.policy_event:
            policy = event.policy_event
            level = "error" if policy.enforcement_level == "mandatory" else "warning"
            self._note(level, f"policy {policy.policy_name}: {policy.message}")

    def _begin(self, step: StepEventMetadata) -> None:
        self._running[step.urn] = Step(_described(step), time.monotonic())

    def _finish(self, step: StepEventMetadata) -> None:
        found = self._running.pop(step.urn, None)
        self._done += _operation(step) in COUNTED and not _is_let_go(step)
        if not found or not found.text:
            return
        took = time.monotonic() - found.began
        count = f"{self._done}/{self._total}" if self._total else str(self._done)
        if took >= 1 or not self._console.is_terminal:
            self._console.print(f"  [green]✓[/] {count:>7}  {found.text}  [dim]{took:.1f} s[/]")

    def _note(self, severity: str, message: str) -> None:
        text = NOISE.sub("", re.sub(r"<\{%.*?%\}>", "", message).strip()).strip()
        if (
            not text
            or text == "update failed"
            or "verification warning" in text
            or text.startswith(ENDED)
        ):
            return
        if severity == "error":
            self.errors.append(text)
        elif severity == "warning":
            self.warnings.append(text)
        elif severity == "info#err" or (severity == "info" and text.startswith("removed")):
            self._console.print(f"  [yellow]![/] {text}")

    def _picture(self) -> Group:
        table = Table.grid(padding=(0, 2))
        now = time.monotonic()
        told = [step for step in self._running.values() if step.text]
        for step in sorted(told, key=lambda s: s.began)[:12]:
            table.add_row("  [cyan]…[/]", step.text, f"[dim]{now - step.began:.0f} s[/]")
        far = f"{self._done} of {self._total}" if self._total else f"{self._done} done"
        foot = Text(f"  {self._verb}: {far}, {now - self._began:.0f} s", style="bold")
        beside = self._aside.picture() if self._aside else None
        return Group(table, *([beside] if beside else []), foot)


def _operation(step: StepEventMetadata) -> str:
    return str(getattr(step.op, "value", step.op))


def _is_let_go(step: StepEventMetadata) -> bool:
    """Whether Pulumi only forgets it: an earlier release's service, which is its rollout's from now on."""
    return _operation(step).startswith("delete") and bool(step.old and step.old.retain_on_delete)


def _described(step: StepEventMetadata) -> str:
    """The step in words, or nothing for what is not worth a line."""
    operation = _operation(step)
    kind = step.type.rpartition(":")[2]
    name = step.urn.rpartition("::")[2]
    component = step.type.startswith("horcrux:")
    if (
        component
        or kind not in DOING
        or not any(operation.startswith(word) for word in (*COUNTED, "delete"))
    ):
        return ""
    verb, noun = DOING[kind]
    if _is_let_go(step):
        return ""
    if operation.startswith("delete"):
        return f"{DELETING.get(kind, 'remove')} {noun} {name}"
    if operation == "replace":
        return ""  # its creation and deletion are told
    name = re.sub(
        rf"^(image|pushed)-|-(node|volume|certificate|password)$|^{noun}$|^formation$", "", name
    )
    return f"{verb} {noun} {name}".strip()


PIPED_WIDTH = 1000  # columns: no cell of a table is ever broken for a program that reads it


class _Console(Console):
    """A console whose reader may leave (`… | head`) without ending the update."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


def console() -> Console:
    """What goes on, on standard error: for people to read beside what a command answers."""
    return _Console(file=sys.stderr, highlight=False, soft_wrap=True)


def output() -> Console:
    """What a command was asked for, on standard output; whole lines where that is no terminal."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return _Console(file=sys.stdout, highlight=False, soft_wrap=True, width=width)
