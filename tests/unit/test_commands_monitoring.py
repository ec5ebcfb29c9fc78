"""The verbs that watch: what they ask control, what they print, how they end."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from horcrux.cli import app
from horcrux.cluster.control import ControlError
from horcrux.commands import monitoring, monitoring_alerts, monitoring_report
from horcrux.context import Context
from horcrux.exits import Exit, HorcruxError
from tests.unit.test_top import ALERT, NOW, overview

EVENTS = [
    {"id": str(n), "time": NOW + n, "kind": "host" if n % 2 else "task", "level": "error",
     "subject": "x", "text": f"[event] {n}"}
    for n in range(10)
]  # fmt: skip
SILENCE = {
    "id": "0a1b2c3d-0000", "matchers": {"alertname": "HostDown", "host": "m[1]"},
    "until": NOW, "comment": "moving it", "author": "ann",
}  # fmt: skip


class Control:
    """Control's answers by method and path (without its query); what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {
            "GET /v1/overview": overview(),
            "GET /v1/query": {"result": []},
            "GET /v1/events": {"events": EVENTS},
            "GET /v1/alerts": {"alerts": []},
            "GET /v1/silences": {"silences": [SILENCE]},
            "POST /v1/silences": {"id": "9f8e7d6c-1111"},
            "POST /v1/alerts/test": {"results": []},
        }
        self.asked: list[tuple[str, str, Any]] = []
        self.stream: list[dict[str, Any]] = []

    def ask(self, _: object, method: str, path: str, body: Any = None) -> Any:
        self.asked.append((method, path, body))
        found = self.answers.get(f"{method} {urlsplit(path).path}", {})
        if isinstance(found, Exception):
            raise found
        return found

    def follow(self, _: object, path: str, **__: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(("FOLLOW", path, None))
        yield from self.stream

    def of(self, method: str) -> list[Any]:
        return [(path, body) for how, path, body in self.asked if how == method]


@pytest.fixture
def control(monkeypatch: pytest.MonkeyPatch) -> Control:
    found = Control()
    outputs = SimpleNamespace(access=None, project=SimpleNamespace(environment="dev"))
    monkeypatch.setattr(Context, "outputs", lambda *_: outputs)
    for module in (monitoring, monitoring_alerts, monitoring_report):
        monkeypatch.setattr(module, "ask", found.ask)
        monkeypatch.setattr(module, "connect", lambda _: None)
    monkeypatch.setattr(monitoring, "follow", found.follow)
    return found


def run(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "120"})


def refused(result: Result) -> HorcruxError:
    assert isinstance(result.exception, HorcruxError)
    return result.exception


def test_top_without_a_terminal_prints_once(control: Control) -> None:
    result = run("top")
    assert result.exit_code == 0
    assert "manager-1" in result.stdout
    assert "\x1b" not in result.stdout


def test_top_as_json_is_control_s_own_document(control: Control) -> None:
    assert json.loads(run("top", "--json").stdout) == overview()


def test_top_does_without_the_past_when_prometheus_is_away(control: Control) -> None:
    control.answers["GET /v1/query"] = ControlError("away")
    assert run("top", "--once").exit_code == 0


def test_top_says_why_there_is_no_answer(control: Control) -> None:
    control.answers["GET /v1/overview"] = ControlError("no manager answers; see: horcrux status")
    assert "horcrux status" in str(refused(run("top", "--once")))


def test_events_are_the_last_ones_of_a_kind(control: Control) -> None:
    lines = run("events", "-n", "2", "--kind", "host").stdout.splitlines()
    assert [line.rpartition("host")[2].strip() for line in lines] == ["[event] 7", "[event] 9"]


def test_no_events_at_all_may_be_asked_for(control: Control) -> None:
    assert run("events", "-n", "0").stdout == ""


def test_events_as_json_are_one_document(control: Control) -> None:
    assert json.loads(run("events", "--json").stdout) == {"events": EVENTS}


def test_events_that_are_followed_are_a_line_of_json_each(control: Control) -> None:
    control.stream = [{**EVENTS[0], "id": "new"}, {**EVENTS[1], "id": "other"}]
    lines = run("events", "-f", "--json", "--kind", "task", "-n", "1").stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["8", "new"]
    ((path, _),) = control.of("FOLLOW")
    assert parse_qs(urlsplit(path).query)["since"] == [str(NOW + 9)]


def test_a_since_that_is_no_time_is_a_wrong_command_line(control: Control) -> None:
    assert refused(run("events", "--since", "soon")).code == Exit.USAGE


def test_no_events_say_where_to_look(control: Control) -> None:
    control.answers["GET /v1/events"] = {"events": []}
    assert "--since" in run("events").stderr


