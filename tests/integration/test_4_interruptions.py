"""A second, small environment beside the first: interrupted, half made, bad, and taken away."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from conftest import Sandbox, eventually, make, objects

PORTS = {"http": 19080, "https": 19443, "api": 19376, "registry": 19500}
APPS = {
    "hello": {
        "build": {"context": "samples/hello"},
        "port": 8080,
        "routes": ["/"],
        "health": {"http": "/healthz"},
    }
}


@pytest.fixture(scope="module")
def small(engine: docker.DockerClient) -> Iterator[Sandbox]:
    config = {"horcrux:hosts": {"managers": 1}, "horcrux:apps": APPS}
    sandbox = make("ismall", config, PORTS, "10.88.2.0/24")
    yield sandbox
    sandbox.horcrux("down", "-s", "ismall", "-y", check=False)
    assert objects("ismall") == []


@pytest.mark.parametrize("container", ["front-door", "manager-1"])
def test_an_update_that_is_killed_carries_on_when_run_again(small: Sandbox, container: str) -> None:
    command = [
        str(Path(sys.executable).with_name("horcrux")),
        "-C",
        str(small.folder),
        "up",
        "-s",
        small.name,
        "-y",
    ]
    update = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    name = small.container(container)
    eventually(
        lambda: name in objects(small.name) or update.poll() is not None, 600, f"{name} is there"
    )
    os.killpg(update.pid, signal.SIGKILL)
    update.wait()


def test_ctrl_c_ends_in_order_and_the_next_update_makes_all_well(small: Sandbox) -> None:
    command = [
        str(Path(sys.executable).with_name("horcrux")),
        "-C",
        str(small.folder),
        "up",
        "-s",
        small.name,
        "-y",
    ]
    update = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    time.sleep(0)
    assert update.stdout
    for line in update.stdout:
        if "✓" in line:
            break
    os.killpg(update.pid, signal.SIGINT)
    rest = update.stdout.read()
    assert update.wait(300) in (0, 130), rest
    small.up()
    assert small.status()["problems"] == []
    assert small.get("hello").json()["app"] == "hello"


def test_the_second_of_two_updates_says_that_the_first_holds_the_lock(small: Sandbox) -> None:
    small.edit(lambda config: config["horcrux:apps"]["hello"].update({"env": {"A": "1"}}))
    command = [
        str(Path(sys.executable).with_name("horcrux")),
        "-C",
        str(small.folder),
        "up",
        "-s",
        small.name,
        "-y",
    ]
    first = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert first.stdout
    for line in first.stdout:
        if "✓" in line:
            break
    second = small.horcrux("up", "-s", small.name, "-y", check=False)
    rest = first.stdout.read()
    assert first.wait(300) == 0, rest
    assert second.returncode == 4, second.stderr
    assert "another update of ismall is under way" in second.stderr


def test_a_lost_state_is_made_good_and_data_is_kept(small: Sandbox) -> None:
    import shutil

    shutil.rmtree(small.folder / ".horcrux" / "state")
    done = small.up()
    assert "removed the container" in done.stderr
    assert small.status()["problems"] == []
    assert small.get("hello").status_code == 200


def test_a_dockerfile_that_fails_shows_its_last_lines(small: Sandbox) -> None:
    dockerfile = small.folder / "samples" / "hello" / "Dockerfile"
    good = dockerfile.read_text()
    dockerfile.write_text(good + "RUN echo this is what went wrong && false\n")
    try:
        done = small.horcrux("deploy", "hello", "--build", "-s", small.name, check=False)
    finally:
        dockerfile.write_text(good)
    assert done.returncode == 1
    assert "this is what went wrong" in done.stderr
    assert small.get("hello").status_code == 200


def test_bad_settings_are_told_all_at_once_and_nothing_is_started(small: Sandbox) -> None:
    good = small.stack_file.read_text()
    bad = {"port": 99999, "prot": 1, "bind": ["nobody"]}
    small.edit(lambda config: config["horcrux:apps"]["hello"].update(bad))
    try:
        done = small.horcrux("up", "-s", small.name, "-y", check=False)
    finally:
        small.stack_file.write_text(good)
    assert done.returncode == 2
    assert "apps.hello.port: 99999 is not a port (1-65535)" in done.stderr
    assert "did you mean `port`?" in done.stderr


def test_a_policy_refuses_a_secret_in_the_environment(small: Sandbox) -> None:
    good = small.stack_file.read_text()
    env = {"DATABASE_PASSWORD": "Tr0ub4dor-and-3"}
    small.edit(lambda config: config["horcrux:apps"]["hello"].update({"env": env}))
    try:
        done = small.horcrux("preview", "-s", small.name, check=False)
    finally:
        small.stack_file.write_text(good)
    assert done.returncode == 1
    assert "DATABASE_PASSWORD" in done.stderr
    assert "Tr0ub4dor" not in done.stderr + done.stdout


def test_a_wrong_passphrase_is_told(small: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "wrong")
    done = small.horcrux("status", "-s", small.name, check=False)
    assert done.returncode == 2
    assert "wrong passphrase" in done.stderr
