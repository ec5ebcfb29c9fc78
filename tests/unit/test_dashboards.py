"""The dashboards are what the generator gives, and ask only for what there is."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring.mixin.dashboards import EXAMPLE, FOLDER, all_of_them, queries
from monitoring.mixin.panels import COLUMNS, text

RULES = FOLDER.parent / "rules"
ALL = all_of_them()
EACH = pytest.mark.parametrize("name", ALL)
# What is measured, beside what the rules record.
MEASURED = {
    "ALERTS",
    "up",
    "probe_success",
    *(f"horcrux_release_{what}" for what in ("info", "tasks_pending", "task_failures_total")),
    *(f"horcrux_{what}" for what in ("rollout_seconds", "edge_refused", "edge_label_problems")),
    *(
        f"horcrux_container_{what}"
        for what in ("cpu_seconds_total", "memory_bytes", "memory_limit_bytes", "oom_kills_total")
    ),
    *(f"haproxy_frontend_{what}" for what in ("http_responses_total", "http_requests_total")),
    *(f"haproxy_backend_{what}" for what in ("http_responses_total", "current_queue")),
    *(f"haproxy_backend_{what}_errors_total" for what in ("connection", "response")),
    *(
        f"horcrux_cache_{what}"
        for what in (
            *("requests_total", "served_bytes_total", "fetched_bytes_total"),
            *("upstream_seconds_total", "upstream_errors_total", "upstream_up"),
            *("stored_bytes", "limit_bytes", "evicted_bytes_total", "corrupted_total"),
        )
    ),
    "haproxy_frontend_current_sessions",
    "haproxy_process_current_connections",
    "node_time_seconds",
    "node_pressure_memory_stalled_seconds_total",
}
METRIC = re.compile(
    r"\b(?:(?:horcrux|haproxy|node|probe|prometheus|alertmanager)_\w+"
    r"|(?:host|app|release|cluster|certificate|container|cache):[\w:]+|up|ALERTS)(?=[\s{\[(),]|$)"
)


def asked(name: str) -> list[str]:
    """All queries: the panels', the variables' and the annotations'."""
    variables = [each["definition"] for each in ALL[name]["templating"]["list"]]
    annotations = [each["expr"] for each in ALL[name]["annotations"]["list"]]
    return [*queries(ALL[name]), *variables, *annotations]


def recorded() -> set[str]:
    return {
        rule["record"]
        for file in RULES.glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }


def panels(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ALL[name]["panels"]
    return found


@EACH
def test_a_committed_dashboard_is_what_the_generator_gives(name: str) -> None:
    remedy = "renew it: .venv/bin/python -m monitoring.mixin.dashboards"
    assert (FOLDER / name).read_text(encoding="utf-8") == text(ALL[name]), remedy


def test_no_dashboard_is_committed_that_nobody_generates() -> None:
    assert {f.name for f in FOLDER.iterdir()} == set(ALL)


@EACH
def test_every_query_parses(name: str, tmp_path: Path) -> None:
    program = shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is not on PATH; `make setup-test` installs it")
    rules = [{"record": f"query:{n}", "expr": expr} for n, expr in enumerate(queries(ALL[name]))]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    command = [program, "check", "rules", str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@EACH
def test_every_metric_that_is_asked_for_exists(name: str) -> None:
    for query in asked(name):
        metrics = set(METRIC.findall(query))
        assert metrics, f"no metric found in {query}"
        assert metrics <= MEASURED | recorded(), query


@EACH
def test_every_variable_is_offered_and_replaced(name: str) -> None:
    offered = {each["name"] for each in ALL[name]["templating"]["list"]}
    used = {
        v for p in panels(name) for t in p["targets"] for v in re.findall(r"\$(\w+)", t["expr"])
    }
    assert used == offered <= set(EXAMPLE)
    assert not any("$" in query for query in queries(ALL[name]))
    given = queries(ALL[name], dict.fromkeys(EXAMPLE, "xyz"))
    assert any("xyz" in query for query in given)


@EACH
def test_panels_have_a_unit_a_legend_and_a_place_of_their_own(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(name):
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= COLUMNS
        columns = {(place["y"], place["x"] + n) for n in range(place["w"])}
        assert not columns & taken, panel["title"]
        taken |= columns


def test_dashboards_have_names_of_their_own() -> None:
    assert len({board["uid"] for board in ALL.values()}) == len(ALL)
