"""What the benches compute, without an environment."""

import json
import signal
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from bench import __main__ as program
from bench import (
    cache_process,
    chart,
    elastic,
    memory,
    no_change,
    releases,
    report,
    rivals,
    supply,
    wrk,
)
from bench.benches import BENCHES
from bench.command import CommandError, Done, Line, run
from bench.figures import Figure, ratios
from bench.strikes import KILLS
from bench.working_copy import APPS, HOSTS, WorkingCopy
from horcrux.settings.app import App
from tests.support.load.timetable import WITHOUT_SOCKETS, rates

UPDATE = Done(
    12.0,
    (
        Line(2.5, "bench: 7 to make"),
        Line(4.0, "  ✓    1/7  build image host  1.2 s"),
        Line(9.0, "  ✓    2/7  join host manager-1  3.4 s"),
        Line(9.5, "  ✓    3/7  join host manager-2  3.9 s"),
        Line(11.0, "  ✓    4/7  roll out app hello  0.8 s"),
    ),
)
WRK = """\
Running 5s test @ http://127.0.0.1:28080/
  2 threads and 64 connections
  Latency Distribution
     50%    4.56ms
     75%    7.01ms
     90%   10.40ms
     99%    1.20s
  61234 requests in 5.01s, 9.81MB read
  Socket errors: connect 1, read 2, write 3, timeout 4
  Non-2xx or 3xx responses: 5
Requests/sec:  12222.34
Transfer/sec:      1.96MB
"""


def test_a_figure_is_the_median_of_its_runs() -> None:
    assert Figure("x", "x", "s", (9.0, 1.0, 2.0)).median == 2.0


def test_a_ratio_is_of_one_run_and_not_of_two_medians() -> None:
    assert ratios((100.0, 10.0), (50.0, 40.0)) == (2.0, 0.25)


def test_steps_of_an_update_are_read_with_the_time_at_which_they_were_done() -> None:
    assert [(s.at, s.what, s.took) for s in UPDATE.steps][1] == (9.0, "join host manager-1", 3.4)
    assert UPDATE.slowest(2) == {"join host manager-2": 3.9, "join host manager-1": 3.4}


def test_the_last_matching_line_counts() -> None:
    assert UPDATE.last(lambda line: " join host " in line) == 9.5
    assert UPDATE.first(lambda line: line.startswith("bench: ")) == 2.5


def test_an_update_that_says_nothing_of_what_is_measured_is_an_error_and_not_a_zero() -> None:
    with pytest.raises(LookupError, match="7 to make"):
        UPDATE.last(lambda line: "roll out app wiki" in line)


def test_what_wrk_says_is_read_with_its_units_and_all_its_failures() -> None:
    assert wrk.parse(WRK) == wrk.Load(12222.34, 1200.0, 15)


def test_what_an_update_left_to_the_next_one_is_told() -> None:
    text = "    ~ app: (update)\nResources:\n    ~ 2 updated\n    68 unchanged\n\nDuration: 14s\n"
    assert no_change.counts(text) == ["~ 2 updated", "68 unchanged"]


def test_something_that_wrk_does_not_say_is_refused() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        wrk.parse("unable to connect to 127.0.0.1:28080 Connection refused")


@pytest.mark.parametrize("key", ["total_inactive_file", "inactive_file"])
def test_cache_that_can_be_had_back_is_not_in_the_working_set(key: str) -> None:
    assert memory.working_set({"memory_stats": {"usage": 100, "stats": {key: 30}}}) == 70


def test_on_cgroup_v1_the_groups_below_count_too() -> None:
    stats = {"inactive_file": 1, "total_inactive_file": 30}
    assert memory.working_set({"memory_stats": {"usage": 100, "stats": stats}}) == 70


