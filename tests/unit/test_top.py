"""The picture of `horcrux top`, from documents as control gives them."""

import copy
import io
from typing import Any

import pytest
from rich.console import Console

from horcrux.cluster.control import ControlError
from horcrux.commands.monitoring_cells import Room
from horcrux.commands.monitoring_history import History
from horcrux.commands.monitoring_live import Watch, drawn
from horcrux.commands.monitoring_top import picture
from horcrux.report.units import NOTHING

NOW = 1_790_000_000.0
HOST: dict[str, Any] = {
    "name": "manager-1", "role": "manager", "zone": "a", "state": "ready", "leader": True,
    "cpu": 0.31, "cpus": 2.0, "memory": 1.2e9, "memory_limit": 4e9, "disk": 0.42, "tasks": 7,
    "edge": "current", "receive": 12_400.0, "transmit": 1.3e6,
}  # fmt: skip
RELEASE: dict[str, Any] = {
    "service": "hello-a5e66673", "release": "a5e66673", "number": 2, "weight": 1.0, "desired": 2,
    "running": 2, "pending": 0, "failures": 0, "requests": 38.0, "errors": 0.0004, "p95": 0.012,
    "created": NOW - 5000,
}  # fmt: skip
APP: dict[str, Any] = {
    "name": "hello", "urls": ["http://hello.dev.localhost:8080/"], "state": "well",
    "requests": 42.1, "errors": 0.0002, "p50": 0.003, "p95": 0.012, "p99": 0.041,
    "replicas": {"desired": 2, "running": 2}, "rollout": None, "releases": [RELEASE],
}  # fmt: skip
ALERT: dict[str, Any] = {
    "fingerprint": "f1", "name": "HostDown", "severity": "critical",
    "summary": "host manager-3 does not answer", "description": "Look at its container first.",
    "runbook": "docs/alerts.md#hostdown", "labels": {"host": "manager-3"}, "since": NOW - 250,
    "silenced": False,
}  # fmt: skip


def overview(**more: Any) -> dict[str, Any]:
    """A document of an environment that is well."""
    document = {
        "time": NOW, "environment": "dev", "monitoring": {"answering": True}, "hosts": [HOST],
        "apps": [APP], "alerts": [], "events": [], **more,
    }  # fmt: skip
    return copy.deepcopy(document)


def text(document: dict[str, Any], width: int = 80, height: int | None = None) -> str:
    out = Console(file=io.StringIO(), width=width, highlight=False)
    out.print(picture(document, History(), Room(width, height)))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def nothing_known(thing: dict[str, Any], keep: set[str]) -> dict[str, Any]:
    return {key: value if key in keep else None for key, value in thing.items()}


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_off_where_there_is_room(width: int) -> None:
    shown = text(overview(), width)
    assert "…" not in shown
    for word in ("manager-1*", "31%", "30%", "42%", "12 kB", "1.3 MB", "current", "42", "0.02 %",
                 "12 ms", "41 ms", "2/2", "r2"):  # fmt: skip
        assert word in shown, word
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= width


def test_a_wide_screen_tells_more() -> None:
    narrow, wide = text(overview(), 80), text(overview(), 120)
    for word in ("p50", "zone", "of 4.0 GB"):
        assert word in wide
        assert word not in narrow


def test_firing_alerts_stand_on_top_the_most_severe_first() -> None:
    warning = {**ALERT, "name": "DiskFilling", "severity": "warning", "since": NOW - 9000}
    silenced = {**ALERT, "name": "Quiet", "silenced": True}
    lines = text(overview(alerts=[warning, silenced, ALERT])).splitlines()
    assert "✗ HostDown  4 min  host manager-3 does not answer" in lines[1]
    assert "! DiskFilling  2 h 30 min" in lines[2]
    assert "1 silenced" in lines[3]
    assert "Quiet" not in "".join(lines)


def test_many_alerts_leave_room_for_the_hosts() -> None:
    alerts = [{**ALERT, "name": f"Alert{n}"} for n in range(30)]
    shown = text(overview(alerts=alerts), height=24)
    assert "25 more fire: horcrux alerts list" in shown
    assert "manager-1" in shown


