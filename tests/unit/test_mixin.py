"""The rules are right by promtool, and every alert can fire, can be silent, and says what to do."""

import functools
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "monitoring/mixin/rules").glob("*.yml"))
TESTS = sorted((ROOT / "monitoring/mixin/tests").glob("*.yml"))
NAMES = [f.name for f in RULES]
THRESHOLD = re.compile(r"(==|>=|<=|>|<)\s*\d")
SECRET = re.compile(r"password|secret|token|credential|(^|_)key($|_)", re.IGNORECASE)
# Other parts of the platform ask for exactly these.
RECORDED = {
    *(f"release:{what}" for what in ("requests:rate1m", "errors:ratio1m", "errors:ratio5m")),
    *(f"app:{what}" for what in ("requests:rate1m", "errors:ratio1m")),
    *(f"app:errors:ratio{window}" for window in ("5m", "30m", "1h", "6h")),
    *(f"{of}:latency:{p}_1m" for of in ("app", "release") for p in ("p50", "p95", "p99")),
    *(f"host:{what}:ratio" for what in ("cpu", "memory", "disk")),
    *(f"host:network_{way}:rate1m" for way in ("receive", "transmit")),
}
Alert = dict[str, Any]
Key = tuple[str, str]  # name and severity


def promtool(*arguments: str | Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is not on PATH; `make setup-test` installs it")
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@functools.cache
def loaded(file: Path) -> Any:
    """A file's YAML, which takes longer to read than all that is asked of it."""
    return yaml.safe_load(file.read_text())


def rules() -> Iterator[Alert]:
    for file in RULES:
        for group in loaded(file)["groups"]:
            yield from group["rules"]


def key(alert: Alert) -> Key:
    return alert["alert"], alert["labels"]["severity"]


ALERTS = {key(rule): rule for rule in rules() if "alert" in rule}
EVERY_ALERT = pytest.mark.parametrize("alert", ALERTS.values(), ids=["-".join(k) for k in ALERTS])


def cases() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each expectation about an alert, with the test that it is part of."""
    for file in TESTS:
        for test in loaded(file)["tests"]:
            for case in test.get("alert_rule_test", []):
                yield test, case


def firing() -> set[Key]:
    return {
        (case["alertname"], expected["exp_labels"]["severity"])
        for _, case in cases()
        for expected in case["exp_alerts"]
    }


def silent() -> set[str]:
    """Alerts with a test of their own, with input, in which they never fire."""
    asked: dict[tuple[str, str], bool] = {}
    for test, case in cases():
        if test["input_series"]:
            of = (test["name"], case["alertname"])
            asked[of] = asked.get(of, True) and not case["exp_alerts"]
    return {alert for (_, alert), never in asked.items() if never}


@pytest.mark.parametrize("file", RULES, ids=NAMES)
def test_promtool_finds_the_rules_correct(file: Path) -> None:
    promtool("check", "rules", file)


@pytest.mark.parametrize("file", TESTS, ids=[f.name for f in TESTS])
def test_rules_do_what_their_tests_expect(file: Path) -> None:
    promtool("test", "rules", file)


def test_every_file_of_rules_has_a_file_of_tests() -> None:
    assert [f.name for f in TESTS] == NAMES


def test_what_others_ask_for_is_recorded() -> None:
    assert {rule.get("record", "") for rule in rules()} >= RECORDED


@EVERY_ALERT
def test_an_alert_is_seen_firing_and_silent(alert: Alert) -> None:
    assert key(alert) in firing(), "no case in monitoring/mixin/tests in which it fires"
    if alert["alert"] != "Watchdog":
        assert alert["alert"] in silent(), (
            "no test of monitoring/mixin/tests in which it never fires"
        )


@EVERY_ALERT
def test_an_alert_says_how_urgent_it_is_what_it_means_and_what_to_do(alert: Alert) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning", "info", "none"}
    said = alert["annotations"]
    assert set(said) == {"summary", "description", "runbook"}
    assert len(re.sub(r"\{\{.*?\}\}", "", said["summary"])) < 100, "a summary is one short line"
    if alert["alert"] != "Watchdog":
        assert "First: `" in re.sub(r"\{\{.*?\}\}", "", said["description"]), "no first command"


@EVERY_ALERT
def test_an_alert_leads_to_its_page_of_the_runbook(alert: Alert) -> None:
    file, anchor = alert["annotations"]["runbook"].split("#")
    headings = re.findall(r"^#+ (\w+)$", (ROOT / file).read_text(), re.MULTILINE)
    assert anchor == alert["alert"].lower()
    assert alert["alert"] in headings


def test_the_runbook_tells_of_no_alert_that_is_not_there() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)
    assert sorted(headings) == sorted({name for name, _ in ALERTS})


@EVERY_ALERT
def test_each_threshold_has_its_reason_beside_it(alert: Alert) -> None:
    for line in alert["expr"].splitlines():
        code, _, reason = line.partition("#")
        if THRESHOLD.search(code):
            assert len(reason.strip()) > 5, f"a threshold without a reason: {line.strip()}"


@pytest.mark.parametrize("file", RULES, ids=NAMES)
def test_each_time_has_its_reason_beside_it(file: Path) -> None:
    times = re.findall(r"^\s+(?:for|interval): .*$", file.read_text(), re.MULTILINE)
    assert [time.strip() for time in times if "#" not in time] == []


def test_the_loss_of_a_host_is_told_within_a_minute() -> None:
    waits = re.fullmatch(r"(\d+)s", ALERTS["HostDown", "critical"]["for"])
    assert waits is not None
    noticed, scraped, evaluated, grouped = 10, 10, 10, 5  # s: Swarm; a scrape that waits; two looks
    assert noticed + scraped + evaluated + int(waits[1]) + grouped < 60


def test_no_label_looks_like_a_secret() -> None:
    told = {label for rule in rules() for label in rule.get("labels", {})}
    series = re.findall(r"(\w+)=~?\"", "".join(f.read_text() for f in (*RULES, *TESTS)))
    assert [label for label in {*told, *series} if SECRET.search(label)] == []
