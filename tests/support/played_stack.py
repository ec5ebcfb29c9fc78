"""A project on disk, its cluster in memory, and a Pulumi that does what a test says."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from horcrux.cli import app as command
from horcrux.commands import releases
from horcrux.context import Context, Outputs
from horcrux.exits import HorcruxError
from horcrux.project import Project
from horcrux.rollouts import change, look
from tests.support.fake_swarm import FakeSwarm

FILE = """\
config:
  horcrux:apps:
    web:  # what people see
      image: web@sha256:aaaa
      port: 8080
      routes: [/]
      health: {http: /}  # at once
      env: {GREETING: hello}
"""
SETTINGS: dict[str, Any] = {
    "image": "web@sha256:aaaa",
    "port": 8080,
    "routes": ["/"],
    "health": {"http": "/"},
    "env": {"GREETING": "hello"},
}
REGISTRY = {"url": "https://127.0.0.1:8500", "username": "push", "password": "", "ca": ""}
REASON = "errors 5.1 % of 412 requests against 0.1 % of 7,904 (p = 2e-15, confidence 99 %)"


def entry(number: int, release: str = "old", **more: Any) -> dict[str, Any]:
    """A release as the state remembers it."""
    return {
        "number": number,
        "release": release,
        "service": f"web-{release}",
        "image": "registry:5000/web:1@sha256:aaaa",
        "settings": SETTINGS,
        "strategy": "rolling",
        "at": 1_790_000_000.0,
        **more,
    }


def plan(**more: Any) -> dict[str, Any]:
    """What a walk from r6 to r7 is asked with."""
    return {
        "id": "walk-7",
        "strategy": "canary",
        "new": "web-new",
        "release": "new",
        "number": 7,
        "old": "web-old",
        "old_number": 6,
        "image": "registry:5000/web:2@sha256:bbbb",
        "settings": SETTINGS,
        "steps": [{"weight": 5, "pause": 60}, {"weight": 25, "pause": 60}],
        "began": 1_790_000_100.0,
        **more,
    }


def rollout(app: str = "web") -> SimpleNamespace:
    """The metadata of a step of an app's rollout."""
    kind = "pulumi-python:dynamic/horcrux:Rollout"
    urn = f"urn:pulumi:dev::horcrux::horcrux:index:App${kind}::{app}"
    return SimpleNamespace(op="update", type=kind, urn=urn)


def event(kind: str, **content: Any) -> Any:
    """An engine event of one kind."""
    kinds = ("resource_pre_event", "res_outputs_event", "res_op_failed_event", "diagnostic_event")
    none = dict.fromkeys((*kinds, "policy_event"))
    return SimpleNamespace(**{**none, kind: SimpleNamespace(**content)})


class Played:
    """An environment `dev` with the app `web`; `updates` says how each update goes."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "stacks" / "Pulumi.dev.yaml"
        self.file.parent.mkdir()
        self.file.write_text(FILE)
        self.swarm = FakeSwarm()
        self.history = [entry(6)]
        self.updates: list[Callable[[Callable[[Any], None]], None]] = []
        self.seen: list[str] = []  # the stack file at each update
        self.asked: list[tuple[Any, ...]] = []
        self.changes = {"update": 1}
        project = Project(folder, "dev")
        monkeypatch.setattr(Context, "outputs", lambda *_: Outputs(project, self.values()))
        for module in (change, look, releases):
            monkeypatch.setattr(module, "connect", lambda _: self.swarm)
        monkeypatch.setattr(change, "Stack", lambda _: self)
        monkeypatch.setattr("horcrux.cluster.control.ask", self._ask)

    def values(self) -> dict[str, Any]:
        """The stack's outputs."""
        releases = {"number": self.history[0]["number"], "history": self.history, "parked": []}
        access = dict.fromkeys(("address", "ca", "certificate", "key"), "")
        return {"releases": {"web": releases}, "urls": {}, "access": access, "registry": REGISTRY}

    def note(self, walk: dict[str, Any], weights: dict[str, int], **progress: Any) -> None:
        """What the cluster has noted of a walk."""
        if self.swarm.stored:
            self.swarm.remove_config(next(iter(self.swarm.stored)))
        labels = {
            "horcrux.weights": json.dumps(weights),
            "horcrux.numbers": "{}",
            "horcrux.walk": json.dumps(walk),
            "horcrux.progress": json.dumps({"id": walk["id"], **progress}),
        }
        self.swarm.create_config("horcrux-traffic-web", b"", labels)

    # What `horcrux` asks of Pulumi.

    def preview(self, _: Any) -> dict[str, int]:
        return self.changes

    def up(self, on_event: Callable[[Any], None]) -> None:
        self.seen.append(self.file.read_text())
        if self.updates:
            self.updates.pop(0)(on_event)

    def outputs(self) -> dict[str, Any]:
        return self.values()

    def _ask(self, _: Any, *question: Any) -> dict[str, Any]:
        self.asked.append(question)
        return {}


def fails(app: str = "web", message: str = "web: it failed") -> Callable[[Any], None]:
    """An update in which an app's rollout fails."""

    def go(on_event: Callable[[Any], None]) -> None:
        on_event(event("resource_pre_event", metadata=rollout(app)))
        on_event(event("res_op_failed_event", metadata=rollout(app)))
        on_event(event("diagnostic_event", severity="error", message=message))
        raise HorcruxError("everything that Pulumi said")

    return go


def run(*words: str) -> str:
    """What it printed. Raises what ended it."""
    result = CliRunner().invoke(command, list(words), env={"COLUMNS": "160"})
    if result.exception:
        raise result.exception
    return result.output


def refused(*words: str) -> HorcruxError:
    with pytest.raises(HorcruxError) as error:
        run(*words)
    return error.value


def web(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)["config"]["horcrux:apps"]["web"]
    return found


def rolled_back(dev: Played, outcome: str = "rolled-back", **more: Any) -> Callable[[Any], None]:
    """An update whose walk control ends."""

    def go(on_event: Callable[[Any], None]) -> None:
        dev.note(plan(**more), {"web-old": 100}, phase="over", outcome=outcome, reason=REASON)
        fails(message=f"web: r7 {outcome}")(on_event)

    return go
