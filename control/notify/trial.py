"""The message of `horcrux alerts test`: an alert that is none, as Alertmanager would post it."""

from datetime import UTC, datetime
from typing import Any

NAME = "HorcruxTest"


def payload(receiver: str, environment: str, now: float, portal_url: str) -> dict[str, Any]:
    """A webhook's payload, version 4, of one alert of severity info."""
    labels = {"alertname": NAME, "environment": environment, "severity": "info"}
    annotations = {
        "summary": f"this is a test of the notifications of {environment}",
        "description": "Nothing is wrong. Somebody asked for this message (horcrux alerts test). "
        "It reached this receiver without Prometheus and Alertmanager.",
    }
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": annotations,
        "startsAt": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z"),
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": portal_url,
        "fingerprint": "",
    }
    return {
        "receiver": receiver,
        "status": "firing",
        "alerts": [alert],
        "groupLabels": {"alertname": NAME},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": portal_url,
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{NAME}"}}',
        "truncatedAlerts": 0,
    }
