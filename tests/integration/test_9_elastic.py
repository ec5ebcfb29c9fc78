"""Apps that grow and shrink with their load, also to nothing."""

import time
from typing import Any

import pytest

from tests.support.load import SHORT, WITHOUT_SOCKETS
from tests.support.observed import tasks, walk
from tests.support.sandbox import Sandbox, eventually

HIGH, LOW = 280.0, 20.0  # requests a second; 300 in all
A_TASK = 60  # requests a second that each task is to get
NEEDED = 5  # tasks for 300 requests a second
GROWN_SECONDS = 15.0
SHARED_SECONDS = 5.0  # for which all of them have the load
COOLDOWN, SLEEPS_AFTER = 15, 10
SHRUNK_SECONDS = COOLDOWN + 45.0  # one step down, when load has gone, and a task that is stopped
ASLEEP_SECONDS = SLEEPS_AFTER + 60.0
BASE: dict[str, Any] = {
    "build": {"context": "samples/hello"},
    "port": 8080,
    "routes": ["/"],
    "health": {"http": "/healthz", "interval": 1},
    "limits": {"cpus": 1, "memory": "128M"},
    "drain": 8,
}
SPRING = {
    **BASE,
    "elastic": {
        "min": 1,
        "max": 6,
        "cooldown": COOLDOWN,
        "target": {"requests_per_second": A_TASK},
    },
}
SLEEPER = {
    **BASE,
    "elastic": {
        "max": 2,
        "cooldown": SLEEPS_AFTER,
        "scale_to_zero": SLEEPS_AFTER,
        "target": {"requests_per_second": A_TASK},
    },
}


@pytest.fixture(scope="module")
def elastic(cloud: Sandbox) -> Sandbox:
    """The same environment with two elastic apps, which stay, and a canary of hello that nobody asks."""

    def change(config: dict[str, Any]) -> None:
        apps = config["horcrux:apps"]
        apps |= {"spring": SPRING, "sleeper": SLEEPER}
        apps["hello"]["strategy"] = "canary"
        apps["hello"]["canary"] = {
            "steps": [{"weight": 50, "pause": 10}],
            "analysis": {"min_requests": 50, "on_no_data": "promote"},
        }
        apps["hello"].setdefault("env", {})["UNASKED"] = "1"

    cloud.edit(change)
    cloud.up()
    return cloud


def test_without_traffic_a_canary_takes_over_where_that_is_declared(elastic: Sandbox) -> None:
    found = walk(elastic, "hello")
    assert found
    assert found.plan["strategy"] == "canary"
    assert found.outcome == "promoted"
    assert {verdict["verdict"] for verdict in found.progress["verdicts"]} == {"no data"}
    assert "UNASKED=1" in elastic.horcrux("exec", "hello", "-s", elastic.name, "--", "env").stdout
    elastic.expect_no_changes()


def test_an_app_grows_with_its_load_in_seconds_and_shrinks_after_its_cooldown(
    elastic: Sandbox,
) -> None:
    assert tasks(elastic, "spring") == (1, 1)
    with elastic.load("spring", LOW, WITHOUT_SOCKETS) as low:
        with elastic.load("spring", HIGH, SHORT) as high:
            eventually(
                lambda: tasks(elastic, "spring")[0] >= NEEDED,
                GROWN_SECONDS,
                f"{NEEDED} tasks are healthy",
            )
            time.sleep(SHARED_SECONDS)  # an interval that is watched: nothing is waited for
        eventually(lambda: tasks(elastic, "spring") == (1, 1), SHRUNK_SECONDS, "1 task is left")
    assert high.result.kinds == {}
    assert low.result.kinds == {}
    assert high.result.answered > HIGH * high.result.seconds * 0.9
    events = elastic.horcrux("events", "-s", elastic.name, "-n", "500").stdout
    assert "spring: 1 → " in events
    assert "→ 1 task" in events
    elastic.expect_no_changes()
    assert elastic.status()["problems"] == []


def test_an_app_that_nobody_asks_has_no_task_and_answers_the_first_who_does(
    elastic: Sandbox,
) -> None:
    eventually(lambda: tasks(elastic, "sleeper") == (0, 0), ASLEEP_SECONDS, "it sleeps")
    assert elastic.status()["problems"] == []
    elastic.expect_no_changes()
    assert elastic.get("sleeper").json()["app"] == "sleeper"
    assert tasks(elastic, "sleeper") == (1, 1)
