"""What is shown of a release on its way: a picture in a terminal, a line for each change elsewhere."""

import io
import json
import threading
from typing import Any

import pytest
from docker.errors import DockerException
from rich.console import Console

from horcrux.cluster.control import ControlError
from horcrux.cluster.walk import Walk
from horcrux.progress import Progress
from horcrux.rollouts import look as looks
from horcrux.rollouts.look import Look, take
from horcrux.rollouts.picture import picture
from horcrux.rollouts.watch import Watch
from tests.support.fake_swarm import FakeSwarm
from tests.support.played_stack import REASON, event, plan, rollout

NOW = 1_790_000_200.0
GOOD = {
    "at": NOW,
    "step": 0,
    "weight": 5,
    "verdict": "good",
    "text": "errors 0.1 % of 412 requests",
}
RATES = {
    "web-new": {"requests": 12.0, "errors": 0.001, "p95": 0.014},
    "web-old": {"requests": 37.0, "errors": 0.0, "p95": None},
}
TASKS = {"web-new": {"desired": 1, "healthy": 1}, "web-old": {"desired": 4, "healthy": 3}}


def look(share: int = 5, rates: Any = RATES, tasks: Any = TASKS, **progress: Any) -> Look:
    told = {"id": "walk-7", "phase": "watching", "step": 0, "since": NOW - 34, **progress}
    return Look(Walk(plan(), told), {"web-new": share, "web-old": 100 - share}, rates, tasks)


def drawn(what: Look) -> str:
    out = Console(file=io.StringIO(), width=200)
    out.print(picture("web", what, NOW))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def lines_of(*seen: Look, ignored: str | None = None) -> list[str]:
    """What is printed without a terminal while these are seen one after the other."""
    left = list(seen)
    out = Console(file=io.StringIO(), width=200)
    watch = Watch(out, "web", lambda: left.pop(0), ignored)
    for _ in seen:
        watch.look()
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def test_the_picture_has_both_releases_the_step_and_the_last_verdict() -> None:
    head, new, old, steps, verdict = drawn(look(25, step=1, verdicts=[GOOD])).splitlines()
    assert head.strip() == "web r6 → r7  canary, step 2 of 2: it is measured, 34 s of 1 min"
    assert new.split() == ["r7", "█" * 6 + "░" * 18, "25", "%", "1/1", "tasks", "12", "requests/s",
                           "0.10", "%", "errors", "p95", "14", "ms"]  # fmt: skip
    assert old.split()[:6] == ["r6", "█" * 18 + "░" * 6, "75", "%", "3/4", "tasks"]
    assert steps.split() == ["✓", "5", "%", "●", "25", "%"]
    assert verdict.strip() == "✓ errors 0.1 % of 412 requests"


def test_the_picture_of_a_paused_release_says_how_it_goes_on() -> None:
    assert "paused: horcrux release resume web" in drawn(look(paused=True))


def test_the_picture_of_a_release_on_its_way_back_says_why() -> None:
    assert f"on its way back: {REASON}" in drawn(look(0, ending="rolled-back", reason=REASON))


def test_without_figures_the_picture_still_has_the_shares() -> None:
    text = drawn(look(rates={}, tasks={}))
    assert "5 %" in text
    assert "requests/s" not in text


def test_a_text_of_others_making_is_shown_as_it_is() -> None:
    verdict = {**GOOD, "text": "[red]orders[/] \x1b[31m"}
    assert "[red]orders[/]  [31m" in drawn(look(verdicts=[verdict]))


def test_there_is_a_line_for_each_change_and_none_for_the_same() -> None:
    later = {**GOOD, "text": "errors 0.1 % of 500 requests"}
    bad = {**GOOD, "step": 1, "verdict": "bad", "text": REASON}
    over = {"phase": "over", "outcome": "rolled-back", "reason": REASON}
    assert lines_of(
        look(phase="starting"),
        look(),
        look(verdicts=[GOOD]),
        look(verdicts=[later]),
        look(25, step=1, verdicts=[later]),
        look(0, step=1, verdicts=[later, bad], **over),
    ) == [
        "  · web: r7 canary 5 %: step 1 of 2: its tasks start",
        "  · web: r7 canary 5 %: step 1 of 2: it is measured",
        "  · web: r7 good: errors 0.1 % of 412 requests",
        "  · web: r7 canary 25 %: step 2 of 2: it is measured",
        f"  · web: r7 was rolled back: {REASON}",
        f"  · web: r7 bad: {REASON}",
    ]


def test_the_walk_of_an_earlier_update_is_not_shown() -> None:
    assert lines_of(look(), ignored="walk-7") == []
    assert lines_of(Look()) == []


def test_a_manager_that_is_silent_for_a_look_ends_nothing() -> None:
    out = Console(file=io.StringIO())
    answers: list[Any] = [DockerException("no manager"), look()]

    def ask() -> Look:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Look)
        return found

    watch = Watch(out, "web", ask)
    watch.look()
    assert watch.picture() is None
    watch.look()
    assert watch.picture() is not None


def test_it_looks_from_the_moment_that_the_update_comes_to_the_app_s_rollout() -> None:
    looked = threading.Event()

    def ask() -> Look:
        looked.set()
        return look()

    with Watch(Console(file=io.StringIO()), "web", ask) as watch:
        watch.note(event("resource_pre_event", metadata=rollout("db")))
        assert not watch._begun.is_set()
        watch.note(event("resource_pre_event", metadata=rollout("web")))
        assert looked.wait(10)


def test_only_the_app_s_own_rollout_is_its_failure() -> None:
    watch = Watch(Console(file=io.StringIO()), "web", None)
    watch.note(event("res_op_failed_event", metadata=rollout("db")))
    assert not watch.failed
    watch.note(event("res_op_failed_event", metadata=rollout("web")))
    assert watch.failed


def test_the_picture_stands_within_the_update_s_own() -> None:
    out = Console(file=io.StringIO(), width=120)
    watch = Watch(out, "web", look)
    watch.look()
    out.print(Progress(out, "updating", 3, watch)._picture())
    assert isinstance(out.file, io.StringIO)
    *above, foot = out.file.getvalue().splitlines()
    assert any("web r6 → r7" in line for line in above)
    assert foot.strip() == "updating: 0 of 3, 0 s"


def test_a_look_is_of_the_cluster_s_notes_even_while_control_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    swarm: Any = FakeSwarm()
    labels = {"horcrux.weights": '{"web-old": 3, "web-new": 1}', "horcrux.walk": json.dumps(plan())}
    swarm.create_config("horcrux-traffic-web", b"", labels)

    def silent(*_: Any) -> dict[str, Any]:
        raise ControlError("control does not run")

    monkeypatch.setattr(looks.control, "ask", silent)
    found = take(swarm, "web")
    assert found.walk is not None
    assert (found.walk.plan["number"], found.share("web-new"), found.rates) == (7, 25, {})
    monkeypatch.setattr(looks.control, "ask", lambda *_: {"rates": RATES, "tasks": TASKS})
    assert take(swarm, "web").rates == RATES
