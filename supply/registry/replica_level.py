"""Until when the replica had all that is here: kept over a restart, so that this alone is no loss."""

import contextlib
import json
import logging
from pathlib import Path

log = logging.getLogger("registry")


class Level:
    """A time (seconds since the epoch), for one replica: another one has nothing yet."""

    def __init__(self, path: Path, replica: str) -> None:
        self._path, self._replica = path, replica
        self.at = 0.0
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(path.read_text())
            if told["replica"] == replica:
                self.at = float(told["level"])

    def reached(self, at: float) -> None:
        """All that was pushed before that time is there."""
        self.at = at
        new = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps({"replica": self._replica, "level": at}))
            new.replace(self._path)
        except OSError as error:  # a full disk; it is known in memory
            log.warning("%s cannot be written: %s", self._path, error.strerror)
