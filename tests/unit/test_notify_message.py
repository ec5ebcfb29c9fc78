"""From Alertmanager's webhook to a message."""

from typing import Any

import pytest

from control.notify.message import Message, message
from control.notify.text import clean, cut, is_link
from tests.support.receivers import STARTED, alert, payload

PORTAL = "https://portal.dev.example.org/"


def told(raw: dict[str, Any], seconds: float = 300) -> Message:
    return message(raw, STARTED + seconds, PORTAL)


def test_one_alert_is_named_in_the_title() -> None:
    found = told(payload(alert(service="hello-a5e66673", zone="b", instance="10.0.0.3:9100")))
    assert found.title == "FIRING critical HostDown: host manager-3 of dev is down"
    assert (found.firing, found.severity, found.environment) == (True, "critical", "dev")
    assert found.signature == "Horcrux, environment dev"
    assert found.portal_url == PORTAL
    (one,) = found.alerts
    assert one.summary == ""  # the title has it
    assert one.description == "No heartbeat for 30 s. Look whether its machine runs."
    assert one.when == "since 2026-01-02 03:04:05 UTC (5 min)"
    assert one.labels == (("host", "manager-3"), ("service", "hello-a5e66673"), ("zone", "b"))
    assert one.runbook == "docs/alerts.md#hostdown"


def test_a_resolved_alert_says_how_long_it_lasted() -> None:
    found = told(payload(alert(ended="2026-01-02T05:09:06Z")))
    assert found.title == "RESOLVED critical HostDown: host manager-3 of dev is down"
    assert not found.firing
    when = "from 2026-01-02 03:04:05 UTC to 2026-01-02 05:09:06 UTC (2 h 5 min)"
    assert found.alerts[0].when == when


def test_a_group_is_counted_in_the_title_and_the_urgent_come_first() -> None:
    found = told(
        payload(
            alert("DiskFilling", severity="warning"),
            alert("HostDown", host="worker-1", ended="2026-01-02T04:00:00Z"),
            alert("HostDown", host="worker-2"),
            alert("EdgeDown", severity="odd"),
            alert("HostDown", host="worker-3"),
        )
    )
    assert found.title == "FIRING critical: 2 HostDown, 1 DiskFilling, 1 EdgeDown; 1 resolved"
    assert [(a.firing, a.severity) for a in found.alerts] == [
        (True, "critical"),
        (True, "critical"),
        (True, "warning"),
        (True, "odd"),
        (False, "critical"),
    ]
    assert found.alerts[0].summary == "host worker-2 of dev is down"


def test_a_hundred_alerts_of_many_names_have_a_short_title() -> None:
    found = told(payload(*(alert(f"Alert{n % 5}", host=f"h{n}") for n in range(100))))
    assert found.title == "FIRING critical: 20 Alert0, 20 Alert1, 20 Alert2, 40 others"
    assert len(found.alerts) == 100


@pytest.mark.parametrize(
    ("seconds", "duration"),
    [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h 0 min"), (100_000, "1 d 3 h")],
)
def test_durations_have_two_units_at_most(seconds: float, duration: str) -> None:
    assert told(payload(alert()), seconds).alerts[0].when.endswith(f"({duration})")


def test_what_is_missing_or_strange_is_left_out() -> None:
    strange = {"status": 7, "labels": {"alertname": ["x"], "host": 5}, "startsAt": "yesterday"}
    found = told(payload(strange, commonLabels=None, truncatedAlerts="many"))
    assert found.title == "FIRING an alert without a name"
    assert found.alerts[0].labels == ()
    assert found.alerts[0].when == ""
    assert found.signature == "Horcrux"
    assert told({"alerts": [None, "x"]}).title == "Alertmanager sent a group without alerts"
    assert told({}).alerts == ()


def test_alerts_that_alertmanager_left_out_are_remembered() -> None:
    assert told(payload(alert(), truncatedAlerts=7)).unlisted == 7


def test_texts_are_of_one_line_and_can_be_encoded() -> None:
    assert clean(" a\r\nSubject: b\t\x00c\u202e \ud800") == "a Subject: b c"
    assert clean(None) == ""


def test_text_is_cut_between_characters() -> None:
    assert cut("主机已停止", 5) == "主机已停止"
    assert cut("主机已停止了", 5) == "主机已停…"


def test_a_text_too_long_for_any_message_is_cut() -> None:
    raw = alert()
    raw["annotations"]["description"] = "长" * 5000
    assert len(told(payload(raw)).alerts[0].description) == 1000


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://x/)[a](https://evil", "https://x/ y", "docs/alerts.md", ""],
)
def test_what_is_no_plain_address_becomes_no_link(url: str) -> None:
    assert not is_link(url)
    assert message(payload(alert()), STARTED, url).portal_url == ""
