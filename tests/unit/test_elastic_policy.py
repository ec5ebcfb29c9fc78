"""The label that says how an app grows, and the bounds that its schedule sets."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from components.app_spec import elastic_label
from control.elastic.policy import Entry, Policy, PolicyError, read
from control.elastic.schedule import Bounds, bounds
from control.reading import _json
from horcrux.settings.elastic import Elastic

BERLIN = "Europe/Berlin"
ALL = (0, 1, 2, 3, 4, 5, 6)
OFFICE = (
    Entry(8 * 60 + 30, (0, 1, 2, 3, 4), 4, 12),
    Entry(18 * 60, (0, 1, 2, 3, 4), 1),
)


def at(text: str, zone: str = BERLIN) -> float:
    """A moment of the week of Monday, 7 September 2026: `0 08:30` is that Monday's."""
    day, _, time = text.partition(" ")
    hour, minute = time.split(":")
    return datetime(
        2026, 9, 7 + int(day), int(hour), int(minute), tzinfo=ZoneInfo(zone)
    ).timestamp()


def scheduled(*entries: Entry, zone: str = BERLIN) -> Policy:
    return Policy(1, 10, "requests_per_second", 50.0, schedule=entries, timezone=zone)


def test_a_label_says_it_all() -> None:
    raw = {
        "min": 2,
        "max": 10,
        "target": {"cpu": 0.7},
        "scale_to_zero": 600,
        "cooldown": 30,
        "schedule": [{"at": "08:30", "days": ["mon", "sun"], "min": 4, "max": 12}],
        "timezone": BERLIN,
    }
    entry = Entry(510, (0, 6), 4, 12)
    assert read(raw) == Policy(2, 10, "cpu", 0.7, 600.0, 30.0, (entry,), BERLIN)


def test_most_of_it_may_be_left_out() -> None:
    entry = {"at": "00:00", "min": 3}
    raw = {"max": 5, "target": {"queue": 4}, "scale_to_zero": None, "schedule": [entry]}
    assert read(raw) == Policy(1, 5, "queue", 4.0, None, 60.0, (Entry(0, ALL, 3),), "UTC")


def test_what_the_settings_write_is_what_control_reads() -> None:
    settings = Elastic.model_validate(
        {
            "max": 8,
            "target": {"latency_p95": 0.3},
            "scale_to_zero": 900,
            "schedule": [{"at": "08:30", "days": ["tue"], "min": 4}, {"at": "20:00", "min": 1}],
            "timezone": BERLIN,
        }
    )
    found = _json(elastic_label(settings))
    assert found
    entries = (Entry(510, (1,), 4), Entry(1200, ALL, 1))
    assert read(found) == Policy(1, 8, "latency_p95", 0.3, 900.0, 60.0, entries, BERLIN)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"max": None}, "NoneType"),
        ({"target": {}}, "exactly one of requests_per_second, cpu"),
        ({"target": {"cpu": 0.5, "queue": 3}}, "exactly one of"),
        ({"target": {"cpu": 0}}, "not above 0"),
        ({"target": {"cpu": "much"}}, "much"),
        ({"target": {"magic": 3}}, "magic"),
        ({"target": None}, "NoneType"),
        ({"timezone": "Mars/Olympus"}, "Mars/Olympus"),
        ({"schedule": [{"at": "noon", "min": 1}]}, "noon"),
        ({"schedule": [{"at": "08:00", "days": ["today"], "min": 1}]}, "tuple.index"),
        ({"schedule": [{"at": "08:00"}]}, "min"),
    ],
)
def test_a_label_that_cannot_be_used_says_why(change: dict[str, Any], says: str) -> None:
    with pytest.raises(PolicyError, match=says) as caught:
        read({"max": 5, "target": {"cpu": 0.5}, **change})
    assert "apps.APP.elastic" in str(caught.value)


def test_without_a_schedule_the_bounds_are_the_app_s() -> None:
    assert bounds(scheduled(), at("0 12:00")) == Bounds(1, 10)


@pytest.mark.parametrize(
    ("moment", "found"),
    [
        ("0 08:29", Bounds(1, 10, "fri 18:00")),  # last week's
        ("0 08:30", Bounds(4, 12, "mon 08:30")),
        ("0 17:59", Bounds(4, 12, "mon 08:30")),
        ("0 18:00", Bounds(1, 10, "mon 18:00")),
        ("1 08:29", Bounds(1, 10, "mon 18:00")),
        ("4 12:00", Bounds(4, 12, "fri 08:30")),
        ("6 12:00", Bounds(1, 10, "fri 18:00")),
    ],
)
def test_an_entry_holds_until_the_next(moment: str, found: Bounds) -> None:
    assert bounds(scheduled(*OFFICE), at(moment)) == found


def test_the_order_in_the_list_matters_only_at_the_same_time() -> None:
    assert bounds(scheduled(*reversed(OFFICE)), at("0 12:00")).min == 4
    first, second = Entry(480, ALL, 2), Entry(480, (0,), 6)
    assert bounds(scheduled(first, second), at("0 09:00")).min == 6
    assert bounds(scheduled(second, first), at("0 09:00")).min == 2


def test_the_clock_is_that_of_the_time_zone() -> None:
    moment = at("0 08:30", "UTC")
    assert bounds(scheduled(*OFFICE, zone="UTC"), moment).since == "mon 08:30"
    assert bounds(scheduled(*OFFICE, zone="America/New_York"), moment).since == "fri 18:00"


def test_it_is_half_past_eight_in_summer_and_in_winter() -> None:
    policy = scheduled(*OFFICE)
    for month, day in ((3, 30), (10, 26)):  # Mondays after the clocks were changed
        moment = datetime(2026, month, day, 8, 30, tzinfo=ZoneInfo(BERLIN)).timestamp()
        assert bounds(policy, moment).min == 4
        assert bounds(policy, moment - 60).min == 1


def test_a_minimum_above_the_maximum_is_the_maximum() -> None:
    assert bounds(scheduled(Entry(0, ALL, 20)), at("0 12:00")) == Bounds(10, 10, "mon 00:00")
