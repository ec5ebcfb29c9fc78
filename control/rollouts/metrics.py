"""What control tells Prometheus of releases on their way."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from control.rollouts.walk import Walk
from control.snapshot import Snapshot

ROLLED_BACK_SECONDS = 900.0  # for as long it is told that a release was rolled back
LONGEST_REASON = 300  # characters of a label


def rollouts(snapshot: Snapshot, now: float) -> Iterator[Metric]:
    """All families, at the time `now`."""
    waiting = GaugeMetricFamily(
        "horcrux_rollout_seconds",
        "How long a rollout of the app has waited for its next step; 0 when none does.",
        labels=["app"],
    )
    step = GaugeMetricFamily(
        "horcrux_rollout_step",
        "Step of the app's rollout that is under way, from 1 on; 0 when none is.",
        labels=["app"],
    )
    paused = GaugeMetricFamily(
        "horcrux_rollout_paused", "Whether the app's rollout stands still.", labels=["app"]
    )
    for app in snapshot.apps:
        walk = snapshot.walks.get(app)
        progress = walk.progress if walk and not walk.over else None
        since = _since(snapshot, app, walk)
        waiting.add_metric([app], max(0.0, now - since) if since else 0.0)
        step.add_metric([app], progress.step + 1 if progress else 0)
        paused.add_metric([app], bool(progress and progress.paused))
    yield from (waiting, step, paused, _rolled_back(snapshot, now))


def _since(snapshot: Snapshot, app: str, walk: Walk | None) -> float | None:
    if walk and not walk.over:
        return walk.waiting_since
    return snapshot.rollout_since(app)


def _rolled_back(snapshot: Snapshot, now: float) -> Metric:
    family = GaugeMetricFamily(
        "horcrux_release_rolled_back",
        "1 for a quarter of an hour after a release was taken back, unless somebody ordered it.",
        labels=["app", "service", "number", "reason"],
    )
    for app, walk in snapshot.walks.items():
        progress = walk.progress
        if progress is None or not walk.over or not progress.back or progress.order == "abort":
            continue
        if now - progress.since < ROLLED_BACK_SECONDS:
            reason = " ".join(progress.reason.split())[:LONGEST_REASON]
            family.add_metric([app, walk.plan.new, str(walk.plan.number), reason], 1)
    return family
