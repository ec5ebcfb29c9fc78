"""The verbs `rollback`, `scale` and `release resume`: the stack file, the updates and the exit codes."""

from pathlib import Path
from typing import Any

import pytest

from horcrux.exits import Exit, HorcruxError
from tests.support.played_stack import (
    FILE,
    REASON,
    Played,
    entry,
    plan,
    refused,
    rolled_back,
    run,
    web,
)

OLD = {"web-old": 100}


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(tmp_path, monkeypatch)


def test_a_rollback_is_blue_green_and_leaves_the_way_of_releasing_as_it_is(dev: Played) -> None:
    dev.file.write_text(FILE + "      strategy: canary\n      keep: 5\n")
    before = entry(5, settings={**entry(5)["settings"], "env": {}, "strategy": "rolling"})
    dev.history = [entry(6), entry(4, outcome="rolled-back", reason=REASON), before]
    run("rollback", "web")
    assert web(dev.seen[0])["strategy"] == "blue-green"
    now = web(dev.file.read_text())
    assert (now["strategy"], now["keep"], now["env"]) == ("canary", 5, {})
    assert now["image"] == before["image"]


def test_there_is_no_way_back_to_what_never_served(dev: Played) -> None:
    dev.history = [entry(6), entry(5, outcome="rolled-back", reason=REASON)]
    assert "one release only" in str(refused("rollback", "web"))
    assert f"r5 never served: {REASON}" in str(refused("rollback", "web", "r5"))
    assert "no release r9; there are: r6, r5" in str(refused("rollback", "web", "r9"))


def test_a_rollback_while_a_release_is_on_its_way_names_what_gives_it_up(dev: Played) -> None:
    dev.history = [entry(6), entry(5)]
    dev.note(plan(), {**OLD, "web-new": 5}, phase="watching")
    error = refused("rollback", "web")
    assert error.code == Exit.USAGE
    assert "horcrux release abort web" in str(error)


def test_elastic_apps_are_not_scaled_by_hand(dev: Played) -> None:
    elastic = "      elastic: {max: 5, target: {queue: 5}}\n"
    dev.file.write_text(FILE + elastic)
    assert "elastic.min" in str(refused("scale", "web", "3"))
    assert dev.file.read_text() == FILE + elastic


def test_resuming_where_nothing_was_interrupted_says_so(dev: Played) -> None:
    dev.note(plan(number=6), {"web-old": 100}, phase="over", outcome="promoted")
    assert "nothing of web was interrupted: r6 serves" in run("release", "resume", "web")
    assert dev.seen == []


def test_resuming_a_release_that_has_taken_over_brings_the_update_to_its_end(dev: Played) -> None:
    dev.note(plan(), {"web-new": 100}, phase="over", outcome="promoted")
    assert "web runs release" in run("release", "resume", "web")
    assert dev.seen == [FILE]


def test_resuming_a_release_that_was_rolled_back_meanwhile_declares_what_serves(
    dev: Played,
) -> None:
    dev.file.write_text(FILE.replace("GREETING: hello", "GREETING: hi"))
    dev.note(plan(), OLD, phase="over", outcome="rolled-back", reason=REASON)
    error = refused("release", "resume", "web")
    assert error.code == Exit.ROLLED_BACK
    assert REASON in str(error)
    (text,) = dev.seen
    assert web(text) == {**web(FILE), "image": dev.history[0]["image"]}


def test_a_release_that_is_rolled_back_while_it_is_resumed_ends_as_a_deployment(
    dev: Played,
) -> None:
    dev.file.write_text(FILE.replace("GREETING: hello", "GREETING: hi"))
    dev.note(plan(), {**OLD, "web-new": 5}, phase="watching")
    dev.updates = [rolled_back(dev)]
    assert refused("release", "resume", "web").code == Exit.ROLLED_BACK
    assert [web(text)["env"]["GREETING"] for text in dev.seen] == ["hi", "hello"]


def test_resuming_a_paused_release_orders_it_to_go_on(dev: Played) -> None:
    def locked(_: Any) -> None:
        raise HorcruxError("another update is under way", Exit.LOCKED)

    dev.note(plan(), {**OLD, "web-new": 5}, phase="watching", paused=True)
    dev.updates = [locked]  # whoever deployed is still there
    assert "web: r7 goes on" in run("release", "resume", "web", "--no-watch")
    (question,) = dev.asked
    assert question[:2] == ("POST", "/v1/rollouts/web")
    assert question[2]["order"] == "resume"


def test_a_paused_release_that_is_on_its_way_back_is_waited_for_and_not_ordered(
    dev: Played,
) -> None:
    dev.note(plan(), OLD, phase="draining", paused=True, ending="rolled-back", reason=REASON)
    dev.updates = [rolled_back(dev)]
    assert refused("release", "resume", "web", "--no-watch").code == Exit.ROLLED_BACK
    assert dev.asked == []
