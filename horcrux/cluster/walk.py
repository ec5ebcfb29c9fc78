"""A walk: how control leads an app's requests from one release to the next.

The plan and control's progress stand in the labels of the app's Swarm config, so that a walk goes on
when whoever asked for it is gone. control/rollouts is the other end, and describes both.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import docker

from horcrux.cluster import control, traffic

PLAN, PROGRESS = "horcrux.walk", "horcrux.progress"
BEGIN_SECONDS = 60  # control that leads may be on its way to another manager: half a minute
POLL_SECONDS = 0.5
SILENCE_SECONDS = 300  # beyond what a phase may take: control does not live any more
Outcome = Literal["promoted", "rolled-back", "failed"]


class WalkError(RuntimeError):
    """Control does not carry a walk out."""


@dataclass(frozen=True)
class Walk:
    """A plan, and how far control has come with it."""

    plan: dict[str, Any]
    progress: dict[str, Any]

    @property
    def outcome(self) -> Outcome | None:
        """How it ended, once it has."""
        found: Outcome | None = self.progress.get("outcome")
        return found

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.outcome is not None

    @property
    def reason(self) -> str:
        """Why it ended as it did, with the numbers."""
        return str(self.progress.get("reason") or "no reason was given")


def of_labels(labels: dict[str, str]) -> Walk | None:
    """The walk that an app's notes tell of; the last one, when none is under way."""
    if not labels.get(PLAN):
        return None
    plan = json.loads(labels[PLAN])
    progress = json.loads(labels.get(PROGRESS) or "{}")
    return Walk(plan, progress if progress.get("id") == plan["id"] else {})


def find(client: docker.APIClient, app: str) -> Walk | None:
    """The app's walk; the last one, when none is under way."""
    return of_labels(traffic.labels(client, app))


def begin(client: docker.APIClient, app: str, plan: dict[str, Any]) -> Walk:
    """Ask for a walk: `plan` without `id` and `began`. The new release is in play, yet without weight."""
    whole = {"id": secrets.token_hex(8), "began": time.time(), **plan}

    def change(labels: dict[str, str]) -> dict[str, str]:
        weights = {**json.loads(labels[traffic.WEIGHTS]), plan["new"]: 0}
        numbers = {**json.loads(labels[traffic.NUMBERS]), plan["new"]: plan["number"]}
        kept = {k: v for k, v in labels.items() if k != PROGRESS}
        return {
            **kept,
            PLAN: json.dumps(whole, sort_keys=True),
            traffic.WEIGHTS: json.dumps(weights, sort_keys=True),
            traffic.NUMBERS: json.dumps(numbers, sort_keys=True),
        }

    traffic.relabel(client, app, change)
    return Walk(whole, {})


def await_end(
    client: docker.APIClient, app: str, walk: Walk, look: Callable[[Walk], None] = lambda _: None
) -> Walk:
    """The walk once it is over; `look` sees it now and then. Raises WalkError when control does not act."""
    heard, told = time.monotonic(), walk.progress
    smoke = (walk.plan.get("smoke") or {}).get("timeout", 0)
    patience = walk.plan["start_timeout"] + walk.plan["drain"] + smoke + SILENCE_SECONDS
    while not walk.over:
        time.sleep(POLL_SECONDS)
        found = find(client, app)
        if found is None or found.plan["id"] != walk.plan["id"]:
            raise WalkError(
                f"{app}: another release was begun meanwhile: horcrux release list {app}"
            )
        walk = found
        look(walk)
        if walk.progress != told or walk.progress.get("paused"):
            heard, told = time.monotonic(), walk.progress
        if time.monotonic() - heard > (patience if told else BEGIN_SECONDS):
            raise WalkError(
                f"{app}: control does not carry the release on; look at `horcrux status`, then run "
                f"`horcrux release resume {app}` or `pulumi up` again"
            )
    return walk


def abort(client: docker.APIClient, app: str, walk: Walk, by: str) -> Walk:
    """End a walk: what ran before serves again. The walk, over."""
    if not walk.over:
        control.ask(client, "POST", f"/v1/rollouts/{app}", {"order": "abort", "by": by})
    return await_end(client, app, walk)
