"""What a notification says, whoever gets it: from Alertmanager's webhook to a neutral message.

Pure, and lenient: a field that is missing or strange is left out, since an alert half told is
better than one not told. All text is of one line and printable; the services' markup comes later.

The webhook's fields, version 4: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from control.notify.text import clean, cut, is_link

SEVERITIES = ("critical", "warning", "info")
FIRST_LABELS = ("host", "app", "service")  # what an alert is about; the others follow by name
# Said elsewhere in the message, or of no use to a reader.
HIDDEN_LABELS = {"alertname", "severity", "environment", "replica", "job", "instance"}
MOST_LABELS = 8
MOST_POINTS = 1000  # code points of one text of an alert: more is no message but a report
TITLE_POINTS = 200  # what a list of messages or of mails shows, and some
TITLE_NAMES = 3
ENVIRONMENT_POINTS = 60


@dataclass(frozen=True)
class Alert:
    """One alert."""

    firing: bool
    severity: str
    name: str
    summary: str
    description: str
    when: str
    labels: tuple[tuple[str, str], ...]
    runbook: str

    @property
    def heading(self) -> str:
        """`FIRING critical HostDown`."""
        return " ".join(filter(None, (_status(self.firing), self.severity, self.name)))

    def shortened(self, points: int) -> "Alert":
        """The same with no text longer than `points`."""
        return replace(
            self,
            severity=cut(self.severity, points),
            name=cut(self.name, points),
            summary=cut(self.summary, points),
            description=cut(self.description, points),
            labels=tuple((cut(key, points), cut(value, points)) for key, value in self.labels),
            runbook=self.runbook if len(self.runbook) <= points else "",
        )


@dataclass(frozen=True)
class Message:
    """A group of alerts, the ones that matter most first."""

    firing: bool
    severity: str
    title: str
    environment: str
    alerts: tuple[Alert, ...]
    unlisted: int  # alerts of the group that Alertmanager left out
    portal_url: str

    @property
    def signature(self) -> str:
        """The last line. It is in every message, so that a bot's keyword can be `Horcrux`."""
        return f"Horcrux, environment {self.environment}" if self.environment else "Horcrux"


def message(payload: Mapping[str, Any], now: float, portal_url: str) -> Message:
    """The message of a webhook's payload at the time `now`."""
    raw = payload.get("alerts")
    alerts = tuple(
        alert for alert, _ in sorted((_alert(a, now) for a in _mappings(raw)), key=_urgency)
    )
    title = cut(_title(alerts), TITLE_POINTS)
    if len(alerts) == 1 and title.endswith(alerts[0].summary):  # not twice, one below the other
        alerts = (replace(alerts[0], summary=""),)
    common = _mapping(payload.get("commonLabels"))
    unlisted = payload.get("truncatedAlerts")
    return Message(
        firing=any(a.firing for a in alerts) or (not alerts and payload.get("status") == "firing"),
        severity=alerts[0].severity if alerts else "",
        title=title,
        environment=cut(clean(common.get("environment")), ENVIRONMENT_POINTS),
        alerts=alerts,
        unlisted=max(unlisted, 0) if isinstance(unlisted, int) else 0,
        portal_url=portal_url if is_link(portal_url) else "",
    )


def _alert(raw: Mapping[str, Any], now: float) -> tuple[Alert, float]:
    """The alert, and since when."""
    labels, annotations = _mapping(raw.get("labels")), _mapping(raw.get("annotations"))
    firing = raw.get("status") != "resolved"
    started, ended = _time(raw.get("startsAt")), None if firing else _time(raw.get("endsAt"))
    name = clean(labels.get("alertname")) or "an alert without a name"
    alert = Alert(
        firing=firing,
        severity=clean(labels.get("severity")),
        name=name,
        summary=clean(annotations.get("summary")),
        description=clean(annotations.get("description")),
        when=_when(started, ended, now),
        labels=_labels(labels),
        runbook=clean(annotations.get("runbook") or annotations.get("runbook_url")),
    )
    return alert.shortened(MOST_POINTS), started or now


def _urgency(item: tuple[Alert, float]) -> tuple[bool, int, float, str]:
    alert, started = item
    known = alert.severity in SEVERITIES
    rank = SEVERITIES.index(alert.severity) if known else len(SEVERITIES)
    return not alert.firing, rank, started, alert.name


def _title(alerts: tuple[Alert, ...]) -> str:
    """`FIRING critical HostDown: summary`, or what the group consists of."""
    if not alerts:
        return "Alertmanager sent a group without alerts"
    if len(alerts) == 1:
        return ": ".join(filter(None, (alerts[0].heading, alerts[0].summary)))
    firing = [a for a in alerts if a.firing]
    told = firing or list(alerts)
    counts = Counter(a.name for a in told)  # in the order of urgency
    names = [f"{count} {name}" for name, count in list(counts.items())[:TITLE_NAMES]]
    others = sum(counts.values()) - sum(list(counts.values())[:TITLE_NAMES])
    names += [f"{others} others"] if others else []
    resolved = len(alerts) - len(firing)
    rest = f"; {resolved} resolved" if firing and resolved else ""
    head = " ".join(filter(None, (_status(bool(firing)), told[0].severity)))
    return f"{head}: {', '.join(names)}{rest}"


def _labels(labels: Mapping[Any, Any]) -> tuple[tuple[str, str], ...]:
    """The labels that matter, in the order in which one asks for them."""
    pairs = {clean(key): clean(value) for key, value in labels.items() if key not in HIDDEN_LABELS}
    order = [k for k in FIRST_LABELS if k in pairs] + sorted(pairs.keys() - set(FIRST_LABELS))
    return tuple((key, pairs[key]) for key in order if pairs[key])[:MOST_LABELS]


def _when(started: float | None, ended: float | None, now: float) -> str:
    if started is None:
        return ""
    if ended is None:
        return f"since {_clock(started)} ({_duration(now - started)})"
    return f"from {_clock(started)} to {_clock(ended)} ({_duration(ended - started)})"


def _clock(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _duration(seconds: float) -> str:
    """Two units at most: `40 s`, `5 min`, `2 h 5 min`, `3 d 4 h`."""
    whole = max(int(seconds), 0)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{whole} s"


def _time(text: Any) -> float | None:
    """RFC 3339, as Go writes it, to seconds; None for Go's zero time and for what is no time."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=time.tzinfo or UTC).timestamp() if time.year > 1 else None
    except (TypeError, ValueError, OverflowError):
        return None


def _status(firing: bool) -> str:
    return "FIRING" if firing else "RESOLVED"


def _mapping(raw: Any) -> Mapping[Any, Any]:
    return raw if isinstance(raw, Mapping) else {}


def _mappings(raw: Any) -> list[Mapping[Any, Any]]:
    return [item for item in raw if isinstance(item, Mapping)] if isinstance(raw, list) else []
