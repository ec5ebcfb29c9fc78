"""Waiting until a service of the platform runs on every host that it is meant for."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from docker.errors import APIError

from horcrux.cluster.everywhere import lacking
from providers import converged
from tests.support.fake_swarm import Clock, own_time

ACCESS = {
    "address": "localhost:8376",
    "ca": "ca",
    "certificate": "certificate",
    "key": "key",
    "hosts": {},
}
PROPS: dict[str, Any] = {"service": "horcrux-edge", "version": "v1", "access": ACCESS}
NEW, OLD = {"Image": "edge@new", "Labels": {}}, {"Image": "edge@old", "Labels": {}}
HOSTS = ("manager-1", "manager-2", "worker-1")
NOW = 1_790_000_000.0


class Client:
    """A cluster whose edge is being replaced; a step a look."""

    def __init__(self) -> None:
        self.spec: dict[str, Any] = {"TaskTemplate": {"ContainerSpec": NEW}}
        self.update: dict[str, str] | None = {"State": "updating"}
        self.listed = [node(name) for name in HOSTS]
        self.running = dict.fromkeys(HOSTS, OLD)
        self.failed: list[dict[str, Any]] = []
        self.steps: list[Callable[[], None]] = []
        self.looks = 0

    def replace(self, *hosts: str) -> None:
        """The newest version runs there."""
        self.running |= dict.fromkeys(hosts, NEW)

    def fail(self) -> None:
        """One more task of it ends."""
        ended = {**task("manager-1", NEW, "failed"), "ID": f"f{len(self.failed)}"}
        ended["Status"] |= {"Err": "task: non-zero exit (1)", "ContainerStatus": {"ExitCode": 1}}
        ended["DesiredState"] = "shutdown"
        self.failed.append(ended)

    def inspect_service(self, name: str) -> dict[str, Any]:
        assert name == "horcrux-edge"
        self.looks += 1
        if self.steps:
            self.steps.pop(0)()
        found = {"ID": "service-edge", "Spec": self.spec, "UpdateStatus": self.update}
        return {key: value for key, value in found.items() if value is not None}

    def tasks(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        assert filters == {"service": "horcrux-edge"}
        running = [task(host, spec) for host, spec in self.running.items()]
        return copy.deepcopy([*running, *self.failed])

    def nodes(self) -> list[dict[str, Any]]:
        return self.listed

    def service_logs(self, _: str, **__: Any) -> list[bytes]:
        return [b"no such file\n"]

    def inspect_node(self, _: str) -> dict[str, Any]:
        return {"Description": {"Hostname": "manager-1"}}


def node(name: str, state: str = "ready", availability: str = "active") -> dict[str, Any]:
    role = name.rpartition("-")[0]
    return {
        "ID": f"node-{name}",
        "Description": {"Hostname": name},
        "Spec": {"Role": role, "Availability": availability},
        "Status": {"State": state},
    }


def task(
    host: str, spec: dict[str, Any], state: str = "running", seconds: float = 60.0
) -> dict[str, Any]:
    """A task of the edge's, in its state for so many seconds."""
    since = datetime.fromtimestamp(NOW - seconds, UTC)
    return {
        "ID": f"task-{host}",
        "ServiceID": "service-edge",
        "NodeID": f"node-{host}",
        "CreatedAt": "2026-01-01T00:00:00Z",
        "DesiredState": "running",
        "Spec": {"ContainerSpec": spec},
        "Status": {"State": state, "Timestamp": f"{since:%Y-%m-%dT%H:%M:%S.%f}Z"},
    }


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is NOW."""
    monkeypatch.setattr("time.time", lambda: NOW)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    found = Client()
    monkeypatch.setattr("horcrux.docker_api.connect", lambda *_: found)
    monkeypatch.setattr("horcrux.cluster.tasks.connect", lambda *_: found)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return own_time(monkeypatch)


def failure(client: Client) -> str:
    with pytest.raises(RuntimeError) as error:
        converged.create(PROPS)
    return str(error.value)


def test_it_is_made_once_the_newest_runs_everywhere(client: Client, clock: Clock) -> None:
    client.steps = [lambda: None, *(lambda h=h: client.replace(h) for h in HOSTS)]
    assert converged.create(PROPS) == ("horcrux-edge", PROPS)
    assert client.looks == 4, "not before the last host has it"


def test_an_update_waits_again(client: Client, clock: Clock) -> None:
    client.replace(*HOSTS)
    new = {**PROPS, "version": "v2"}
    assert converged.update(PROPS, new) == new
    assert client.looks == 1


@pytest.mark.parametrize(
    ("change", "differs"),
    [({}, False), ({"version": "v2"}, True), ({"access": {}}, True), ({"other": 1}, False)],
)
def test_other_tasks_or_another_way_to_them_are_a_change(
    change: dict[str, Any], differs: bool
) -> None:
    assert converged.diff(PROPS, {**PROPS, **change}) is differs


@pytest.mark.parametrize("state", ["paused", "rollback_paused", "rollback_completed"])
def test_an_update_that_swarm_stopped_is_an_error_at_once(
    client: Client, clock: Clock, state: str
) -> None:
    client.fail()
    client.update = {"State": state}
    said = failure(client)
    assert said.startswith("horcrux-edge: Swarm has stopped the update, for a task ended early\n")
    assert "last task: failed: task: non-zero exit (1)\nexit status: 1" in said
    assert "no such file" in said
    assert said.endswith("What ran before may be gone: mend it and run `pulumi up` again.")
    assert client.looks == 1


def test_tasks_that_fail_again_and_again_are_an_error(client: Client, clock: Clock) -> None:
    for _ in range(5):
        client.fail()  # of before: not this update's fault
    client.steps = [client.fail] * 9
    assert "horcrux-edge: 3 tasks have failed\n" in failure(client)
    assert client.looks == converged.FAILURES


def test_one_failure_is_bad_luck(client: Client, clock: Clock) -> None:
    client.steps = [client.fail, client.fail, lambda: client.replace(*HOSTS)]
    converged.create(PROPS)


def test_a_service_that_never_comes_is_an_error_in_the_end(client: Client, clock: Clock) -> None:
    began = clock.now
    assert "horcrux-edge: not every host runs it after 300 s\n" in failure(client)
    assert converged.LONGEST_SECONDS <= clock.now - began < converged.LONGEST_SECONDS + 1


def test_a_manager_that_does_not_answer_counts_as_not_yet(client: Client, clock: Clock) -> None:
    def gone() -> None:
        raise APIError("500 Server Error", explanation="the swarm does not have a leader")

    client.replace(*HOSTS)
    client.steps = [gone, gone]
    converged.create(PROPS)
    assert client.looks == 3


def test_the_hosts_that_are_not_meant_are_not_waited_for(client: Client, clock: Clock) -> None:
    client.replace("manager-1")
    client.listed = [
        node("manager-1"),
        node("manager-2", availability="drain"),
        node("worker-1", state="down"),
    ]
    converged.create(PROPS)


def missing(*tasks: dict[str, Any], **spec: Any) -> list[str]:
    """Where the edge lacks, with these tasks."""
    template = {"ContainerSpec": NEW, **spec}
    service = {"ID": "service-edge", "Spec": {"TaskTemplate": template}}
    return lacking(service, [node(name) for name in reversed(HOSTS)], tasks, 2.0)


@pytest.mark.parametrize(
    ("found", "there"),
    [
        (task("manager-1", NEW), True),
        (task("manager-1", OLD), False),
        (task("manager-1", NEW, "starting"), False),
        (task("manager-1", NEW, seconds=0.5), False),
        ({**task("manager-1", NEW), "DesiredState": "shutdown"}, False),
        ({**task("manager-1", NEW), "ServiceID": "service-control"}, False),
    ],
    ids=["well", "former", "starting", "just started", "to be stopped", "another's"],
)
def test_a_task_counts_that_is_of_the_newest_and_runs_steadily(
    found: dict[str, Any], there: bool
) -> None:
    others = ["manager-2", "worker-1"]
    assert missing(found) == (others if there else ["manager-1", *others])


@pytest.mark.parametrize(
    ("constraints", "meant"),
    [
        (None, ["manager-1", "manager-2", "worker-1"]),
        ([], ["manager-1", "manager-2", "worker-1"]),
        (["node.role==manager"], ["manager-1", "manager-2"]),
        (["node.hostname==manager-1"], ["manager-1"]),
        (["node.role == manager", "node.hostname == manager-2"], ["manager-2"]),
    ],
)
def test_constraints_say_which_hosts_are_meant(
    constraints: list[str] | None, meant: list[str]
) -> None:
    assert missing(Placement={"Constraints": constraints}) == meant
    assert missing(Placement=None) == sorted(HOSTS)
