"""Canaries under load: bad ones go back by themselves, also when nobody watches; updates that are killed."""

import json
import math
import os
import re
import signal
import subprocess
import time

from horcrux.cluster.walk import Walk
from tests.support.load import SHORT
from tests.support.observed import serving, told, walk
from tests.support.receivers import Recorder
from tests.support.sandbox import Sandbox, eventually

APP = "abrupt"  # see conftest.py: one step of 20 %
WEIGHT, FAULTY = 0.2, 0.05
SIGMAS = 5  # chance goes beyond so many once in three million times
GETS = (SHORT["get"] + SHORT["get-new"]) / sum(SHORT.values())  # of the load: they tell the release
BEGUN_SECONDS, OVER_SECONDS, HEARD_SECONDS = 120, 120, 60
ROLLED_BACK = 6  # the exit code
ERRORS = re.compile(
    r"errors [\d.]+ % of [\d,]+ requests against [\d.]+ % of [\d,]+ requests "
    r"\(p = [\d.e-]+, confidence 99 %\)"
)
TIMES = re.compile(r"p9[59] \d+ ms against \d+ ms; [\d.]+ % of [\d,]+ requests took longer than")


def canary(*variables: str) -> list[str]:
    """The words of a deploy."""
    settings = [word for one in variables for word in ("--set", f"env.{one}")]
    return ["deploy", APP, "-s", "itest", "--strategy", "canary", *settings]


def at_most(count: float, share: float) -> float:
    """How many of `count` chance may pick, each with the probability `share`."""
    return count * share + SIGMAS * math.sqrt(count * share * (1 - share)) + 1


def release_of(cloud: Sandbox) -> str:
    found: str = cloud.get(APP).json()["release"]
    return found


def identity(found: Walk | None) -> str:
    return found.plan["id"] if found else ""


def reached(cloud: Sandbox, before: Walk | None, *phases: str) -> bool:
    """Whether a walk that began after `before` is in one of these phases."""
    found = walk(cloud, APP)
    if found is None or identity(found) == identity(before):
        return False
    return found.progress.get("phase") in phases