@pytest.mark.parametrize(
    ("severity", "silenced", "code"),
    [
        ("critical", False, Exit.UNHEALTHY),
        ("warning", False, Exit.UNHEALTHY),
        ("info", False, Exit.OK),
        ("critical", True, Exit.OK),
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_alerts_that_want_somebody_end_with_their_own_code(
    control: Control, severity: str, silenced: bool, code: Exit, as_json: bool
) -> None:
    alert = {**ALERT, "severity": severity, "silenced": silenced}
    control.answers["GET /v1/alerts"] = {"alerts": [alert]}
    result = run("alerts", "list", *(["--json"] if as_json else []))
    assert result.exit_code == code
    if as_json:
        assert json.loads(result.stdout) == {"alerts": [alert]}


def test_alerts_are_told_with_what_to_do(control: Control) -> None:
    alert = {**ALERT, "summary": "[red]x[/y]"}
    control.answers["GET /v1/alerts"] = {"alerts": [alert]}
    shown = run("alerts", "list").stdout
    for word in ("HostDown", "[red]x[/y]", "Look at its container", "docs/alerts.md#hostdown"):
        assert word in shown


def test_no_alert_is_told_as_good_news(control: Control) -> None:
    assert "✓ no alert fires" in run("alerts", "list").stdout


def test_a_test_that_one_receiver_does_not_deliver_fails_and_names_it(control: Control) -> None:
    control.answers["POST /v1/alerts/test"] = {
        "results": [
            {"receiver": "ops", "kind": "webhook", "ok": True, "detail": "HTTP 200"},
            {"receiver": "mail", "kind": "email", "ok": False, "detail": "[Errno 111] refused"},
        ]
    }
    result = run("alerts", "test")
    assert "✓ ops (webhook): HTTP 200" in result.stdout
    assert "✗ mail (email): [Errno 111] refused" in result.stdout
    assert "not delivered: mail" in str(refused(result))
    assert refused(result).code == Exit.FAILED
    assert control.of("POST") == [("/v1/alerts/test", {"receiver": None})]


def test_one_receiver_may_be_tested_and_none_says_how_to_add_one(control: Control) -> None:
    result = run("alerts", "test", "ops")
    assert result.exit_code == 0
    assert "docs/components/notifications.md" in result.stdout
    assert control.of("POST") == [("/v1/alerts/test", {"receiver": "ops"})]


def test_a_silence_is_for_a_time_and_for_labels(control: Control) -> None:
    control.answers["GET /v1/alerts"] = {"alerts": [ALERT]}
    words = ["--for", "2h", "--label", "host=manager-3", "--comment", "moving"]
    result = run("alerts", "silence", "HostDown", *words)
    assert result.exit_code == 0
    ((_, body),) = control.of("POST")
    assert body["matchers"] == {"alertname": "HostDown", "host": "manager-3"}
    assert body["seconds"] == 7200
    assert body["comment"] == "moving"
    assert body["author"]
    assert "horcrux alerts unsilence 9f8e7d6c" in result.stderr
    assert "spelt" not in result.stderr


def test_a_silence_of_what_does_not_fire_is_made_and_asked_about(control: Control) -> None:
    control.answers["GET /v1/alerts"] = {"alerts": [ALERT]}
    result = run("alerts", "silence", "HostDown", "--label", "host=other")
    assert result.exit_code == 0
    assert "is it spelt right?" in result.stderr


@pytest.mark.parametrize(
    "words", [["--for", "long"], ["--for", "0h"], ["--label", "app"], ["--label", "a b=c"]]
)
def test_a_silence_that_cannot_be_meant_is_not_made(control: Control, words: list[str]) -> None:
    assert refused(run("alerts", "silence", "HostDown", *words)).code == Exit.USAGE
    assert not control.of("POST")


def test_silences_are_listed_with_who_and_why(control: Control) -> None:
    shown = run("alerts", "silences").stdout
    for word in ("0a1b2c3d", "HostDown with host=m[1]", "ann", "moving it"):
        assert word in shown
    assert json.loads(run("alerts", "silences", "--json").stdout) == {"silences": [SILENCE]}


def test_the_beginning_of_an_id_ends_a_silence(control: Control) -> None:
    assert run("alerts", "unsilence", "0a1b").exit_code == 0
    assert control.of("DELETE") == [("/v1/silences/0a1b2c3d-0000", None)]


@pytest.mark.parametrize("id_", ["ffff", ""])
def test_an_id_of_no_silence_or_of_several_ends_none(control: Control, id_: str) -> None:
    control.answers["GET /v1/silences"] = {"silences": [SILENCE, {**SILENCE, "id": "0b"}]}
    assert refused(run("alerts", "unsilence", id_)).code == Exit.USAGE
    assert not control.of("DELETE")


def test_a_report_is_written_where_it_was_told(control: Control, tmp_path: Path) -> None:
    path = tmp_path / "week.html"
    result = run("report", "--since", "2d", "-o", str(path))
    assert result.exit_code == 0
    assert path.read_text().startswith("<!DOCTYPE html>")
    assert "nothing was recorded" in result.stderr
    assert str(path) in result.stderr


def test_a_report_has_a_name_of_its_own(
    control: Control, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("report").exit_code == 0
    (path,) = tmp_path.glob("horcrux-report-dev-????-??-??.html")
    assert path.stat().st_size > 1000


@pytest.mark.parametrize("words", [["--since", "1s"], ["-o", "/nowhere/at/all/x.html"]])
def test_a_report_that_cannot_be_is_refused_before_anything_is_asked(
    control: Control, words: list[str]
) -> None:
    assert refused(run("report", *words)).code == Exit.USAGE
    assert not control.asked
