"""The verbs `release list`, `show`, `promote`, `abort` and `pause`: what is told of releases, and ordered."""

import json
from pathlib import Path
from typing import Any

import pytest

from horcrux.cluster.walk import Walk
from horcrux.report.units import NOTHING
from horcrux.rollouts.listing import Known, doing, rows, short
from tests.support.played_stack import REASON, Played, entry, plan, refused, run

VERDICT = {
    "at": 1_790_000_160.0, "step": 0, "weight": 5, "window": 55.0, "verdict": "bad", "text": REASON,
}  # fmt: skip
BOTH = {"web-old": 75, "web-new": 25}


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    played = Played(tmp_path, monkeypatch)
    played.swarm.service("web-old", replicas=4)
    played.swarm.service("web-new", replicas=1)
    return played


def walk(outcome: str | None = None, **more: Any) -> Walk:
    progress = {"id": "walk-7", "phase": "over" if outcome else "watching", "outcome": outcome}
    return Walk(plan(**more), {**progress, "reason": REASON if outcome else ""})


def states(
    history: list[dict[str, Any]],
    weights: dict[str, int],
    walking: Walk | None = None,
    parked: tuple[str, ...] = (),
) -> list[tuple[int, str]]:
    known = Known(history, parked, weights, walking, {})
    return [(row["number"], doing(row)) for row in rows(known)]


def test_the_current_release_those_that_are_kept_and_the_others() -> None:
    history = [entry(3, "c"), entry(2, "b"), entry(1, "a")]
    assert states(history, {"web-c": 100}, parked=("web-b",)) == [
        (3, "current"),
        (2, "parked"),
        (1, "not kept"),
    ]


def test_both_releases_of_a_walk_are_told_with_their_shares() -> None:
    assert states([entry(6)], BOTH, walk()) == [(7, "canary 25 %"), (6, "serving 75 %")]


def test_a_release_that_was_given_up_is_told_before_and_after_the_state_knows() -> None:
    given_up = entry(7, "new", outcome="rolled-back", reason=REASON)
    expected = [(7, "rolled back"), (6, "current")]
    assert states([entry(6)], {"web-old": 100}, walk("rolled-back")) == expected
    assert states([entry(6), given_up], {"web-old": 100}, walk("rolled-back")) == expected
    assert states([entry(6), given_up], {"web-old": 100}) == expected


def test_a_release_that_took_over_before_the_state_was_told_is_the_current_one() -> None:
    expected = [(7, "current"), (6, "not serving")]
    assert states([entry(6)], {"web-new": 100}, walk("promoted")) == expected


def test_a_release_that_came_back_is_not_told_as_kept() -> None:
    history = [entry(3, "a"), entry(2, "b"), entry(1, "a")]
    assert states(history, {"web-a": 100}, parked=("web-b",)) == [
        (3, "current"),
        (2, "parked"),
        (1, "the same as r3"),
    ]


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("registry:5000/web:source-12@sha256:aaaabbbbccccdddd", "web:source-12"),
        ("registry:5000/web@sha256:aaaabbbbccccdddd", "web@aaaabbbbcccc"),
        ("web", "web"),
        ("", NOTHING),
    ],
)
def test_an_image_is_told_as_short_as_tells_it_apart(image: str, said: str) -> None:
    assert short(image) == said


def test_a_list_tells_tasks_and_shares_of_what_is_in_play(dev: Played) -> None:
    dev.note(plan(), BOTH, phase="watching")
    told = json.loads(run("release", "list", "web", "--json"))
    assert [(row["state"], row["share"], row["tasks"]) for row in told] == [
        ("coming", 25, {"desired": 1, "healthy": 1}),
        ("serving", 75, {"desired": 4, "healthy": 4}),
    ]


def test_a_list_for_people_says_why_a_release_was_given_up_and_what_to_do(dev: Played) -> None:
    dev.note(plan(), {"web-old": 100}, phase="over", outcome="rolled-back", reason=REASON)
    output = run("release", "list", "web")
    assert f"r7 rolled back: {REASON}" in output
    assert "horcrux release resume web" in output


def test_one_release_is_told_with_its_settings_and_what_was_measured(dev: Played) -> None:
    dev.note(plan(), BOTH, phase="watching", verdicts=[VERDICT])
    output = run("release", "show", "web", "r7")
    assert "state: canary 25 %" in output
    assert "image: registry:5000/web:2@sha256:bbbb" in output
    assert "  port: 8080" in output
    assert f"5 %  bad: {REASON}" in output
    told = json.loads(run("release", "show", "web", "r7", "--json"))
    assert told["walk"]["progress"]["verdicts"] == [VERDICT]
    assert json.loads(run("release", "show", "web", "r6", "--json"))["walk"] is None


def test_a_release_that_there_never_was_is_an_error_with_those_that_there_are(dev: Played) -> None:
    assert "web has no release r9; there are: r6" in str(refused("release", "show", "web", "r9"))


@pytest.mark.parametrize("order", ["promote", "abort", "pause"])
def test_an_order_goes_to_control_with_the_name_of_who_gave_it(dev: Played, order: str) -> None:
    dev.note(plan(), BOTH, phase="watching")
    assert "web: r7 " in run("release", order, "web")
    ((method, path, body),) = dev.asked
    assert (method, path, body["order"]) == ("POST", "/v1/rollouts/web", order)
    assert "@" in body["by"]


def test_without_a_release_on_its_way_there_is_nothing_to_order(dev: Played) -> None:
    assert "no release is on its way" in str(refused("release", "pause", "web"))
    dev.note(plan(), {"web-old": 100}, phase="over", outcome="rolled-back", reason=REASON)
    assert REASON in str(refused("release", "abort", "web"))
    assert dev.asked == []
