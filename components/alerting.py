"""Whom alerts go to: Alertmanager's configuration, and what control needs to deliver them. Pure.

Alertmanager groups, repeats, silences and tries again; control puts the message into the receiver's own
form and delivers it. So the addresses, which are secret, are with control alone.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from horcrux.settings import SettingsError
from horcrux.settings.monitoring import Monitoring

NOTIFY = "http://tasks.horcrux-control:8081/v1/notify"
NOBODY = "nobody"
HEARTBEAT = "none"  # the severity of the alert that always fires
# Times, each with its reason.
GROUP_WAIT = (
    "5s"  # alerts of one cause come within an evaluation or two; the aim is a minute in all
)
GROUP_INTERVAL = "30s"  # an end, or a message that could not be delivered, is tried again so soon
REPEAT = "4h"  # long enough not to nag, short enough for the next shift
HEARTBEAT_REPEAT = "1m"  # services that wait for a heartbeat count in minutes
MOST_ALERTS = 500  # of one group in one message; control refuses what is larger than 8 MiB
# What follows from something graver is kept back while that fires: (cause, consequences, labels alike).
CONSEQUENCES = (
    ("HostDown", (".+",), "host"),
    (
        "ClusterWithoutQuorum",
        ("HostDown", "ClusterLosesTolerance", "RolloutStuck"),
        "",
    ),
    ("AppDown", ("App.+", "TaskRestartsInALoop"), "app"),
    ("AppErrorsBurnFast", ("AppErrorsBurnSlow",), "app"),
    ("AppLatencyBurnFast", ("AppLatencyBurnSlow",), "app"),
)


def alertmanager(settings: Monitoring) -> str:
    """Alertmanager's configuration (YAML); see its manual for the words."""
    routes = [
        _route(name, severity)
        for name, receiver in settings.receivers.items()
        for severity in receiver.severities
    ]
    document: dict[str, Any] = {
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "app", "host"],
            "group_wait": GROUP_WAIT,
            "group_interval": GROUP_INTERVAL,
            "repeat_interval": REPEAT,
            "routes": routes,
        },
        "inhibit_rules": [_inhibited(*each) for each in CONSEQUENCES],
        "receivers": [
            {"name": NOBODY},
            *(
                {
                    "name": name,
                    "webhook_configs": [{"url": f"{NOTIFY}/{name}", "max_alerts": MOST_ALERTS}],
                }
                for name in settings.receivers
            ),
        ],
    }
    return yaml.safe_dump(document, sort_keys=False)


def _inhibited(cause: str, consequences: tuple[str, ...], alike: str) -> dict[str, Any]:
    rule = {
        "source_matchers": [f'alertname="{cause}"'],
        "target_matchers": [f'alertname=~"{"|".join(consequences)}"', f'alertname!="{cause}"'],
    }
    return {**rule, "equal": [alike]} if alike else rule


def _route(name: str, severity: str) -> dict[str, Any]:
    beat = severity == "heartbeat"
    route: dict[str, Any] = {
        "receiver": name,
        "matchers": [f'severity="{HEARTBEAT if beat else severity}"'],
        "continue": True,  # others may want to know too
    }
    if beat:
        route["repeat_interval"] = HEARTBEAT_REPEAT
    return route


def receivers(settings: Monitoring, secrets: Mapping[str, str]) -> str:
    """What control delivers to (JSON, secret). Raises SettingsError: values lack or cannot be used."""
    findings = [
        (
            f"monitoring.receivers.{name}.{key}",
            f"{problem}; set it: horcrux secrets set monitoring {secret}",
        )
        for name, receiver in settings.receivers.items()
        for key, secret in receiver.secrets.items()
        if (problem := _problem(key, secrets.get(secret)))
    ]
    if findings:
        raise SettingsError("the settings", findings)
    document = {
        name: {
            **receiver.model_dump(exclude={"severities"}, exclude_defaults=True, mode="json"),
            **{key: secrets[secret] for key, secret in receiver.secrets.items()},
        }
        for name, receiver in settings.receivers.items()
    }
    return json.dumps(document, sort_keys=True)


def _problem(key: str, value: str | None) -> str | None:
    """What is wrong with a secret's value, which is not shown: control would refuse it, and tell nobody."""
    if not value:
        return "has no value"
    if key == "url" and not _is_url(value):
        return "is not an address that begins with http:// or https://"
    return None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and text.isascii() and text.isprintable() and " " not in text
