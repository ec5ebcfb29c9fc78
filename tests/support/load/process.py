"""The load in a process of its own, for the time of a `with` block."""

import json
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tests.support.load.result import Result, read
from tests.support.load.timetable import SHARES

PROJECT = Path(__file__).resolve().parents[3]
RATE = 220.0  # requests a second: some above the 200 that tests are to be made under
END_SECONDS = 40  # the longest answer and its patience, and a busy machine


class Load:
    """Requests to an app through the front door; `result` is there after the block."""

    def __init__(
        self,
        port: int,
        host: str,
        rate: float = RATE,
        sorts: Mapping[str, float] = SHARES,
        address: str = "127.0.0.1",
    ) -> None:
        options = ["--rate", str(rate), "--sorts", json.dumps(dict(sorts))]
        program = [sys.executable, "-m", "tests.support.load", address, str(port), host]
        self._command = [*program, *options]
        self._result: Result | None = None

    def __enter__(self) -> "Load":
        self._process = subprocess.Popen(
            self._command,
            cwd=PROJECT,
            stdin=subprocess.PIPE,  # closed when this process ends, however it ends
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "begun\n", "the load client did not begin"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            written, _ = self._process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        if kind is None:
            self._result = read(written)

    @property
    def result(self) -> Result:
        """What became of the requests; only after the block."""
        assert self._result is not None, "the load has not ended yet"
        return self._result
