"""Environments for integration tests: each in a copy of the project, with ports of its own."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
import requests
from ruamel.yaml import YAML

from tests.support.load import SHARES, Load

PROJECT = Path(__file__).resolve().parents[2]
WORK = PROJECT / "build" / "integration"
LEFT_OUT = {".git", ".venv", ".engine", ".horcrux", "build", ".mypy_cache", ".ruff_cache"}
UP_SECONDS = 1500  # from nothing, images and all, on a slow machine
COMMAND_SECONDS = 300
PULUMI_SECONDS = 600
RATE = 220.0  # requests a second: more than the 200 that tests are made under


@dataclass
class Sandbox:
    """An environment of the tests: its copy of the project, its name and its ports."""

    folder: Path
    name: str
    ports: dict[str, int]

    def horcrux(
        self,
        *words: str,
        seconds: int = COMMAND_SECONDS,
        check: bool = True,
        text: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run the command on this environment; its output is in the error when it fails."""
        verb = [str(Path(sys.executable).with_name("horcrux")), "-C", str(self.folder), *words]
        done = subprocess.run(
            verb, capture_output=True, text=True, timeout=seconds, input=text or "", check=False
        )
        if check and done.returncode:
            pytest.fail(
                f"horcrux {' '.join(words)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """The command, begun in a session of its own, so that all of it can be killed."""
        return subprocess.Popen(
            [str(Path(sys.executable).with_name("horcrux")), "-C", str(self.folder), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )

    def pulumi(self, verb: str, *words: str) -> str:
        """A plain `pulumi` command, as a user types it in the project folder; what it says."""
        own = self.folder / ".venv" / "bin" / "pulumi"
        program = str(own) if own.exists() else "pulumi"
        passphrase = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(self.folder / ".horcrux" / "passphrase")}
        done = subprocess.run(
            [program, verb, "-s", self.name, "--non-interactive", *words],
            cwd=self.folder,
            env={**os.environ, **passphrase},
            capture_output=True,
            text=True,
            timeout=PULUMI_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def expect_no_changes(self) -> None:
        """What runs, the state and the settings agree."""
        self.pulumi("preview", "--expect-no-changes")

    def up(self) -> subprocess.CompletedProcess[str]:
        return self.horcrux("up", "-s", self.name, "-y", seconds=UP_SECONDS)

    def status(self) -> dict[str, Any]:
        done = self.horcrux("status", "-s", self.name, "--json", check=False)
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def app(self, name: str) -> dict[str, Any]:
        """What `horcrux status` says of an app."""
        found: dict[str, Any] = next(a for a in self.status()["apps"] if a["name"] == name)
        return found

    def container(self, host: str) -> str:
        return f"horcrux-{self.name}-{host}"

    def load(self, app: str, rate: float = RATE, sorts: Mapping[str, float] = SHARES) -> Load:
        """Requests to an app for the time of a `with` block."""
        return Load(self.ports["http"], f"{app}.{self.name}.localhost", rate, sorts)

    def get(self, app: str, path: str = "/", **options: Any) -> requests.Response:
        host = f"{app}.{self.name}.localhost:{self.ports['http']}"
        with requests.Session() as session:
            session.trust_env = False
            return session.get(
                f"http://127.0.0.1:{self.ports['http']}{path}",
                headers={"Host": host},
                timeout=20,
                **options,
            )

    def inside(self, host: str, *command: str) -> str:
        """What a command on a host prints."""
        done = subprocess.run(
            ["docker", "exec", self.container(host), *command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def stack_file(self) -> Path:
        return self.folder / "stacks" / f"Pulumi.{self.name}.yaml"

    def edit(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Change the stack file's configuration."""
        yaml = YAML()
        document = yaml.load(self.stack_file)
        change(document["config"])
        yaml.dump(document, self.stack_file)


def eventually(condition: Callable[[], Any], seconds: float, what: str) -> float:
    """Wait until the condition holds; how long it took. Connection errors count as not yet."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if condition():
                return time.monotonic() - began
        except (requests.RequestException, AssertionError):
            pass
        time.sleep(0.25)
    pytest.fail(f"not within {seconds} s: {what}")


def make(name: str, config: dict[str, Any], ports: dict[str, int], subnet: str) -> Sandbox:
    """A copy of the project with one environment of the tests' own."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(
        PROJECT,
        folder,
        ignore=lambda _d, names: [n for n in names if n in LEFT_OUT or n == "__pycache__"],
    )
    (folder / ".venv").symlink_to(PROJECT / ".venv")
    local = {"horcrux:local": {"subnet": subnet, "ports": ports}}
    sandbox = Sandbox(folder, name, ports)
    YAML().dump({"config": {**config, **local}}, sandbox.stack_file)
    clear(name)
    return sandbox


def clear(name: str) -> None:
    """Remove what an interrupted run left under this environment's label."""
    engine = docker.from_env()
    mine = {"label": f"horcrux.environment={name}"}
    for container in engine.containers.list(all=True, filters=mine):
        container.remove(force=True, v=True)
    for network in engine.networks.list(filters=mine):
        network.remove()
    for volume in engine.volumes.list(filters=mine):
        volume.remove(force=True)


def objects(name: str) -> list[str]:
    """What there is of an environment on this machine."""
    engine = docker.from_env()
    mine = {"label": f"horcrux.environment={name}"}
    kinds = (
        engine.containers.list(all=True, filters=mine),
        engine.volumes.list(filters=mine),
        engine.networks.list(filters=mine),
    )
    return [thing.name for kind in kinds for thing in kind]