def test_a_rollout_shows_both_releases_with_their_shares() -> None:
    releases = [{**RELEASE, "weight": 0.9}, {**RELEASE, "number": 3, "weight": 0.1, "running": 1}]
    app = {**APP, "releases": releases, "rollout": {"seconds": 12.0, "from": "r2", "to": "r3"}}
    shown = text(overview(apps=[app]), 120)
    assert "r2 → r3 12 s" in shown
    assert "gets 90 %" in shown
    assert "gets 10 %" in shown
    assert "1/2" in shown


def test_monitoring_that_does_not_answer_is_said_in_words() -> None:
    assert "monitoring does not answer" in text(overview(monitoring={"answering": False}))
    assert "monitoring does not answer" not in text(overview())


@pytest.mark.parametrize("width", [80, 120])
def test_figures_that_are_not_known_are_dashes(width: int) -> None:
    host = nothing_known(HOST, {"name", "role", "zone", "state"})
    app = nothing_known(APP, {"name"})
    release = nothing_known(RELEASE, {"service"})
    two = {**app, "releases": [release, release]}
    shown = text(overview(hosts=[host], apps=[app, two]), width)
    assert "None" not in shown
    assert "load not known" in shown
    assert NOTHING in shown


def test_an_environment_without_apps_says_how_to_add_one() -> None:
    assert "no apps yet" in text(overview(apps=[], hosts=[]))


def test_names_are_never_taken_for_markup_or_commands_to_the_terminal() -> None:
    app = {**APP, "name": "[bold]x"}
    alert = {**ALERT, "summary": "[red]\x1b[2Jgone[/nothing]"}
    shown = text(overview(apps=[app], alerts=[alert], hosts=[{**HOST, "name": "[/]"}]))
    assert "[bold]x" in shown
    assert "[red] [2Jgone[/nothing]" in shown
    assert "[/]" in shown
    assert "\x1b" not in shown


def test_of_a_hundred_apps_the_worst_are_shown_and_the_rest_counted() -> None:
    apps = [{**APP, "name": f"app-{n}", "requests": float(n)} for n in range(100)]
    apps[50]["state"] = "down"
    shown = text(overview(apps=apps), height=24)
    assert len(shown.splitlines()) <= 24
    lines = [line for line in shown.splitlines() if "app-" in line]
    assert lines[0].startswith("app-50 ")
    assert lines[1].startswith("app-99 ")
    assert f"{100 - len(lines)} more apps" in shown


def test_without_a_terminal_s_height_all_apps_are_shown() -> None:
    apps = [{**APP, "name": f"app-{n}"} for n in range(100)]
    assert text(overview(apps=apps)).count("app-") == 100


def test_the_line_of_an_app_follows_its_rate() -> None:
    history = History()
    for second in range(0, 300, 5):
        rising = {**APP, "requests": float(second)}
        history.note(overview(time=NOW - 300 + second, apps=[rising]))
    line = history.line("hello", 8, NOW)
    assert line[0] == "▁"
    assert line[-1] == "█"
    assert list(line) == sorted(line)


def test_a_time_without_figures_is_a_gap_in_the_line() -> None:
    history = History()
    history.fill(
        {"result": [{"labels": {"app": "hello"}, "values": [[NOW - 290, 4], [NOW - 1, "NaN"]]}]}
    )
    assert history.line("hello", 8, NOW) == "█       "
    assert history.line("unknown", 8, NOW) == " " * 8


def test_an_app_without_requests_has_a_flat_line() -> None:
    history = History()
    history.note(overview(apps=[{**APP, "requests": 0.0}]))
    assert history.line("hello", 4, NOW).strip() == "▁"


def screen(watch: Watch, now: float) -> str:
    out = Console(file=io.StringIO(), width=80, highlight=False)
    out.print(drawn(watch, History(), Room(80, 24), now))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_last_picture_stays_while_control_does_not_answer() -> None:
    answers: list[dict[str, Any] | None] = [None, overview(), None]

    def look() -> dict[str, Any]:
        found = answers.pop(0)
        if found is None:
            raise ControlError("no manager answers")
        return found

    watch = Watch(look, History(), 1.0)
    assert "asking control" in screen(watch, NOW)
    watch.ask()
    assert "no manager answers" in screen(watch, NOW)
    watch.ask()
    assert "hello" in screen(watch, NOW)
    assert "no manager answers" not in screen(watch, NOW)
    watch.ask()
    assert "as of 20 s ago: no manager answers" in screen(watch, NOW + 20)
    assert "hello" in screen(watch, NOW + 20)
