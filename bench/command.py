"""Running a command and noting when it said what."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

STEP = re.compile(r"✓\s+\d+(?:/\d+)?\s+(?P<what>.+?)\s+(?P<took>\d+\.\d) s$")
TAIL_LINES = 30  # of a failed command's output, shown in the error


class CommandError(RuntimeError):
    """A command failed; the message has the last lines of what it said."""


@dataclass(frozen=True)
class Line:
    """A line of output, and the seconds from the command's start at which it came."""

    at: float
    text: str


@dataclass(frozen=True)
class Step:
    """A resource's change as `horcrux up` tells it: when it was done, and how long it took."""

    at: float
    what: str
    took: float


@dataclass(frozen=True)
class Done:
    """A command that has ended well."""

    seconds: float
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All that it said."""
        return "\n".join(line.text for line in self.lines)

    @property
    def steps(self) -> list[Step]:
        """What `horcrux up` tells of."""
        found = ((line.at, STEP.search(line.text)) for line in self.lines)
        return [Step(at, m["what"], float(m["took"])) for at, m in found if m]

    def slowest(self, number: int) -> dict[str, float]:
        """The steps that took longest, by what they were."""
        steps = sorted(self.steps, key=lambda step: -step.took)[:number]
        return {step.what: step.took for step in steps}

    def first(self, matches: Callable[[str], bool]) -> float:
        """When the first such line came. Raises LookupError."""
        return self._matching(matches)[0]

    def last(self, matches: Callable[[str], bool]) -> float:
        """When the last such line came. Raises LookupError."""
        return self._matching(matches)[-1]

    def _matching(self, matches: Callable[[str], bool]) -> list[float]:
        found = [line.at for line in self.lines if matches(line.text)]
        if not found:
            raise LookupError(f"no such line in what the command said:\n{self.text}")
        return found


def run(
    words: list[str],
    folder: Path,
    limit: float,
    stop: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
) -> Done:
    """Run it to its end. Raises CommandError; on Ctrl-C it is stopped once, waited for, and left.

    `stop` is the signal that lets it end in order; it is sent after `limit` seconds too.
    """
    began = time.monotonic()
    lines: list[Line] = []
    with subprocess.Popen(
        words,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that Ctrl-C reaches it once, from us
    ) as process:
        timer = threading.Timer(limit, process.send_signal, [stop])
        timer.start()
        assert process.stdout
        try:
            for line in process.stdout:
                lines.append(Line(time.monotonic() - began, line.rstrip()))
            process.wait()
        except KeyboardInterrupt:
            process.send_signal(stop)
            process.stdout.read()
            raise
        finally:
            timer.cancel()
    done = Done(time.monotonic() - began, tuple(lines))
    if process.returncode:
        tail = "\n".join(f"    {line.text}" for line in lines[-TAIL_LINES:])
        raise CommandError(
            f"`{' '.join(words)}` failed after {done.seconds:.0f} s "
            f"with exit status {process.returncode}:\n{tail}"
        )
    return done
