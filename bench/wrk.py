"""Load with wrk, over connections that are kept alive."""

import re
from dataclasses import dataclass
from pathlib import Path

from bench.command import run

THREADS, CONNECTIONS = 2, 64
PATIENCE_SECONDS = 2  # wrk's own default
SPARE_SECONDS = 30  # beyond the time that wrk is told to take
RATE = re.compile(r"^Requests/sec:\s+([\d.]+)", re.MULTILINE)
P99 = re.compile(r"^\s+99%\s+([\d.]+)(us|ms|s|m)\s*$", re.MULTILINE)
REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
BROKEN = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
IN_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Load:
    """What wrk saw: requests per second, the 99th percentile in ms, requests that failed."""

    rate: float
    p99_ms: float
    failed: int


def load(
    url: str,
    host: str,
    seconds: int,
    connections: int = CONNECTIONS,
    patience: int = PATIENCE_SECONDS,
) -> Load:
    """Ask for `url` with the host name `host` for so many seconds. Raises CommandError.

    An answer that takes more than `patience` seconds has failed.
    """
    words = ["wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "--latency"]
    words += ["--timeout", f"{patience}s"]
    done = run([*words, "-H", f"Host: {host}", url], Path.cwd(), seconds + SPARE_SECONDS)
    return parse(done.text)


def parse(text: str) -> Load:
    """Read what wrk says. Raises ValueError when it is not that."""
    rate, p99 = RATE.search(text), P99.search(text)
    if not rate or not p99:
        raise ValueError(f"this is not what wrk says of a measurement:\n{text}")
    refused, broken = REFUSED.search(text), BROKEN.search(text)
    failed = int(refused[1]) if refused else 0
    failed += sum(map(int, broken.groups())) if broken else 0
    return Load(float(rate[1]), float(p99[1]) * IN_MS[p99[2]], failed)
