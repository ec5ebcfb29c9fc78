"""A second, small environment beside the first: interrupted, half made, bad, and taken away."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import docker
import pytest

from tests.support.sandbox import Sandbox, eventually, make, objects

HELD_SECONDS = 18  # longer than a second update takes to ask for the lock
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
    config = {
        "horcrux:hosts": {"managers": 1},
        "horcrux:monitoring": {"enabled": False},  # an environment without it works all the same
        "horcrux:apps": APPS,
    }
    sandbox = make("ismall", config, PORTS, "10.88.2.0/24")
    yield sandbox
    sandbox.horcrux("down", "-s", "ismall", "-y", check=False)
    assert objects("ismall") == []


def begun(sandbox: Sandbox) -> subprocess.Popen[str]:
    """An update in a session of its own, as far as its first finished step."""
    update = sandbox.begin("up", "-s", sandbox.name, "-y")
    assert update.stdout
    for line in update.stdout:
        if "✓" in line:
            return update
    pytest.fail(f"the update ended before anything was done: {update.wait()}")


@pytest.mark.parametrize("container", ["front-door", "manager-1"])
def test_an_update_that_is_killed_carries_on_when_run_again(small: Sandbox, container: str) -> None:
    update, name = begun(small), small.container(container)
    eventually(lambda: name in objects(small.name), 600, f"{name} is there")
    os.killpg(update.pid, signal.SIGKILL)
    update.communicate()


def test_ctrl_c_ends_in_order_and_the_next_update_makes_all_well(small: Sandbox) -> None:
    update = begun(small)
    os.killpg(update.pid, signal.SIGINT)
    rest = update.communicate(timeout=300)[0]
    assert update.returncode in (0, 130), rest
    small.up()
    assert small.status()["problems"] == []
    assert small.get("hello").json()["app"] == "hello"


def test_the_second_of_two_updates_says_that_the_first_holds_the_lock(small: Sandbox) -> None:
    small.edit(lambda config: config["horcrux:apps"]["hello"].update({"env": {"A": "1"}}))
    first = begun(small)
    with ThreadPoolExecutor() as pool:  # the first update waits for what the old release answers
        pool.submit(small.get, "hello", f"/slow?seconds={HELD_SECONDS}")
        second = small.horcrux("up", "-s", small.name, "-y", check=False)
    rest = first.communicate(timeout=300)[0]
    assert first.returncode == 0, rest
    assert second.returncode == 4, second.stderr
    assert "another update of ismall is under way" in second.stderr


def test_a_lost_state_is_made_good_and_data_is_kept(small: Sandbox) -> None:
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
