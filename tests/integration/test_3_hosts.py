"""Hosts that come, go and die under load."""

import os
import subprocess

from conftest import Sandbox, eventually
from load import WORKERS
from test_2_releases import FEWEST, load

HEALED_SECONDS = 20  # after the loss of any host
FEW_FAILURES = WORKERS  # each client's one request that was under way on the host that died


def test_a_host_is_added_and_taken_away_without_a_failed_request(cloud: Sandbox) -> None:
    with load(cloud) as client:
        cloud.edit(lambda config: config.update({"horcrux:hosts": {"workers": 1}}))
        cloud.up()
        assert [h["state"] for h in cloud.status()["hosts"]] == ["ready"] * 4
        cloud.edit(lambda config: config.pop("horcrux:hosts"))
        cloud.up()
    assert [h["name"] for h in cloud.status()["hosts"]] == ["manager-1", "manager-2", "manager-3"]
    assert client.failures == []
    assert client.answered > FEWEST


def test_the_loss_of_the_leading_manager_is_healed(cloud: Sandbox) -> None:
    nodes = cloud.inside(
        "manager-1", "docker", "node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}"
    )
    leader = next(line.split()[0] for line in nodes.splitlines() if line.endswith("Leader"))
    with load(cloud) as client:
        subprocess.run(["docker", "kill", cloud.container(leader)], check=True, capture_output=True)
        eventually(
            lambda: hello(cloud) == {"desired": 2, "healthy": 2},
            90,
            "both tasks of hello are healthy",
        )
        lost = [second for second in client.failed_at if second > HEALED_SECONDS]
    assert lost == []
    assert len(client.failures) <= FEW_FAILURES, client.failures
    status = cloud.status()
    problems = [p for p in status["problems"] if leader in p["what"] and "stopped" in p["what"]]
    assert problems[0]["remedy"] == f"docker start {cloud.container(leader)}"
    subprocess.run(["docker", "start", cloud.container(leader)], check=True, capture_output=True)
    eventually(lambda: cloud.status()["problems"] == [], 120, "all is well again")


def test_a_host_that_is_gone_is_made_anew(cloud: Sandbox) -> None:
    subprocess.run(
        ["docker", "rm", "-f", cloud.container("manager-3")], check=True, capture_output=True
    )
    assert any("missing" in p["what"] for p in cloud.status()["problems"])
    started = cloud.inside("manager-1", "cat", "/proc/1/stat").split()[21]
    pulumi = cloud.folder / ".venv" / "bin" / "pulumi"
    variables = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(cloud.folder / ".horcrux" / "passphrase")}
    command = [str(pulumi) if pulumi.exists() else "pulumi", "up", "-s", cloud.name, "--refresh"]
    done = subprocess.run(
        [*command, "--yes", "--skip-preview", "--non-interactive"],
        cwd=cloud.folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    eventually(lambda: cloud.status()["problems"] == [], 120, "all is well again")
    assert cloud.inside("manager-1", "cat", "/proc/1/stat").split()[21] == started, (
        "a healthy host was replaced"
    )


def hello(cloud: Sandbox) -> object:
    return next((a["replicas"] for a in cloud.status()["apps"] if a["name"] == "hello"), None)
