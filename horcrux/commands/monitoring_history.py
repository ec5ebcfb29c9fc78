"""What `top` remembers: each app's rate of requests over the last minutes, drawn in one line."""

from collections import deque
from typing import Any

from horcrux.report.units import number

WINDOW_SECONDS = 300  # long enough to see a change, short enough to see it move
STEP_SECONDS = 15  # of what is asked for at the start; a column of the widest line
SAMPLES = 600  # of an app: the window at half a second each
BLOCKS = "▁▂▃▄▅▆▇█"
QUERY = "app:requests:rate1m"


class History:
    """Rates by app, in memory; it forgets what is older than the window."""

    def __init__(self) -> None:
        self._samples: dict[str, deque[tuple[float, float]]] = {}

    def note(self, document: dict[str, Any]) -> None:
        """Keep what an overview says."""
        for app in document.get("apps") or ():
            self._add(app["name"], document["time"], app.get("requests"))

    def fill(self, answer: dict[str, Any]) -> None:
        """Keep what Prometheus knew before: the answer to QUERY over the window."""
        for series in answer.get("result") or ():
            for at, value in series.get("values") or ():
                self._add(series["labels"].get("app", ""), at, value)

    def line(self, app: str, width: int, now: float) -> str:
        """The window as `width` blocks, the highest of which is the app's own highest rate."""
        means = self._means(app, width, now)
        most = max((mean for mean in means if mean is not None), default=0.0)
        return "".join(_block(mean, most) for mean in means)

    def _add(self, app: str, at: float, value: object) -> None:
        found = number(value)
        if found is not None:
            self._samples.setdefault(app, deque(maxlen=SAMPLES)).append((at, found))

    def _means(self, app: str, width: int, now: float) -> list[float | None]:
        columns: list[list[float]] = [[] for _ in range(width)]
        for at, value in self._samples.get(app, ()):
            column = width - 1 - int((now - at) * width / WINDOW_SECONDS)
            if 0 <= column < width:
                columns[column].append(value)
        return [sum(column) / len(column) if column else None for column in columns]


def _block(value: float | None, most: float) -> str:
    if value is None:
        return " "
    return BLOCKS[round(value / most * (len(BLOCKS) - 1))] if most else BLOCKS[0]
