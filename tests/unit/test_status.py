"""The status of the platform's own services, of apps, and of releases that are on their way."""

from pathlib import Path
from typing import Any

import pytest

from horcrux import status, status_apps
from horcrux.context import Outputs
from horcrux.project import Project
from tests.support.played_stack import REASON, Played, entry, plan
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


@pytest.fixture
def dev(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    """`web`, whose release r6 serves with two tasks."""
    played = Played(tmp_path, monkeypatch)
    played.swarm.service("web-old", replicas=2)
    played.note(plan(number=6), {"web-old": 100}, phase="over", outcome="promoted")
    return played


def outputs_of(dev: Played, **declared: Any) -> Outputs:
    values = dev.values()
    labels = dict(dev.swarm.services_by_name["web-old"]["Spec"]["Labels"])
    values["releases"]["web"]["declared"] = {
        "environment": "dev", "app": "web", "service": "web-old", "release": "old", "replicas": 2,
        "elastic": None, "strategy": "rolling", "labels": labels, "spec": None, "parked": [],
        **declared,
    }  # fmt: skip
    return Outputs(Project(dev.file.parent.parent, "dev"), values)


def app_of(dev: Played, **declared: Any) -> tuple[dict[str, Any], list[dict[str, str]]]:
    swarm: Any = dev.swarm
    return status_apps.of_app("web", outputs_of(dev, **declared), swarm, swarm.services_by_name)


def test_an_app_that_is_as_declared_has_no_problem_and_no_release_on_its_way(dev: Played) -> None:
    app, found = app_of(dev)
    assert (app["walk"], found) == (None, [])
    assert app["replicas"] == {"desired": 2, "healthy": 2}


def test_a_release_on_its_way_is_told_and_is_no_problem(dev: Played) -> None:
    dev.swarm.service("web-new", replicas=1)
    shares = {"web-old": 75, "web-new": 25}
    dev.note(plan(), shares, phase="watching", step=1, paused=True)
    app, found = app_of(dev)
    assert found == []
    assert app["walk"] == {
        "release": "r7",
        "before": "r6",
        "strategy": "canary",
        "weight": 25,
        "step": 2,
        "steps": 2,
        "phase": "watching",
        "paused": True,
        "since": plan()["began"],
        "text": "r7 canary 25 %, paused",
    }


@pytest.mark.parametrize(
    ("outcome", "said"),
    [("rolled-back", f"r7 was rolled back: {REASON}"), ("promoted", "r7 has taken over")],
)
def test_a_release_that_ended_without_its_update_is_to_be_resumed(
    dev: Played, outcome: str, said: str
) -> None:
    dev.note(plan(), {"web-old": 100}, phase="over", outcome=outcome, reason=REASON)
    (problem,) = app_of(dev)[1]
    assert said in problem["what"]
    assert "horcrux release resume web" in problem["remedy"]


def test_a_release_whose_end_the_state_knows_is_no_problem(dev: Played) -> None:
    dev.history = [entry(6), entry(7, "new", outcome="rolled-back", reason=REASON)]
    dev.note(plan(), {"web-old": 100}, phase="over", outcome="rolled-back", reason=REASON)
    assert app_of(dev)[1] == []


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"replicas": 3}, "app web: 2 tasks are wanted"),
        ({"elastic": {"min": 3, "max": 5, "sleeps": False}}, "app web: 2 tasks are wanted"),
    ],
)
def test_what_was_changed_by_hand_is_told_with_the_remedy(
    dev: Played, declared: dict[str, Any], said: str
) -> None:
    (problem,) = app_of(dev, **declared)[1]
    assert problem["what"].startswith(said)
    assert problem["remedy"] == "pulumi up -s dev"


def test_an_elastic_app_within_its_bounds_is_as_declared(dev: Played) -> None:
    assert app_of(dev, elastic={"min": 1, "max": 5, "sleeps": False})[1] == []


def test_requests_that_go_elsewhere_and_services_of_nobody_are_told(dev: Played) -> None:
    dev.swarm.service("web-stray", replicas=1)
    dev.note(plan(number=6), {"web-stray": 100}, phase="over", outcome="promoted")
    found = " / ".join(problem["what"] for problem in app_of(dev)[1])
    assert "requests go to web-stray, not to web-old" in found
    assert "web-stray is no release that is kept" in found


def test_a_service_that_is_gone_is_one_problem(dev: Played) -> None:
    outputs, swarm = outputs_of(dev), dev.swarm
    swarm.remove("web-old")
    client: Any = swarm
    (problem,) = status_apps.of_app("web", outputs, client, swarm.services_by_name)[1]
    assert problem["what"] == "app web: its service web-old is gone"


def test_a_service_of_an_app_that_nobody_declared_is_told(dev: Played) -> None:
    dev.swarm.service("shop-old", app="shop")
    services = dev.swarm.services_by_name
    services["horcrux-edge"] = service()
    (problem,) = status_apps.strays(outputs_of(dev), services)
    assert problem["what"] == "the service shop-old is of the app shop, which is not declared"
