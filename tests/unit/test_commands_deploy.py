"""The verb `deploy`: the stack file, the updates and the exit codes of a release, good or bad."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from horcrux.exits import Exit, HorcruxError
from horcrux.settings import SettingsError
from tests.support.played_stack import (
    FILE,
    REASON,
    Played,
    entry,
    fails,
    plan,
    refused,
    rolled_back,
    run,
    web,
)

OLD = {"web-old": 100}
BUILT = FILE.replace("image: web@sha256:aaaa", "build: {context: web}")
TAGGED = FILE.replace("web@sha256:aaaa", "web:1")


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(tmp_path, monkeypatch)


def test_a_deployment_stays_in_the_stack_file(dev: Played) -> None:
    output = run("deploy", "web", "--set", "env.GREETING=hi")
    assert web(dev.file.read_text()) == {**web(FILE), "env": {"GREETING": "hi"}}
    assert "web runs release r6" in output


def test_a_strategy_is_in_the_stack_file_for_the_update_only(dev: Played) -> None:
    run("deploy", "web", "--set", "env.GREETING=hi", "--strategy", "canary", "--no-watch")
    assert [web(text)["strategy"] for text in dev.seen] == ["canary"]
    assert dev.file.read_text() == FILE.replace("GREETING: hello", "GREETING: hi")


def test_a_smoke_test_may_be_left_out_of_one_release(dev: Played) -> None:
    text = FILE + "      smoke: {path: /ready}\n      strategy: blue-green\n"
    dev.file.write_text(text)
    run("deploy", "web", "--set", "env.GREETING=hi", "--no-smoke")
    assert "smoke" not in web(dev.seen[0])
    assert web(dev.file.read_text())["smoke"] == {"path": "/ready"}


def test_a_smoke_test_of_the_extended_file_may_be_left_out_too(dev: Played) -> None:
    base = dev.file.with_name("Pulumi.base.yaml")
    base.write_text(FILE + "      smoke: {path: /ready}\n")
    dev.file.write_text("config:\n  horcrux:extends: base\n")
    run("deploy", "web", "--set", "env.GREETING=hi", "--no-smoke")
    assert web(dev.seen[0]) == {"env": {"GREETING": "hi"}, "smoke": None}
    assert web(dev.file.read_text()) == {"env": {"GREETING": "hi"}}


def test_a_release_that_is_rolled_back_puts_the_file_back_and_the_state_in_line(
    dev: Played,
) -> None:
    dev.updates = [rolled_back(dev)]
    error = refused("deploy", "web", "--set", "env.GREETING=hi", "--strategy", "canary")
    assert error.code == Exit.ROLLED_BACK
    assert f"r7 was rolled back: {REASON}" in str(error)
    assert "r6 serves" in str(error)
    assert dev.file.read_text() == FILE
    assert dev.seen[1:] == [FILE], "a second update, with the file as it was"


def test_when_the_second_update_fails_the_way_on_is_told(dev: Played) -> None:
    dev.updates = [rolled_back(dev), fails(message="no manager answers\nand more")]
    error = refused("deploy", "web", "--set", "env.GREETING=hi")
    assert error.code == Exit.ROLLED_BACK
    assert "not done yet (no manager answers): horcrux release resume web" in str(error)


def test_a_release_that_never_got_healthy_is_a_failure_as_pulumi_told_it(dev: Played) -> None:
    dev.updates = [rolled_back(dev, "failed")]
    error = refused("deploy", "web", "--set", "env.GREETING=hi")
    assert (error.code, str(error)) == (Exit.FAILED, "web: r7 failed")
    assert dev.seen[1:] == [FILE]


def test_a_walk_of_earlier_is_not_taken_for_this_one(dev: Played) -> None:
    dev.note(plan(), OLD, phase="over", outcome="rolled-back", reason=REASON)
    dev.updates = [fails(message="web: the edges' own check fails")]
    error = refused("deploy", "web", "--set", "env.GREETING=hi")
    assert (error.code, str(error)) == (Exit.FAILED, "web: the edges' own check fails")


def test_the_failure_of_another_app_needs_no_second_update(dev: Played) -> None:
    dev.updates = [fails("db", "db: it failed")]
    assert refused("deploy", "web", "--set", "env.GREETING=hi").code == Exit.FAILED
    assert len(dev.seen) == 1
    assert dev.file.read_text() == FILE


def test_a_walk_that_control_may_still_carry_on_is_left_to_it(dev: Played) -> None:
    def silent(on_event: Callable[[Any], None]) -> None:
        dev.note(plan(), {**OLD, "web-new": 5}, phase="watching")
        fails(message="control does not carry it on")(on_event)

    dev.updates = [silent]
    refused("deploy", "web", "--set", "env.GREETING=hi", "--strategy", "canary")
    assert dev.file.read_text() == FILE.replace("GREETING: hello", "GREETING: hi")
    assert len(dev.seen) == 1


def test_an_interrupted_deployment_is_kept_for_the_next_update(dev: Played) -> None:
    def interrupted(_: Any) -> None:
        raise HorcruxError("interrupted", Exit.INTERRUPTED)

    dev.updates = [interrupted]
    error = refused("deploy", "web", "--set", "env.GREETING=hi", "--strategy", "canary")
    assert error.code == Exit.INTERRUPTED
    assert dev.file.read_text() == FILE.replace("GREETING: hello", "GREETING: hi")


def test_an_update_of_somebody_else_s_puts_the_file_back(dev: Played) -> None:
    def locked(_: Any) -> None:
        raise HorcruxError("another update is under way", Exit.LOCKED)

    dev.updates = [locked]
    assert refused("deploy", "web", "--set", "env.GREETING=hi").code == Exit.LOCKED
    assert dev.file.read_text() == FILE


def test_what_settings_refuse_is_never_begun(dev: Played) -> None:
    text = FILE.replace("routes: [/]", "routes: []")
    dev.file.write_text(text)
    with pytest.raises(SettingsError, match="give the app routes"):
        run("deploy", "web", "--set", "env.GREETING=hi", "--strategy", "canary")
    assert (dev.seen, dev.file.read_text()) == ([], text)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (BUILT, ["--build"]),  # the folder has changed
        (BUILT, ["--set", "env.GREETING=hi"]),
        (TAGGED, ["--set", "env.GREETING=hi"]),  # the tag has moved
    ],
)
def test_where_the_file_would_lead_to_the_bad_image_again_the_good_one_is_pinned(
    dev: Played, before: str, words: list[str]
) -> None:
    dev.file.write_text(before)
    dev.updates = [rolled_back(dev)]
    refused("deploy", "web", *words)
    assert web(dev.seen[1]) == {**web(before), "image": dev.history[0]["image"]}


@pytest.mark.parametrize(
    ("before", "words", "tried"),
    [
        (BUILT, ["--set", "env.GREETING=hi"], entry(6)["image"]),  # the same image as before
        (TAGGED, ["--image", "web:2"], plan()["image"]),
        (FILE.replace("aaaa", "cccc"), ["--set", "env.GREETING=hi"], plan()["image"]),
    ],
)
def test_an_image_that_leads_to_what_serves_is_not_pinned(
    dev: Played, before: str, words: list[str], tried: str
) -> None:
    dev.file.write_text(before)
    dev.updates = [rolled_back(dev, image=tried)]
    refused("deploy", "web", *words)
    assert dev.file.read_text() == before


def test_an_app_that_is_changed_in_place_is_pinned_by_what_swarm_changed_back(dev: Played) -> None:
    dev.file.write_text(BUILT + "      volumes: [{name: data, path: /data}]\n")
    dev.history = [entry(6, service="web", strategy="recreate")]
    dev.swarm.service("web", release="old")
    before = dev.swarm.services_by_name["web"]["Spec"]
    tried = {"TaskTemplate": {"ContainerSpec": {"Image": "registry:5000/web:2@sha256:bbbb"}}}
    dev.swarm.services_by_name["web"] |= {"Spec": before, "PreviousSpec": tried}
    dev.updates = [fails()]
    assert refused("deploy", "web", "--build").code == Exit.FAILED
    assert web(dev.seen[1])["image"] == dev.history[0]["image"]


def test_recreated_apps_have_no_other_strategy(dev: Played) -> None:
    dev.file.write_text(FILE + "      strategy: recreate\n")
    error = refused("deploy", "web", "--set", "env.A=b", "--strategy", "rolling")
    assert error.code == Exit.USAGE
