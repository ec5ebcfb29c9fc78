"""The environment under control's eyes: a snapshot every few seconds, and the events between two.

The edges' configuration has a quicker way of its own (routes.py); what is here may be a few seconds old.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from control.alertmanager import Alertmanager
from control.apart import apart
from control.event_log import EventLog, of_json
from control.events import alerts_between, between
from control.metrics import READABLE_SECONDS, Failures
from control.reading import take
from control.snapshot import Snapshot
from control.swarm import Swarm
from control.upstream import Upstream

LOOK_SECONDS = 3.0  # a host's loss, seen by Swarm after 6 s, is to be an alert within the minute
ALERTS_SECONDS = 5.0  # as often as rules are evaluated
OTHERS_SECONDS = 5.0  # what another control saw is in every log within this
OVERLAP_SECONDS = 60.0  # clocks of hosts may differ by less than this

log = logging.getLogger("control")


class Watch:
    """`snapshot` as of now, when it was read, and what happened."""

    def __init__(self, host: str, events: EventLog) -> None:
        """`host`: the one that this control runs on."""
        self.snapshot = Snapshot()
        self.read_at = -math.inf
        self.failures = Failures()
        self.events = events
        self._host = host
        self._alerts: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def readable(self) -> bool:
        """Whether the Swarm could be read lately."""
        return time.monotonic() - self.read_at < READABLE_SECONDS

    @property
    def leads(self) -> bool:
        """Whether this control's host leads the cluster; so it is when nobody does, or nobody can tell."""
        leader = next((h.name for h in self.snapshot.hosts if h.leader), None)
        return leader in (None, self._host)

    async def look(self, swarm: Swarm) -> None:
        """Read the Swarm once, and note what changed."""
        lists = await asyncio.gather(
            swarm.services(), swarm.configs(), swarm.nodes(), swarm.tasks()
        )
        before, first = self.snapshot, math.isinf(self.read_at)
        self.snapshot = take(*lists)
        self.read_at = time.monotonic()
        self.failures.note(self.snapshot)
        if not first:
            found = between(before, self.snapshot, time.time(), leads=self.leads)
            for event in self.events.add(found):
                log.info("event: %s", event.text)

    async def look_at_alerts(self, alertmanager: Alertmanager) -> None:
        """Note alerts that began or ended, if that is for this control to tell."""
        now = {a["fingerprint"]: a for a in await alertmanager.alerts()}
        before, self._alerts = self._alerts, now
        if before is not None and self.leads:
            self.events.add(alerts_between(before, now, time.time()))

    async def hear_others(self, others: Upstream) -> None:
        """Take over what other controls have seen."""
        known = self.events.events
        since = known[-1].time - OVERLAP_SECONDS if known else 0.0
        for answer in await others.ask_all("GET", "/v1/events", params={"since": str(since)}):
            self.events.add(of_json(e) for e in answer["events"])


async def every(seconds: float, what: str, action: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do it again and again, through failures, until cancelled; a failure is logged once."""
    failing = False
    while True:
        try:
            await apart(action())
            failing = False
        except Exception as error:  # whatever it is, the edges' configuration must not go with it
            if not failing:
                log.warning("%s: %r; trying on", what, error)
            failing = True
        await asyncio.sleep(seconds)
