"""What set-up does about a Docker engine, decided from facts, and its hands replaced by fakes."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine import docker_endpoint, dockerd
from engine.debian import System
from engine.docker_endpoint import Answer, Endpoint
from engine.docker_engine import Facts, Step, ensure, next_step
from engine.report import SetupError

SILENT = Answer(None, "Connection refused")
READY = Answer("20.10.24")
ROOT_ON_DEBIAN = System(debian=True, root=True, systemd=False)
BARE = Facts(Endpoint(docker_endpoint.DEFAULT), SILENT, ROOT_ON_DEBIAN, False, False)
INSTALLED = replace(BARE, installed=True)


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (BARE, Step.INSTALL),
        (INSTALLED, Step.START_BY_HAND),
        (replace(INSTALLED, system=System(True, True, True)), Step.START_WITH_SYSTEMD),
        (replace(INSTALLED, system=System(False, True, False)), Step.START_BY_HAND),
        (replace(INSTALLED, running=True), Step.WAIT),
    ],
)
def test_root_installs_or_starts_an_engine(facts: Facts, step: Step) -> None:
    assert next_step(facts) is step


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (replace(BARE, system=System(True, False, True)), "sudo apt-get install docker.io"),
        (replace(INSTALLED, system=System(True, False, True)), "sudo systemctl start docker"),
        (replace(INSTALLED, system=System(True, False, False)), "sudo dockerd"),
        (replace(BARE, system=System(False, True, True)), "https://docs.docker.com/get-docker"),
        (replace(INSTALLED, answer=Answer(None, "no", True)), "usermod -aG docker"),
    ],
)
def test_where_set_up_may_not_act_the_user_is_told_what_to_do(facts: Facts, told: str) -> None:
    with pytest.raises(SetupError) as refused:
        next_step(facts)
    assert told in str(refused.value)


@pytest.mark.parametrize("chosen_by", ["DOCKER_HOST", "the docker context 'far'"])
def test_an_engine_that_the_user_chose_is_never_replaced_by_another(chosen_by: str) -> None:
    facts = replace(BARE, endpoint=Endpoint("tcp://far:2376", chosen_by))
    with pytest.raises(SetupError, match=r"tcp://far:2376"):
        next_step(facts)


class FakeHands:
    """A machine on which each step changes the facts as it would in truth."""

    def __init__(self, facts: Facts, after: dict[Step, Facts]) -> None:
        self.now = facts
        self.after = after
        self.taken: list[Step] = []

    def facts(self) -> Facts:
        return self.now

    def take(self, step: Step) -> None:
        self.taken.append(step)
        self.now = self.after[step]


def test_an_engine_that_answers_is_left_alone() -> None:
    hands = FakeHands(replace(BARE, answer=READY), {})
    ensure(hands)
    assert hands.taken == []


def test_an_engine_is_installed_and_started() -> None:
    started = replace(INSTALLED, answer=READY)
    hands = FakeHands(BARE, {Step.INSTALL: INSTALLED, Step.START_BY_HAND: started})
    ensure(hands)
    assert hands.taken == [Step.INSTALL, Step.START_BY_HAND]


def test_an_engine_that_its_package_started_is_only_waited_for() -> None:
    running = replace(INSTALLED, running=True)
    hands = FakeHands(BARE, {Step.INSTALL: running, Step.WAIT: replace(running, answer=READY)})
    ensure(hands)
    assert hands.taken == [Step.INSTALL, Step.WAIT]


def test_an_engine_that_never_answers_is_an_error_not_a_loop() -> None:
    hands = FakeHands(INSTALLED, {Step.START_BY_HAND: INSTALLED})
    with pytest.raises(SetupError, match="Connection refused"):
        ensure(hands)


@pytest.fixture
def processes(tmp_path: Path) -> Path:
    """A /proc with one dockerd, 10, and one shell, 11."""
    for pid, name in ((10, "dockerd"), (11, "sh")):
        (tmp_path / "proc" / str(pid)).mkdir(parents=True)
        (tmp_path / "proc" / str(pid) / "comm").write_text(f"{name}\n")
    return tmp_path / "proc"


@pytest.mark.parametrize(
    ("content", "stays"), [("10", True), ("11\n", False), ("12", False), ("", False)]
)
def test_a_pid_file_is_stale_unless_its_process_is_a_dockerd(
    tmp_path: Path, processes: Path, content: str, stays: bool
) -> None:
    path = tmp_path / "docker.pid"
    path.write_text(content)
    cleared = dockerd.clear_stale({path: "dockerd", tmp_path / "none": "containerd"}, processes)
    assert path.exists() == stays
    assert cleared == ([] if stays else [path])


def after(asked: int, then: Answer) -> Callable[[], Answer]:
    """Return a question that gets no answer `asked` times, and `then` afterwards."""
    answers = iter([SILENT] * asked)
    return lambda: next(answers, then)


def test_an_engine_is_waited_for_until_it_answers() -> None:
    assert dockerd.wait(after(2, READY), lambda: False, None) == READY


def test_a_daemon_that_ends_at_once_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "state" / "dockerd.log"
    child = dockerd.start(log, ("sh", "-c", "echo failed to mount overlay; exit 1"))
    child.wait()
    with pytest.raises(SetupError, match=r"ended as soon[\s\S]*failed to mount overlay"):
        dockerd.wait(lambda: SILENT, lambda: child.poll() is not None, log)


def test_the_wait_for_an_engine_has_a_limit() -> None:
    with pytest.raises(SetupError, match="does not answer after 0 s: Connection refused"):
        dockerd.wait(lambda: SILENT, lambda: False, None, limit=0)


def test_a_daemon_started_by_hand_outlives_set_up(tmp_path: Path) -> None:
    child = dockerd.start(tmp_path / "log", ("sleep", "60"))
    try:
        assert os.getsid(child.pid) != os.getsid(0), "a closed terminal must not end it"
    finally:
        child.kill()
        child.wait()


def test_docker_host_goes_before_any_context() -> None:
    environ = {"DOCKER_HOST": "tcp://far:2375"}
    endpoint = docker_endpoint.current(environ)
    assert endpoint == Endpoint("tcp://far:2375", "DOCKER_HOST")
    assert docker_endpoint.variables(endpoint, environ) == {}


def test_programs_that_know_no_contexts_are_told_the_address() -> None:
    far = Endpoint("tcp://far:2375", "the docker context 'far'")
    assert docker_endpoint.variables(far, {}) == {"DOCKER_HOST": "tcp://far:2375"}
    assert docker_endpoint.variables(Endpoint(docker_endpoint.DEFAULT), {}) == {}


def test_an_engine_that_is_not_there_gives_a_reason(tmp_path: Path) -> None:
    answer = docker_endpoint.ask(Endpoint(f"unix://{tmp_path}/none.sock", "DOCKER_HOST"), {})
    assert answer.version is None
    assert answer.why
    assert not answer.refused
