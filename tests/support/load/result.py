"""What became of the requests: written as JSON by the client, read by whoever started it."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

MOST_FAILURES = 5000  # told one by one; the counts hold all of them


@dataclass(frozen=True)
class Failure:
    """A request that failed: when it was to go out and when it had failed, in seconds since 1970."""

    sort: str
    kind: str
    began: float
    at: float
    release: str | None = None
    """Who answered, where the failure was an answer that says so."""

    @property
    def idempotent(self) -> bool:
        """Whether a client may simply have asked again."""
        return self.sort in ("get", "get-new", "slow")


@dataclass
class Sort:
    """One sort of request. `repeated`: sent once more, as browsers do, after a lost connection."""

    answered: int = 0
    failed: int = 0
    repeated: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    longest: float | None = None
    """Seconds from when the request was to go out to its answer's last byte."""


@dataclass
class Result:
    """A whole load."""

    began: float
    """Seconds since 1970."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Processor time that the client took."""
    sorts: dict[str, Sort] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    releases: dict[str, dict[int, int]] = field(default_factory=dict)
    """Answers to `GET /`, also failed ones that say whose they are: by release and second of the load."""

    @property
    def answered(self) -> int:
        """All that were answered well."""
        return sum(sort.answered for sort in self.sorts.values())

    @property
    def failed(self) -> int:
        """All that were not."""
        return sum(sort.failed for sort in self.sorts.values())

    @property
    def repeated(self) -> int:
        """All that needed a second attempt."""
        return sum(sort.repeated for sort in self.sorts.values())

    @property
    def kinds(self) -> dict[str, int]:
        """How many failed, by sort and kind: what an assertion shows."""
        return dict(Counter(f"{f.sort}: {f.kind}" for f in self.failures))

    def answers(self, release: str, since: float = 0.0, until: float = float("inf")) -> int:
        """How many answers to `GET /` were a release's, between two times (seconds since 1970)."""
        seconds = self.releases.get(release, {})
        return sum(n for s, n in seconds.items() if since <= self.began + s < until)

    def lost(self, since: float = 0.0) -> list[Failure]:
        """What failed that began after a time (seconds since 1970)."""
        return [failure for failure in self.failures if failure.began > since]

    def share(self, release: str) -> tuple[int, int]:
        """A release's answers to `GET /` and all of them, in the seconds in which it gave some."""
        own = self.releases.get(release, {})
        if not own:
            return 0, 0
        first, last = min(own), max(own)
        every = (seconds.items() for seconds in self.releases.values())
        return sum(own.values()), sum(n for of in every for s, n in of if first <= s <= last)

    def as_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))


def read(text: str) -> Result:
    """What `as_json` wrote."""
    found: dict[str, Any] = json.loads(text)
    return Result(
        **{
            **found,
            "sorts": {name: Sort(**sort) for name, sort in found["sorts"].items()},
            "failures": [Failure(**failure) for failure in found["failures"]],
            "releases": {
                release: {int(second): n for second, n in seconds.items()}
                for release, seconds in found["releases"].items()
            },
        }
    )


def quantile(ordered: list[float], share: float) -> float | None:
    """The value below which that share of the sorted values lies; None of nothing."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def summed(durations: Iterable[float], failed: int, repeated: int) -> Sort:
    """One sort's figures from the durations of its answers."""
    ordered = sorted(durations)
    quantiles = {f"p{n}": quantile(ordered, n / 100) for n in (50, 95, 99)}
    return Sort(len(ordered), failed, repeated, **quantiles, longest=quantile(ordered, 1.0))
