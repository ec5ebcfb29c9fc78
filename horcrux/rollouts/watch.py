"""Watching an app's walk while the update that began it runs: a picture, or a line for each change."""

import threading
import time
from collections.abc import Callable

from pulumi.automation import EngineEvent
from pulumi.automation.events import StepEventMetadata
from rich.console import Console, RenderableType
from rich.text import Text

from horcrux.rollouts import words
from horcrux.rollouts.look import FAILURES, Look
from horcrux.rollouts.picture import picture

LOOK_SECONDS = 1.0  # a look costs a command in control's container; control itself acts each second
KIND = "Rollout"


class Watch:
    """Looks in a thread of its own, from the moment that the update comes to the app's rollout."""

    def __init__(
        self, console: Console, app: str, look: Callable[[], Look] | None, seen: str | None = None
    ) -> None:
        """`look` None: nothing is shown. `seen`: the id of a walk of earlier, which is not shown."""
        self._console, self._app, self._look, self._seen = console, app, look, seen
        self._begun, self._ended = threading.Event(), threading.Event()
        self._last: Look | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failed = False  # whether it was the app's rollout that made the update fail

    def __enter__(self) -> "Watch":
        if self._look:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._begun.set()

    def note(self, event: EngineEvent) -> None:
        """Take note of one event of the update."""
        if event.resource_pre_event and self._is_own(event.resource_pre_event.metadata):
            self._begun.set()
        elif event.res_op_failed_event and self._is_own(event.res_op_failed_event.metadata):
            self.failed = True

    def picture(self) -> RenderableType | None:
        """What a terminal shows now."""
        return picture(self._app, self._last, time.time()) if self._last else None

    def look(self) -> None:
        """Look once; where nobody draws, say what is new. What was known stays when there is no answer."""
        assert self._look
        try:
            found = self._look()
        except FAILURES:
            return
        if self._ended.is_set() or found.walk is None or found.walk.plan["id"] == self._seen:
            return
        before, self._last = self._last, found
        if not self._console.is_terminal:
            for line in words.changes(before, found):
                self._console.print(Text(f"  · {self._app}: {line}"))

    def _is_own(self, step: StepEventMetadata) -> bool:
        kind, name = step.type.rpartition(":")[2], step.urn.rpartition("::")[2]
        return kind == KIND and name == self._app

    def _run(self) -> None:
        self._begun.wait()
        while not self._ended.is_set():
            self.look()
            self._ended.wait(LOOK_SECONDS)