def test_the_working_copy_has_the_sources_and_neither_state_nor_builds(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    there = {str(p.relative_to(copy.folder)) for p in copy.folder.rglob("*")}
    assert {"Pulumi.yaml", "stacks/Pulumi.bench.yaml", "samples/hello/app.py"} <= there
    assert not {p for p in there if p.startswith((".git", "build", ".horcrux"))}
    assert (copy.folder / ".venv").resolve() == tmp_path / "project" / ".venv"


def test_a_renewed_copy_forgets_changes_but_not_its_state(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    (copy.folder / ".horcrux").mkdir()
    (copy.folder / ".horcrux" / "passphrase").write_text("kept")
    copy.touch("samples/hello/app.py", "# changed")
    (copy.folder / "samples" / "new.py").touch()
    copy.renew()
    assert (copy.folder / "samples/hello/app.py").read_text() == "original\n"
    assert not (copy.folder / "samples" / "new.py").exists()
    assert (copy.folder / ".horcrux" / "passphrase").read_text() == "kept"


def test_apps_are_laid_over_the_template_and_what_pulumi_wrote_stays(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    file = copy.folder / "stacks" / "Pulumi.bench.yaml"
    file.write_text(file.read_text() + "encryptionsalt: v1:abc\n")
    copy.set_apps({"hello": {"env": {"BENCH": "1"}}})
    copy.set_apps({"more": {"port": 1}})
    document = yaml.safe_load(file.read_text())
    assert document["encryptionsalt"] == "v1:abc"
    assert set(document["config"][APPS]) == {"wiki", "more"}


def test_other_hosts_are_had_until_none_are_asked_for(tmp_path: Path) -> None:
    copy = _copy(tmp_path)
    file = copy.folder / "stacks" / "Pulumi.bench.yaml"
    before = yaml.safe_load(file.read_text())
    copy.set_hosts({"workers": 1})
    assert yaml.safe_load(file.read_text())["config"][HOSTS] == {"workers": 1}
    copy.set_hosts({})
    assert yaml.safe_load(file.read_text()) == before


@pytest.mark.parametrize("rival", rivals.RIVALS, ids=lambda rival: rival.name)
def test_every_rival_is_put_before_the_subject_and_has_a_way_in(rival: rivals.Rival) -> None:
    text = rivals.configuration(rival, "subject-12345678")
    assert "tasks.subject-12345678" in text
    assert "@SERVICE@" not in text
    assert f"hosts:{rival.port}" in (rivals.FOLDER / "front_door.cfg").read_text()


def test_the_cache_that_is_measured_has_the_real_one_s_configuration(tmp_path: Path) -> None:
    text = cache_process.configuration(tmp_path)
    assert f"listen 127.0.0.1:{cache_process.TLS_PORT} ssl" in text
    assert "/run/secrets" not in text
    assert "/var/lib" not in text


def test_the_slow_registry_is_where_the_environment_s_cache_asks_for_it() -> None:
    config = yaml.safe_load((Path(supply.__file__).parent / "stack.yaml").read_text())["config"]
    gateway = config["horcrux:local"]["subnet"].rpartition(".")[0] + ".1"
    told = config["horcrux:images"]["cache"]["upstreams"][supply.UPSTREAM]
    assert told == {"url": f"http://{gateway}:{supply.PORT}"}


def test_the_chart_is_well_formed_whatever_a_title_holds() -> None:
    figures = [Figure("a", "<a> & b", "s", (0.0,), "< 4 s"), Figure("b", "b", "MB", (900.0,))]
    texts = ["".join(e.itertext()) for e in ElementTree.fromstring(chart.draw(figures)).iter()]
    assert "<a> & b" in texts
    assert any(text.startswith("900 MB") for text in texts)


def test_a_curve_has_its_points_in_their_places_on_a_logarithmic_axis() -> None:
    lines = {"<median>": [(10.0, 1.0), (100.0, 1.0), (1000.0, 3.0)], "most": [(10.0, 2.0)]}
    document = ElementTree.fromstring(chart.curves("a & b", "routes", "s", lines))
    way = next(e for e in document.iter() if e.tag.endswith("polyline")).attrib["points"]
    (x1, y1), (x2, y2), (x3, y3) = (map(float, place.split(",")) for place in way.split())
    assert abs((x2 - x1) - (x3 - x2)) < 0.2
    assert y1 == y2 > y3
    texts = ["".join(e.itertext()) for e in document.iter()]
    assert {"a & b", "<median>", "most", "10", "1,000"} <= set(texts)


def test_every_kill_has_its_own_name_and_says_what_is_hoped_for() -> None:
    assert len({kill.name for kill in KILLS}) == len(KILLS)
    assert {kill.name for kill in KILLS if kill.elsewhere} == {"worker", "manager", "leader"}
    assert all(kill.aim for kill in KILLS)


def test_releases_are_measured_under_as_many_requests_as_they_say() -> None:
    load = rates(releases.RATE, WITHOUT_SOCKETS)
    assert sum(load.values()) * releases.AT_LEAST_SECONDS >= releases.REQUESTS
    for app in releases.APPS.values():
        App.model_validate({**app, "strategy": "canary"})
    App.model_validate(elastic.APP)


def test_the_report_keeps_every_run_and_says_what_gave_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "_machine", dict)
    report.write(tmp_path / "b.json", [Figure("a", "A", "s", (1.0, 4.0, 2.0))], {"edge": "no wrk"})
    written = json.loads((tmp_path / "b.json").read_text())
    assert written["figures"][0]["median"] == 2.0
    assert written["figures"][0]["runs"] == [1.0, 4.0, 2.0]
    assert written["failures"] == {"edge": "no wrk"}


def test_a_failed_command_shows_the_end_of_what_it_said(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "print('the reason'); raise SystemExit(3)"]
    with pytest.raises(CommandError, match=r"exit status 3:\n\s+the reason"):
        run(words, tmp_path, 30)


def test_a_command_that_takes_too_long_is_asked_to_stop(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=f"exit status {-signal.SIGTERM}"):
        run([sys.executable, "-c", "import signal; signal.pause()"], tmp_path, 0.1)


def test_benches_can_be_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(["--list", "--only", "edge", "--only", "noop"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["noop", "edge"]
    assert len({b.name for b in BENCHES}) == len(BENCHES)


@pytest.mark.parametrize("words", [["--runs", "0"], ["--only", "speed"]])
def test_a_wrong_command_line_is_refused(words: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        program.main(words)
    assert refused.value.code == 2


def _copy(tmp_path: Path) -> WorkingCopy:
    project = tmp_path / "project"
    for name in ("samples/hello/app.py", ".git/HEAD", "build/old.json", ".horcrux/passphrase"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("original\n")
    (project / "Pulumi.yaml").touch()
    (project / "stacks").mkdir()
    (project / ".venv").mkdir()
    copy = WorkingCopy(project, project / "build" / "bench" / "project", "bench")
    copy.renew()
    return copy
