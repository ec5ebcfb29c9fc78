"""From what the edges count to what is asked now. Pure but for what it remembers.

An edge's counters begin anew at 0 with each configuration (`version`), with its container, and where a
number is smaller than before. What an edge counted while it did not answer is told by its next answer.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from control.elastic.load import WINDOW_SECONDS

Answer = Mapping[str, Any]  # an edge's /status


@dataclass(frozen=True)
class Round:
    """One look at all edges; `complete`: all of them answered, and had been seen before."""

    at: float
    seconds: float  # since the look before, WINDOW_SECONDS at most
    asked: Mapping[str, float]  # requests in these seconds, by app
    sessions: Mapping[str, float]  # requests under way or waiting, by service
    complete: bool


@dataclass(frozen=True)
class _Seen:
    at: float
    version: str
    asked: Mapping[str, float]


class Counters:
    """The edges' counters, and the rounds of the last WINDOW_SECONDS."""

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._at: float | None = None
        self._rounds: deque[Round] = deque()

    def take(self, answers: Mapping[str, Answer | None], now: float) -> None:
        """One round: each edge's answer, None where there was none."""
        self._forget(answers, now)
        asked: dict[str, float] = {}
        sessions: dict[str, float] = {}
        complete, heard = True, False
        for edge, answer in answers.items():
            if answer is None or not answer.get("version"):
                complete = False
                continue
            heard, before = True, self._seen.get(edge)
            self._seen[edge] = after = _seen(answer, now)
            for service, told in (answer.get("releases") or {}).items():
                sessions[service] = sessions.get(service, 0.0) + float(told.get("sessions") or 0)
            if before is None:
                complete = False
                continue
            for app, more in _since(before, after).items():
                asked[app] = asked.get(app, 0.0) + more
        if not heard:
            return
        if self._at is not None and now > self._at:
            seconds = min(now - self._at, WINDOW_SECONDS)
            self._rounds.append(Round(now, seconds, asked, sessions, complete))
        self._at = now

    def rounds(self, now: float) -> list[Round]:
        """The rounds of the last WINDOW_SECONDS, the oldest first."""
        return [r for r in self._rounds if r.at > now - WINDOW_SECONDS]

    def _forget(self, answers: Mapping[str, Answer | None], now: float) -> None:
        self._seen = {edge: seen for edge, seen in self._seen.items() if edge in answers}
        while self._rounds and self._rounds[0].at <= now - WINDOW_SECONDS:
            self._rounds.popleft()


def _seen(answer: Answer, now: float) -> _Seen:
    asked = {app: float(count) for app, count in (answer.get("asked") or {}).items()}
    return _Seen(now, str(answer["version"]), asked)


def _since(before: _Seen, after: _Seen) -> dict[str, float]:
    """Requests by app; of an edge that was silent for long, those of the last WINDOW_SECONDS on average."""
    silent = after.at - before.at
    share = min(1.0, WINDOW_SECONDS / silent) if silent > 0 else 1.0
    anew = before.version != after.version
    found = {}
    for app, count in after.asked.items():
        former = before.asked.get(app, 0.0)
        found[app] = (count if anew or count < former else count - former) * share
    return found
