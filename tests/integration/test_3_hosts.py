"""Hosts that come, go and die under load."""

import subprocess
import time

from tests.support.load import WITHOUT_SOCKETS
from tests.support.observed import leader
from tests.support.sandbox import Sandbox, eventually

NOTICED_SECONDS = 3.0  # after the loss of any host: a request that begins later is answered
FEWEST = 2000  # requests: the load was really there


def test_a_host_is_added_and_taken_away_without_a_failed_request(cloud: Sandbox) -> None:
    """No WebSockets: nothing can end one in order that goes through the host that leaves."""
    with cloud.load("hello", sorts=WITHOUT_SOCKETS) as client:
        cloud.edit(lambda config: config.update({"horcrux:hosts": {"workers": 1}}))
        cloud.up()
        assert [h["state"] for h in cloud.status()["hosts"]] == ["ready"] * 4
        cloud.edit(lambda config: config.pop("horcrux:hosts"))
        cloud.up()
    assert [h["name"] for h in cloud.status()["hosts"]] == ["manager-1", "manager-2", "manager-3"]
    assert client.result.kinds == {}
    assert client.result.answered > FEWEST


def test_the_loss_of_the_leading_manager_is_healed(cloud: Sandbox) -> None:
    lost = leader(cloud)
    with cloud.load("hello") as client:
        killed = time.time()
        subprocess.run(["docker", "kill", cloud.container(lost)], check=True, capture_output=True)
        eventually(
            lambda: cloud.app("hello")["replicas"] == {"desired": 2, "healthy": 2},
            90,
            "both tasks of hello are healthy",
        )
    assert client.result.lost(killed + NOTICED_SECONDS) == []
    assert client.result.answered > FEWEST
    status = cloud.status()
    problems = [p for p in status["problems"] if lost in p["what"] and "stopped" in p["what"]]
    assert problems[0]["remedy"] == f"docker start {cloud.container(lost)}"
    subprocess.run(["docker", "start", cloud.container(lost)], check=True, capture_output=True)
    eventually(lambda: cloud.status()["problems"] == [], 120, "all is well again")


def test_a_host_that_is_gone_is_made_anew(cloud: Sandbox) -> None:
    subprocess.run(
        ["docker", "rm", "-f", cloud.container("manager-3")], check=True, capture_output=True
    )
    assert any("missing" in p["what"] for p in cloud.status()["problems"])
    started = cloud.inside("manager-1", "cat", "/proc/1/stat").split()[21]
    cloud.pulumi("up", "--refresh", "--yes", "--skip-preview")
    eventually(lambda: cloud.status()["problems"] == [], 120, "all is well again")
    assert cloud.inside("manager-1", "cat", "/proc/1/stat").split()[21] == started, (
        "a healthy host was replaced"
    )
