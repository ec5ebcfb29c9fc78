"""Apps whose releases are on their way, went back or are kept, and apps that follow their load, as data."""

import time
from typing import Any

from tests.browser.world import Json, app, release

TEXT = "errors 0.12 % of 2,411 requests against 0.10 % of 7,232 requests"
BAD = "errors 5.1 % of 412 requests against 0.1 % of 7,904 requests (p = 2e-15, confidence 99 %)"
ANALYSIS = {
    "errors": 0.001,
    "latency": 1.5,
    "confidence": 0.99,
    "min_requests": 100,
    "on_no_data": "wait",
    "no_data_limit": 600,
    "queries": [{"name": "orders", "query": "up", "max": 5.0}],
}
STEPS = [{"weight": 5, "pause": 60}, {"weight": 25, "pause": 120}, {"weight": 50, "pause": 120}]


def plan(name: str, strategy: str = "canary", **changes: Any) -> Json:
    """From r6 to r7."""
    return {
        "id": "00112233aabbccdd",
        "strategy": strategy,
        "new": f"{name}-{7:08x}",
        "release": f"{7:08x}",
        "number": 7,
        "old": f"{name}-{6:08x}",
        "old_number": 6,
        "replicas": 4,
        "surge": 1,
        "routed": True,
        "drain": 30,
        "start_timeout": 300,
        "began": time.time() - 95,
        **({"steps": STEPS, "analysis": ANALYSIS} if strategy == "canary" else {}),
    } | changes


def check(
    name: str, new: float | None, old: float | None, p: float | None, ok: bool | None
) -> Json:
    """One comparison of a look."""
    return {"name": name, "new": new, "old": old, "p": p, "ok": ok}


def verdict(grade: str = "good", **changes: Any) -> Json:
    """A look at r7 with a quarter of the requests."""
    return {
        "at": time.time() - 3,
        "step": 1,
        "weight": 25,
        "window": 38.2,
        "new": {"requests": 2411, "errors": 3, "p95": 0.0433},
        "old": {"requests": 7232, "errors": 7, "p95": 0.0418},
        "checks": [
            check("errors", 0.00124, 0.00097, 0.46, True),
            check("p95", 0.0433, 0.0418, 0.21, True),
            check("p99", 0.119, 0.118, 0.5, True),
            check("orders", 1.25, 1.5, None, True),
        ],
        "verdict": grade,
        "text": TEXT,
    } | changes


def bad_verdict() -> Json:
    """A look that found many errors, and slow answers that were within bounds."""
    return verdict(
        "bad",
        at=time.time() - 280,
        step=0,
        weight=5,
        window=25.0,
        new={"requests": 412, "errors": 21, "p95": 0.048},
        old={"requests": 7904, "errors": 8, "p95": 0.042},
        checks=[
            check("errors", 0.05097, 0.00101, 2.1e-15, False),
            check("p95", 0.048, 0.042, 0.04, True),
            check("p99", 0.131, 0.118, 0.3, True),
        ],
        text=BAD,
    )


def no_data(text: str = "41 requests, and 100 are needed") -> Json:
    """A look with too few requests."""
    few = {"requests": 41, "errors": 0, "p95": 0.04}
    return verdict("no data", new=few, text=text)


def progress(**changes: Any) -> Json:
    """At the second step, which has gone on for 38 of its 120 seconds."""
    return {
        "id": "00112233aabbccdd",
        "phase": "watching",
        "step": 1,
        "since": time.time() - 38,
        "paused": False,
        "paused_at": None,
        "order": None,
        "by": "",
        "ending": None,
        "outcome": None,
        "reason": "",
        "looks": 14,
        "verdicts": [verdict() for _ in range(8)],
        "gap": None,
    } | changes


def walking(name: str, share: float = 0.25, told: Json | None = None, **of_plan: Any) -> Json:
    """An app on the way from r6 to r7; `told`: how far it is, `of_plan`: what is to be done."""
    return app(
        name,
        requests=48.6,
        rollout={"seconds": 95.0, "from": "r6", "to": "r7"},
        walk={"plan": plan(name, **of_plan), "progress": progress() if told is None else told},
        replicas={"desired": 5, "running": 5},
        releases=[*parked(name), *pair(name, share)],
    )


def pair(name: str, share: float) -> list[Json]:
    """r6 and r7, in play."""
    old = {"desired": 4, "running": 4, "requests": 36.4, "errors": 0.001}
    new = {"desired": 1, "running": 1, "requests": 12.2, "errors": 0.0012}
    return [
        release(name, 6, weight=1 - share, created=time.time() - 86_400, **old),
        release(name, 7, weight=share, created=time.time() - 96, **new),
    ]


def parked(name: str) -> list[Json]:
    """Two earlier releases without tasks; those in play alone have numbers."""
    idle = {
        "weight": 0.0,
        "desired": 0,
        "running": 0,
        "requests": None,
        "errors": None,
        "p95": None,
    }
    ages = {4: 9 * 86_400, 5: 3 * 86_400}
    return [
        release(name, n, **idle, created=time.time() - age) | {"number": None}
        for n, age in ages.items()
    ]


def back(name: str, outcome: str = "rolled-back", reason: str = BAD, **told: Any) -> Json:
    """An app whose r7 has gone back to r6, four minutes ago."""
    ended = progress(
        phase="over",
        step=0,
        since=time.time() - 250,
        ending=outcome,
        outcome=outcome,
        reason=reason,
    )
    ended["verdicts"] = [verdict(step=0, weight=5), bad_verdict()] if reason == BAD else []
    old, new = pair(name, 0.0)
    new |= {
        "created": time.time() - 310,
        "number": None,
        "desired": 0,
        "running": 0,
        "requests": None,
        "errors": None,
        "p95": None,
    }
    return app(
        name,
        walk={"plan": plan(name), "progress": ended | told},
        replicas={"desired": 4, "running": 4},
        releases=[*parked(name), old, new],
    )


def elastic(name: str, **changes: Any) -> Json:
    """An app that has four tasks, gets two more, and may have ten."""
    told = {
        "min": 1,
        "max": 10,
        "wanted": 6,
        "limited": None,
        "short": 0,
        "reason": "290 requests/s, 50 a task wanted",
    }
    return app(
        name,
        requests=290.0,
        elastic=told | changes,
        replicas={"desired": 6, "running": 4},
        releases=[release(name, 1, desired=6, running=4, pending=0, requests=290.0)],
    )
