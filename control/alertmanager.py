"""Questions to Alertmanager, and silences. Every manager has one; together they are one.

See Alertmanager's HTTP API, version 2.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from control.prometheus import Prometheus
from control.upstream import Upstream, UpstreamError

Alert = dict[str, Any]
HIDDEN = "none"  # the severity of alerts that only show that alerting works
EXTERNAL = ("environment", "replica")  # labels that Prometheus adds as it sends an alert


class Alertmanager:
    """Alerts as they stand, and silences."""

    def __init__(self, upstream: Upstream, prometheus: Prometheus) -> None:
        self._upstream, self._prometheus = upstream, prometheus

    async def alerts(self) -> list[Alert]:
        """The alerts that fire, the gravest and newest first. Raises UpstreamError."""
        try:
            told = await self._upstream.ask(
                "GET", "/api/v2/alerts", params={"active": "true", "inhibited": "false"}
            )
            found = [_alert(a, bool(a["status"]["silencedBy"])) for a in told]
        except UpstreamError:
            found = [_of_prometheus(a) for a in await self._prometheus.alerts()]
        order = {"critical": 0, "warning": 1, "info": 2}
        return sorted(
            (a for a in found if a["severity"] != HIDDEN),
            key=lambda a: (a["silenced"], order.get(a["severity"], 3), -a["since"], a["name"]),
        )

    async def silence(
        self, matchers: dict[str, str], seconds: int, comment: str, author: str
    ) -> str:
        """Keep quiet about alerts with these labels for a while; the silence's id."""
        begin = datetime.now(UTC)
        body = {
            "matchers": [
                {"name": n, "value": v, "isRegex": False, "isEqual": True}
                for n, v in matchers.items()
            ],
            "startsAt": begin.isoformat(),
            "endsAt": (begin + timedelta(seconds=seconds)).isoformat(),
            "comment": comment,
            "createdBy": author,
        }
        answer = await self._upstream.ask("POST", "/api/v2/silences", json=body)
        return str(answer["silenceID"])

    async def silences(self) -> list[dict[str, Any]]:
        """The silences that hold now."""
        told = await self._upstream.ask("GET", "/api/v2/silences")
        return [
            {
                "id": s["id"],
                "matchers": {m["name"]: m["value"] for m in s["matchers"]},
                "until": _epoch(s["endsAt"]),
                "comment": s["comment"],
                "author": s["createdBy"],
            }
            for s in told
            if s["status"]["state"] == "active"
        ]

    async def unsilence(self, identity: str) -> None:
        """End a silence. Raises UpstreamError for one that is not known."""
        await self._upstream.ask("DELETE", f"/api/v2/silence/{identity}")


def _alert(told: Any, silenced: bool) -> Alert:
    labels = dict(told["labels"])
    notes = told.get("annotations", {})
    return {
        "fingerprint": fingerprint(labels),
        "name": labels.get("alertname", ""),
        "severity": labels.get("severity", "info"),
        "summary": notes.get("summary", ""),
        "description": notes.get("description", ""),
        "runbook": notes.get("runbook", ""),
        "labels": labels,
        "since": _epoch(told["startsAt"]),
        "silenced": silenced,
    }


def _of_prometheus(told: Any) -> Alert:
    """The same from Prometheus, for when no Alertmanager answers."""
    labels = {k: v for k, v in told["labels"].items() if k != "replica"}
    return _alert({**told, "labels": labels, "startsAt": told["activeAt"]}, False)


def fingerprint(labels: Mapping[str, str]) -> str:
    """Tells alerts apart; the same whoever tells of the alert, so that it does not end and begin anew."""
    own = sorted((name, value) for name, value in labels.items() if name not in EXTERNAL)
    return hashlib.sha256(json.dumps(own).encode()).hexdigest()[:16]


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
