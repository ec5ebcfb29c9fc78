"""Releases under load: what changes, what fails, and who notices."""

from pathlib import Path

import docker
from conftest import Sandbox
from load import Load

FEWEST = 300  # requests in the time of one release: the load was really there


def load(cloud: Sandbox) -> Load:
    return Load(f"http://127.0.0.1:{cloud.ports['http']}", f"hello.{cloud.name}.localhost")


def test_a_changed_app_loses_no_request(cloud: Sandbox) -> None:
    before = cloud.get("hello").json()["release"]
    with load(cloud) as client:
        done = cloud.horcrux("deploy", "hello", "-s", cloud.name, "--set", "env.COLOUR=blue")
    assert client.failures == []
    assert client.answered > FEWEST
    assert "release r2" in done.stderr
    assert cloud.get("hello").json()["release"] != before


def test_a_release_that_never_gets_healthy_fails_with_the_reason_and_the_old_one_serves(
    cloud: Sandbox, engine: docker.DockerClient, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM horcrux/base:bookworm\nLABEL horcrux.environment=itest\n"
        'CMD ["sh", "-c", "echo cannot find its configuration >&2; exit 7"]\n'
    )
    engine.images.build(path=str(tmp_path), tag="horcrux-itest/bad:1", rm=True)
    serving = cloud.get("hello").json()["release"]
    settings = cloud.stack_file.read_text()
    with load(cloud) as client:
        done = cloud.horcrux(
            "deploy", "hello", "-s", cloud.name, "--image", "horcrux-itest/bad:1", check=False
        )
    assert done.returncode == 1
    assert "cannot find its configuration" in done.stderr
    assert "exit status: 7" in done.stderr
    assert client.failures == []
    assert client.answered > FEWEST
    assert cloud.get("hello").json()["release"] == serving
    assert cloud.stack_file.read_text() == settings
    cloud.up()
    assert cloud.status()["problems"] == []


def test_an_image_that_does_not_exist_is_refused_before_anything_changes(cloud: Sandbox) -> None:
    done = cloud.horcrux(
        "deploy", "hello", "-s", cloud.name, "--image", "127.0.0.1:18500/no:1", check=False
    )
    assert done.returncode == 1
    assert "is not in the registry" in done.stderr


def test_rollback_goes_back_without_losing_a_request(cloud: Sandbox) -> None:
    with load(cloud) as client:
        cloud.horcrux("rollback", "hello", "r1", "-s", cloud.name)
    assert client.failures == []
    assert "COLOUR" not in cloud.horcrux("exec", "hello", "-s", cloud.name, "--", "env").stdout


def test_scale_restarts_nothing(cloud: Sandbox) -> None:
    before = cloud.get("hello").json()["release"]
    cloud.horcrux("scale", "hello", "3", "-s", cloud.name)
    app = next(a for a in cloud.status()["apps"] if a["name"] == "hello")
    assert app["replicas"] == {"desired": 3, "healthy": 3}
    assert cloud.get("hello").json()["release"] == before
    cloud.horcrux("scale", "hello", "2", "-s", cloud.name)