def killed(process: subprocess.Popen[str]) -> None:
    """It and what it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_canary_with_errors_goes_back_by_itself_and_everyone_is_told_why(
    cloud: Sandbox, receiver: Recorder
) -> None:
    current, settings = release_of(cloud), cloud.stack_file.read_text()
    receiver.received.clear()
    with cloud.load(APP, sorts=SHORT) as client:
        done = cloud.horcrux(*canary(f"HELLO_FAIL_RATIO={FAULTY}"), check=False)
    assert done.returncode == ROLLED_BACK, done.stdout + done.stderr
    reason = ERRORS.search(done.stdout + done.stderr)
    assert reason, done.stdout + done.stderr
    result = client.result
    (release,) = {failure.release for failure in result.failures}
    assert release is not None
    assert release != current
    own, every = result.share(release)
    assert own > every * WEIGHT / 2, "the canary had its share"
    assert own <= at_most(every, WEIGHT)
    assert 0 < result.failed <= at_most(own / GETS, FAULTY)
    alert = told(receiver, "ReleaseRolledBack", HEARD_SECONDS)
    assert APP in alert["annotations"]["summary"]
    assert reason[0] in json.dumps(alert, ensure_ascii=False)
    events = cloud.horcrux("events", "-s", cloud.name, "-n", "500", "--json").stdout
    assert reason[0] in events
    assert release_of(cloud) == current
    assert cloud.stack_file.read_text() == settings
    cloud.expect_no_changes()


def test_a_slow_canary_goes_back_though_the_command_was_killed(cloud: Sandbox) -> None:
    current, before = release_of(cloud), walk(cloud, APP)
    with cloud.load(APP, sorts=SHORT) as client:
        process = cloud.begin(*canary("HELLO_DELAY_SECONDS=0.15"))
        try:
            eventually(
                lambda: reached(cloud, before, "watching"), BEGUN_SECONDS, "the canary is measured"
            )
        finally:
            killed(process)
        eventually(lambda: reached(cloud, before, "over"), OVER_SECONDS, "the walk is over")
    assert client.result.kinds == {}, "slow, and not wrong"
    ended = walk(cloud, APP)
    assert ended
    assert ended.outcome == "rolled-back"
    assert TIMES.search(ended.reason), ended.reason
    assert release_of(cloud) == current
    number = ended.plan["number"]
    rows = json.loads(cloud.horcrux("release", "list", APP, "-s", cloud.name, "--json").stdout)
    assert [row["state"] for row in rows if row["number"] == number] == ["rolled back"]
    assert [row["release"] for row in rows if row["state"] == "current"] == [current]
    remedies = [problem["remedy"] for problem in cloud.status()["problems"]]
    assert any(f"horcrux release resume {APP}" in remedy for remedy in remedies), remedies
    done = cloud.horcrux("release", "resume", APP, "-s", cloud.name, check=False)
    assert done.returncode == ROLLED_BACK, done.stdout + done.stderr
    assert TIMES.search(done.stdout + done.stderr)
    cloud.expect_no_changes()
    assert cloud.status()["problems"] == []


def test_an_update_killed_twice_is_brought_to_its_end(cloud: Sandbox) -> None:
    """First before control has anything to do, then while the old release is drained."""
    current, before = release_of(cloud), walk(cloud, APP)
    listing = ("docker", "service", "ls", "--format", "{{.Name}}")
    services = cloud.inside("manager-1", *listing)

    def made() -> bool:
        return cloud.inside("manager-1", *listing) != services

    def draining() -> bool:
        return reached(cloud, before, "draining", "over")

    with cloud.load(APP, sorts=SHORT) as client:
        words = ["deploy", APP, "-s", cloud.name, "--strategy", "blue-green", "--set", "env.A=1"]
        for begin, moment in (
            (words, made),
            (["release", "resume", APP, "-s", cloud.name], draining),
        ):
            process = cloud.begin(*begin)
            try:
                eventually(moment, BEGUN_SECONDS, "the moment to kill it")
            finally:
                killed(process)
        cloud.horcrux("release", "resume", APP, "-s", cloud.name)
    assert client.result.kinds == {}
    assert release_of(cloud) != current
    assert cloud.horcrux("exec", APP, "-s", cloud.name, "--", "env").stdout.count("\nA=1\n") == 1
    cloud.expect_no_changes()
    assert cloud.status()["problems"] == []


def test_without_traffic_a_canary_goes_back_where_that_is_declared(cloud: Sandbox) -> None:
    current, began = release_of(cloud), time.monotonic()
    done = cloud.horcrux(*canary("B=1"), check=False)
    assert done.returncode == ROLLED_BACK, done.stdout + done.stderr
    assert re.search(r"\d+ requests, and 50 are needed", done.stdout + done.stderr)
    assert time.monotonic() - began < BEGUN_SECONDS, "at the end of its step, and not later"
    assert release_of(cloud) == current
    cloud.expect_no_changes()


def test_what_was_changed_by_hand_is_told_and_put_right(cloud: Sandbox) -> None:
    hello, abrupt = serving(cloud, "hello"), serving(cloud, APP)
    by_hand = {
        f"{APP}: 1 tasks are wanted": ("scale", "-d", f"{abrupt}=1"),
        f"the specification of {abrupt} was changed": (
            *("update", "-d", "-q", "--env-add", "BY_HAND=1"),
            abrupt,
        ),
        f"{hello} is gone": ("rm", hello),
    }
    for words in by_hand.values():
        cloud.inside("manager-1", "docker", "service", *words)
    problems = [problem["what"] for problem in cloud.status()["problems"]]
    for sentence in by_hand:
        assert any(sentence in problem for problem in problems), (sentence, problems)
    cloud.up()
    eventually(lambda: cloud.status()["problems"] == [], OVER_SECONDS, "all is as declared")
    cloud.expect_no_changes()
    for app in ("hello", APP):
        assert cloud.app(app)["replicas"] == {"desired": 2, "healthy": 2}
        assert "BY_HAND" not in cloud.horcrux("exec", app, "-s", cloud.name, "--", "env").stdout
