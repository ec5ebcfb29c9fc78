"""More hosts and fewer: what tasks want, and when it is done."""

from typing import Any

import pytest

from horcrux.autoscale import WAITED_SECONDS, Bounds, Memory, decide, spare, waiting

BOUNDS = Bounds(1, 3, 600)
GIB = 1 << 30


def service(name: str, memory: int = GIB, constraints: tuple[str, ...] = ()) -> dict[str, Any]:
    reserved = {"Reservations": {"MemoryBytes": memory}}
    return {
        "ID": name,
        "Spec": {
            "Name": name,
            "Labels": {"horcrux.app": name},
            "TaskTemplate": {"Resources": reserved, "Placement": {"Constraints": constraints}},
        },
    }


def node(name: str, memory: int = 4 * GIB) -> dict[str, Any]:
    return {
        "ID": name,
        "Spec": {"Role": "worker", "Availability": "active"},
        "Status": {"State": "ready"},
        "Description": {"Hostname": name, "Resources": {"MemoryBytes": memory}},
    }


def task(of: str, host: str | None, state: str = "running", memory: int = GIB) -> dict[str, Any]:
    return {
        "ID": f"{of}-{host}",
        "ServiceID": of,
        "NodeID": host,
        "DesiredState": "running",
        "Status": {"State": state},
        "Spec": {"Resources": {"Reservations": {"MemoryBytes": memory}}},
    }


def test_tasks_that_wait_for_room_bring_a_worker_after_a_while() -> None:
    first = decide(1, BOUNDS, ["web"], False, Memory(), 100.0)
    assert first.workers == 1
    then = decide(1, BOUNDS, ["web"], False, first.memory, 100.0 + WAITED_SECONDS)
    assert (then.workers, then.reason) == (2, "no room for web")
    assert then.memory == Memory(), "the next one is waited for anew"


def test_a_wait_that_ended_is_forgotten() -> None:
    first = decide(1, BOUNDS, ["web"], False, Memory(), 100.0)
    placed = decide(1, BOUNDS, [], False, first.memory, 105.0)
    again = decide(1, BOUNDS, ["web"], False, placed.memory, 100.0 + WAITED_SECONDS)
    assert again.workers == 1


def test_no_more_workers_than_may_be_and_it_says_so() -> None:
    told = decide(3, BOUNDS, ["web"], False, Memory(short_since=0.0), 100.0)
    assert told.workers == 3
    assert told.limited
    assert "hosts.elastic.max_workers is 3" in told.reason


def test_a_worker_goes_when_it_was_not_needed_for_long_enough() -> None:
    first = decide(2, BOUNDS, [], True, Memory(), 0.0)
    assert first.workers == 2
    assert decide(2, BOUNDS, [], True, first.memory, 599.0).workers == 2
    assert decide(2, BOUNDS, [], True, first.memory, 600.0).workers == 1
    needed = decide(2, BOUNDS, [], False, first.memory, 300.0)
    assert decide(2, BOUNDS, [], True, needed.memory, 700.0).workers == 2


def test_the_workers_that_were_declared_stay() -> None:
    assert decide(1, BOUNDS, [], True, Memory(idle_since=0.0), 9999.0).workers == 1


def test_only_apps_tasks_that_no_host_takes_count_as_waiting() -> None:
    platform = service("horcrux-edge")
    platform["Spec"]["Labels"] = {"horcrux.platform": "edge"}
    tasks = [
        task("web", None, "pending"),
        task("api", "worker-1", "pending"),
        task("api", None, "new"),
        task("horcrux-edge", None, "pending"),
    ]
    assert waiting([service("web"), service("api"), platform], tasks) == ["web"]


@pytest.mark.parametrize(
    ("others", "constraints", "is_spare"),
    [(2, (), True), (3, (), False), (0, ("node.hostname==worker-2",), False)],
    ids=["room for both", "room for one", "bound to it"],
)
def test_a_worker_is_spare_when_all_its_tasks_fit_elsewhere(
    others: int, constraints: tuple[str, ...], is_spare: bool
) -> None:
    tasks = [task("web", "worker-2"), task("api", "worker-2")]
    tasks += [task("db", "worker-1") for _ in range(others)]
    services = [service("web"), service("api", constraints=constraints), service("db")]
    assert spare("worker-2", services, [node("worker-1"), node("worker-2")], tasks) is is_spare
