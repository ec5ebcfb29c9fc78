"""Settings in Swarm's words, and the health check that runs inside containers."""

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from components import app_spec
from horcrux.settings import App

HEALTH = {"http": "/healthz", "timeout": 2}


def app(**settings: Any) -> App:
    return App.model_validate({"image": "web", "port": 8080, **settings})


def test_limits_are_told_in_swarm_s_units() -> None:
    told = app_spec.resources_of(
        app(limits={"cpus": 0.5, "memory": "1G"}, reserve={"cpus": 0.1, "memory": "8M"})
    )
    assert told == {
        "limits": {"nano_cpus": 500_000_000, "memory_bytes": 1 << 30},
        "reservation": {"nano_cpus": 100_000_000, "memory_bytes": 8 << 20},
    }


def test_what_is_not_said_is_not_told() -> None:
    told = app_spec.container_of(app())
    assert told == {"read_only": False, "init": True, "stop_grace_period": "40s"}


def test_a_command_of_one_s_own_is_the_health_check() -> None:
    told = app(health={"command": ["check", "--all"], "interval": 5, "retries": 2})
    assert app_spec.container_of(told)["healthcheck"] == {
        "tests": ["CMD", "check", "--all"],
        "interval": "5s",
        "timeout": "3s",
        "retries": 2,
        "start_period": "30s",
    }


@pytest.mark.parametrize("health", [None, {"http": "/", "inside": False}])
def test_without_a_check_inside_there_is_none(health: Any) -> None:
    assert "healthcheck" not in app_spec.container_of(app(health=health))


def test_a_read_only_app_has_a_tmp_in_memory() -> None:
    assert app_spec.mounts_of(app(read_only=True)) == [{"type": "tmpfs", "target": "/tmp"}]


def test_everything_named_in_placement_must_hold() -> None:
    place = {"host": "worker-1", "zone": "b", "labels": {"disk": "ssd", "a": "1"}}
    assert app_spec.constraints_of(app(placement=place)) == [
        "node.hostname==worker-1",
        "node.labels.zone==b",
        "node.labels.a==1",
        "node.labels.disk==ssd",
    ]


def test_the_app_s_own_variables_have_the_last_word() -> None:
    told = app(env={"HORCRUX_APP": "mine", "A": "1"})
    env = app_spec.environment_of("web", told, {"web": told}, "0a1b2c3d")
    assert env["HORCRUX_APP"] == "mine"
    assert env["HORCRUX_RELEASE"] == "0a1b2c3d"


class Handler(BaseHTTPRequestHandler):
    """Answers /404 with 404, and so on; anything else with 200."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status = self.path.strip("/")
        self.send_response(int(status) if status.isdigit() else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing to tell."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def tools(folder: Path, *names: str) -> str:
    """A PATH with these tools and no others."""
    import shutil

    for name in names:
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"there is no {name} here to try the probe with")
        (folder / name).symlink_to(found)
    return str(folder)


@pytest.mark.parametrize("tool", ["curl", "wget", "bash"])
@pytest.mark.parametrize(("answer", "well"), [(200, True), (204, True), (404, False), (500, False)])
def test_the_probe_tells_well_from_ill_with_whatever_is_there(
    tmp_path: Path, port: int, tool: str, answer: int, well: bool
) -> None:
    told = app(port=port, health={**HEALTH, "http": f"/{answer}"})
    kind, script = app_spec.health_tests(told)
    assert kind == "CMD-SHELL"
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": tools(tmp_path, tool)},
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert (done.returncode == 0) is well, done.stderr


@pytest.mark.parametrize("tool", ["curl", "wget", "bash"])
def test_nobody_listening_is_ill(tmp_path: Path, tool: str) -> None:
    from tests.support.haproxy_check import free_port

    _, script = app_spec.health_tests(app(port=free_port(), health=HEALTH))
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": tools(tmp_path, tool)},
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert done.returncode != 0


PATHS = ["/a'b", "/$(id)", "/`id`", '/"x"', "/a;exit", "/%s%d", "/a&b=c", "/a?x={1}&y=[2]", "/\\n"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("tool", ["curl", "bash"])
def test_the_probe_asks_for_the_path_of_the_settings_and_nothing_else(
    tmp_path: Path, port: int, path: str, tool: str
) -> None:
    _, script = app_spec.health_tests(app(port=port, health={"http": path}))
    Handler.asked.clear()
    done = subprocess.run(
        ["/bin/sh", "-c", script],
        env={"PATH": tools(tmp_path, tool)},
        capture_output=True,
        timeout=10,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Handler.asked == [path]
