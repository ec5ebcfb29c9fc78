"""How many more tasks find room, as Swarm's scheduler would place them."""

from typing import Any

import pytest

from control.elastic.capacity import UNBOUNDED, fits, room
from tests.support.elastic_parts import NANO, node, task

GIB = 1 << 30
Object = dict[str, Any]


def service(cpus: float = 0.5, memory: int = 0, most: int = 0, *constraints: str) -> Object:
    reserved = {"NanoCPUs": int(cpus * NANO), "MemoryBytes": memory}
    template = {
        "Resources": {"Reservations": reserved},
        "Placement": {"Constraints": list(constraints), "MaxReplicas": most},
    }
    return {"ID": "web", "Spec": {"Name": "web", "TaskTemplate": template}}


def test_every_node_takes_whole_tasks() -> None:
    nodes = [node("a", cpus=2.2), node("b", cpus=0.9)]
    assert room(service(0.5), nodes, []) == 4 + 1


def test_the_scarcer_resource_decides() -> None:
    assert room(service(0.1, 3 * GIB), [node("a", cpus=2, memory=8 * GIB)], []) == 2


def test_what_others_reserve_is_taken() -> None:
    tasks = [task("db", "a", cpus=NANO), task("web", "a", cpus=NANO // 2)]
    assert room(service(0.5), [node("a", cpus=2)], tasks) == 1


@pytest.mark.parametrize(
    ("state", "left"), [("running", 0), ("starting", 0), ("assigned", 0), ("failed", 2)]
)
def test_only_tasks_that_have_ended_take_nothing(state: str, left: int) -> None:
    tasks = [task("db", "a", cpus=NANO, state=state)]
    assert room(service(0.5), [node("a", cpus=1)], tasks) == left


def test_a_task_that_is_told_to_stop_still_takes_its_room() -> None:
    going = {**task("db", "a", cpus=NANO), "DesiredState": "shutdown"}
    assert room(service(0.5), [node("a", cpus=1)], [going]) == 0


def test_a_node_with_too_many_tasks_takes_nothing_from_the_others() -> None:
    tasks = [task("db", "a", cpus=5 * NANO)]
    assert room(service(0.5), [node("a", cpus=1), node("b", cpus=1)], tasks) == 2


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [("Status", "State", "down"), ("Spec", "Availability", "drain")],
)
def test_nodes_that_take_no_tasks_have_no_room(part: str, key: str, value: str) -> None:
    away = node("a")
    away[part][key] = value
    assert room(service(0.5), [away], []) == 0


def test_tasks_that_wait_for_room_come_first() -> None:
    waiting = [task("web", None, state="pending"), task("web", None, state="pending")]
    assert room(service(0.5), [node("a", cpus=2)], waiting) == 2
    assert room(service(0.5), [node("a", cpus=0.5)], waiting) == 0


def test_tasks_of_others_without_a_node_do_not_count() -> None:
    assert room(service(0.5), [node("a", cpus=1)], [task("db", None, state="pending")]) == 2


def test_a_service_may_allow_only_some_on_each_node() -> None:
    tasks = [task("web", "a", cpus=0)]
    nodes = [node("a"), node("b")]
    assert room(service(0.1, 0, 2), nodes, tasks) == 1 + 2


def test_what_reserves_nothing_fits_everywhere() -> None:
    plain: Object = {"ID": "web", "Spec": {"Name": "web", "TaskTemplate": {}}}
    assert room(plain, [node("a")], []) == UNBOUNDED
    assert room(plain, [], []) == 0


def test_only_nodes_that_fit_the_constraints_count() -> None:
    nodes = [node("a", cpus=1, zone="x"), node("b", cpus=1, zone="y")]
    assert room(service(0.5, 0, 0, "node.labels.zone==y"), nodes, []) == 2
    assert room(service(0.5, 0, 0, "node.labels.zone==y", "node.hostname==a"), nodes, []) == 0


@pytest.mark.parametrize(
    ("constraint", "there"),
    [
        ("node.hostname==worker-1", True),
        ("node.hostname == WORKER-1", True),
        ("node.hostname!=worker-1", False),
        ("node.id==worker-1", True),
        ("node.role==worker", True),
        ("node.role!=manager", True),
        ("node.ip==10.1.0.9", True),
        ("node.platform.os==linux", True),
        ("node.platform.arch==aarch64", False),
        ("node.labels.disk==ssd", True),
        ("node.labels.disk!=ssd", False),
        ("node.labels.gpu==yes", False),
        ("node.labels.gpu!=yes", True),
        ("engine.labels.storage==fast", False),
        ("node.weather==fine", False),
        ("node.weather!=fine", False),
    ],
)
def test_constraints_are_read_as_swarm_reads_them(constraint: str, there: bool) -> None:
    assert fits(constraint, node("worker-1", disk="ssd")) is there
