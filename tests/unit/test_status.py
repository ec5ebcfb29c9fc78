"""The status of the platform's own services: where they do not run."""

from typing import Any

import pytest

from horcrux import status
from tests.unit.test_converged import NEW, NOW, OLD, node, task

HOSTS = [node("manager-1"), node("manager-2"), node("worker-1")]


class Client:
    """A cluster with these tasks."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self._tasks = list(tasks)

    def tasks(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        assert filters == {"desired-state": "running"}
        return self._tasks


def service(name: str = "horcrux-edge", *constraints: str, platform: bool = True) -> dict[str, Any]:
    template = {"ContainerSpec": NEW, "Placement": {"Constraints": list(constraints)}}
    labels = {"horcrux.platform": name} if platform else {"horcrux.app": name}
    return {
        "ID": "service-edge",
        "Spec": {"Name": name, "Labels": labels, "TaskTemplate": template},
    }


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: NOW)


def problems(client: Client, *services: dict[str, Any]) -> list[dict[str, str]]:
    by_name = {s["Spec"]["Name"]: s for s in services}
    return status._platform(client, by_name, HOSTS)


def test_a_service_that_runs_everywhere_is_no_problem() -> None:
    tasks = [task(host["Description"]["Hostname"], NEW) for host in HOSTS]
    assert problems(Client(*tasks), service()) == []


def test_the_hosts_that_lack_it_are_named_with_the_remedy() -> None:
    client = Client(task("manager-1", NEW), task("manager-2", OLD))
    assert problems(client, service()) == [
        {
            "what": "the platform's service horcrux-edge does not run on manager-2, worker-1",
            "remedy": "wait half a minute; then: "
            "docker service ps --no-trunc horcrux-edge, on a manager",
        }
    ]


def test_a_task_that_runs_since_just_now_counts() -> None:
    tasks = [task(host["Description"]["Hostname"], NEW, seconds=0) for host in HOSTS]
    assert problems(Client(*tasks), service()) == []


def test_workers_need_not_run_what_is_for_managers() -> None:
    client = Client(task("manager-1", NEW), task("manager-2", NEW))
    assert problems(client, service("horcrux-prometheus", "node.role==manager")) == []


def test_apps_are_told_of_elsewhere() -> None:
    assert problems(Client(), service("web", platform=False)) == []
    unlabelled = service()
    unlabelled["Spec"]["Labels"] = None
    assert problems(Client(), unlabelled) == []
