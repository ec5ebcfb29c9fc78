"""Running other programs: one small interface, so that tests can put a fake in its place."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

NOT_FOUND = 127
TIMED_OUT = 124


@dataclass(frozen=True)
class Result:
    """How a program ended. A program that isn't there has the code NOT_FOUND."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether it succeeded."""
        return self.code == 0

    @property
    def reason(self) -> str:
        """The last line it wrote, for a message."""
        lines = (self.err.strip() or self.out.strip()).splitlines()
        return lines[-1].strip() if lines else f"exit status {self.code}, and no reason given"


class Runner(Protocol):
    """Runs a program to its end. `limit` is in seconds; `env` replaces the environment."""

    def __call__(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        limit: float | None = None,
    ) -> Result:
        """Run `words` and return how it ended; a failure is a result, not an exception."""
        ...


def run(
    *words: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> Result:
    """Run a program for real; past `limit` seconds it is ended with all its children."""
    try:
        child = subprocess.Popen(
            [str(word) for word in words],
            cwd=cwd,
            env=env,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=limit is not None,
        )
    except OSError as error:
        return Result(NOT_FOUND, err=f"{words[0]}: {error.strerror}")
    try:
        out, err = child.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        _end(child)
        return Result(TIMED_OUT, err=f"{words[0]}: not done after {limit} s")
    except BaseException:
        _end(child)
        raise
    return Result(child.returncode, out, err)


def _end(child: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        leads = os.getpgid(child.pid) == child.pid
        (os.killpg if leads else os.kill)(child.pid, signal.SIGKILL)
    child.wait()
