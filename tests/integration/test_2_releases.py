"""Releases under load: what changes, what fails, and who notices."""

import time
from pathlib import Path
from typing import Any

import docker

from tests.support.load import WITHOUT_SOCKETS, Result
from tests.support.sandbox import RATE, Sandbox

FEWEST = 20_000  # requests, over all strategies
A_RELEASE = 2000  # requests in the time of a failed release: the load was really there
SENT = 0.9  # of what the rate makes of the time: the client itself kept its timetable
APPS = ("hello", "abrupt")  # one that ends in order on SIGTERM, and one that dies at once


def released(cloud: Sandbox, strategy: str, colour: str) -> None:
    """Both apps changed, in one update."""

    def change(config: dict[str, Any]) -> None:
        for app in APPS:
            settings = config["horcrux:apps"][app]
            settings["strategy"] = strategy
            settings.setdefault("env", {})["COLOUR"] = colour

    cloud.edit(change)
    cloud.up()


def test_no_strategy_loses_a_request_of_an_app_that_ends_in_order_or_dies_at_once(
    cloud: Sandbox,
) -> None:
    """Half of the load on each; WebSockets of an app that dies at once cannot end in order."""
    first = {app: cloud.get(app).json()["release"] for app in APPS}
    begun: dict[str, float] = {}
    with (
        cloud.load("hello", RATE / 2) as orderly,
        cloud.load("abrupt", RATE / 2, WITHOUT_SOCKETS) as abrupt,
    ):
        for strategy, colour in (("rolling", "red"), ("blue-green", "blue"), ("canary", "green")):
            begun[strategy] = time.time()
            released(cloud, strategy, colour)
        for app in APPS:
            begun[f"rollback of {app}"] = time.time()
            cloud.horcrux("rollback", app, "r1", "-s", cloud.name)
            assert cloud.get(app).json()["release"] == first[app]
    cloud.expect_no_changes()
    results = {"hello": orderly.result, "abrupt": abrupt.result}
    assert {app: lost(result, begun) for app, result in results.items()} == {
        "hello": [],
        "abrupt": [],
    }
    assert sum(result.answered for result in results.values()) > FEWEST
    for app, result in results.items():
        assert result.answered > SENT * RATE / 2 * result.seconds, app
        assert len(result.releases) == 4, f"{app}: all its releases answered: {result.releases}"
    assert "COLOUR" not in cloud.horcrux("exec", "hello", "-s", cloud.name, "--", "env").stdout


def lost(result: Result, begun: dict[str, float]) -> list[str]:
    """What failed, and what was under way when it did."""
    told = []
    for failure in result.failures:
        under_way = [name for name, at in begun.items() if at <= failure.at]
        told.append(f"{under_way[-1] if under_way else 'before'}: {failure.sort}: {failure.kind}")
    return told


def test_a_release_that_never_gets_healthy_fails_with_the_reason_and_the_old_one_serves(
    cloud: Sandbox, engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM horcrux/base:bookworm\nLABEL horcrux.environment=itest\n"
        'CMD ["sh", "-c", "echo cannot find its configuration >&2; exit 7"]\n'
    )
    engine.images.build(path=str(tmp_path), tag="horcrux-itest/bad:1", rm=True)
    serving = cloud.get("hello").json()["release"]
    settings = cloud.stack_file.read_text()
    with cloud.load("hello") as client:
        done = cloud.horcrux(
            "deploy", "hello", "-s", cloud.name, "--image", "horcrux-itest/bad:1", check=False
        )
    assert done.returncode == 1
    assert "cannot find its configuration" in done.stderr
    assert "exit status: 7" in done.stderr
    assert client.result.kinds == {}
    assert client.result.answered > A_RELEASE
    assert cloud.get("hello").json()["release"] == serving
    assert cloud.stack_file.read_text() == settings
    cloud.expect_no_changes()
    assert cloud.status()["problems"] == []


def test_an_image_that_does_not_exist_is_refused_before_anything_changes(cloud: Sandbox) -> None:
    done = cloud.horcrux(
        "deploy", "hello", "-s", cloud.name, "--image", "127.0.0.1:18500/no:1", check=False
    )
    assert done.returncode == 1
    assert "is not in the registry" in done.stderr


def test_scale_restarts_nothing(cloud: Sandbox) -> None:
    before = cloud.get("hello").json()["release"]
    cloud.horcrux("scale", "hello", "3", "-s", cloud.name)
    assert cloud.app("hello")["replicas"] == {"desired": 3, "healthy": 3}
    assert cloud.get("hello").json()["release"] == before
    cloud.horcrux("scale", "hello", "2", "-s", cloud.name)
