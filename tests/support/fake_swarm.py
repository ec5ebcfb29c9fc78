"""A cluster in memory, as the managers' Docker API shows it; its edges follow control's rules.

Time is the tests' own: `sleep` moves it, so that nothing is ever waited for.
"""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from docker.errors import APIError, NotFound

from control.backend import backends
from control.haproxy import render

WEIGHTS, RELEASE = "horcrux.weights", "horcrux.release"
ENVIRONMENT = "dev"


@dataclass
class Edge:
    """An edge of one host."""

    version: str | None = None
    error: str | None = None
    refuses: bool = False  # whatever is new
    blind: bool = False  # its own checks find no task well
    sessions: dict[str, int] = field(default_factory=dict)  # one ends at each look


class FakeSwarm:
    """The part of docker.APIClient that releases are made with."""

    def __init__(self) -> None:
        self.services_by_name: dict[str, dict[str, Any]] = {}
        self.dying: set[str] = set()  # releases whose tasks fail
        self.slow: set[str] = set()  # releases whose tasks never become healthy
        self.stored: dict[str, dict[str, Any]] = {}
        self.edge_by_host = {"manager-1": Edge(), "manager-2": Edge()}
        self.control_runs = True
        self.weights_set: list[dict[str, int]] = []
        self.kill_at: dict[str, int] | None = None  # weights at which the update is killed
        self.stale_answers = 0  # changes that somebody else was faster with
        self.log = b"listening on 8080\nno database\n"
        self.looks: list[dict[str, int]] = []
        self.ending: str | None = "promoted"  # how control ends a walk; None: it does nothing
        self.secrets_by_id: dict[str, str] = {}  # to the service that uses it, or none
        self._failed: dict[str, int] = {}

    # What a test sets up and asks.

    def service(
        self, name: str, app: str = "web", release: str | None = None, replicas: int = 2
    ) -> None:
        """What Pulumi does before a rollout: make a service, or change the one there is."""
        spec = {
            "Name": name,
            "Labels": labels_of(app, release or name.rpartition("-")[2]),
            "Mode": {"Replicated": {"Replicas": replicas}},
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": f"registry/{app}@{release or name}",
                    "Labels": {RELEASE: release or name.rpartition("-")[2]},
                }
            },
        }
        there = self.services_by_name.get(name)
        self.services_by_name[name] = {
            "ID": f"id-{name}",
            "CreatedAt": f"2026-01-01T00:00:{len(self.services_by_name):02d}Z",
            "Version": {"Index": 1 if there is None else there["Version"]["Index"] + 1},
            "Spec": spec,
            **({"PreviousSpec": there["Spec"]} if there else {}),
        }

    def spec(self, name: str) -> dict[str, Any]:
        """A service's specification, to be changed by hand."""
        found: dict[str, Any] = self.services_by_name[name]["Spec"]
        return found

    @property
    def labels(self) -> dict[str, str]:
        """What is noted of the app."""
        (config,) = self.stored.values()
        found: dict[str, str] = config["Spec"]["Labels"]
        return found

    def walk_later(self, ending: str) -> None:
        """Control, which was away, ends the walk that it was asked for."""
        self.ending = ending
        self._walk(self.labels)

    def remove(self, name: str) -> None:
        """What Pulumi does after a rollout."""
        del self.services_by_name[name]

    def replicas(self, name: str) -> int:
        """How many tasks a service is to have."""
        found: int = self.services_by_name[name]["Spec"]["Mode"]["Replicated"]["Replicas"]
        return found

    def release(self, name: str) -> str:
        """The release that a service runs."""
        labels = self.services_by_name[name]["Spec"]["TaskTemplate"]["ContainerSpec"]["Labels"]
        return str(labels[RELEASE])

    @property
    def weights(self) -> dict[str, int]:
        """Where requests go now."""
        (config,) = self.stored.values()
        found: dict[str, int] = json.loads(config["Spec"]["Labels"][WEIGHTS])
        return found

    def serving(self) -> bool:
        """Whether a request would find a task now."""
        return any(w and self._healthy(s) for s, w in self.weights.items())

    # The API.

    def tasks(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        name = filters["service"]
        release = self.release(name)
        if release in self.dying:
            self._failed[release] = min(self._failed.get(release, 0) + 1, 4)
        failed = [
            self._task(name, f"{release}-f{i}", "failed", "shutdown")
            for i in range(self._failed.get(release, 0))
        ]
        state = "starting" if release in self.slow | self.dying else "running"
        running = [
            self._task(name, f"{release}-{i}", state, "running") for i in range(self.replicas(name))
        ]
        return failed + running

    def _task(self, name: str, id_: str, state: str, desired: str) -> dict[str, Any]:
        return {
            "ID": id_,
            "CreatedAt": "2026-01-01T00:00:00Z",
            "NodeID": "node-1",
            "DesiredState": desired,
            "Spec": {"ContainerSpec": {"Labels": {RELEASE: self.release(name)}}},
            "Status": {
                "Timestamp": "2026-01-01T00:00:00.5Z",
                "State": state,
                "Err": "task: non-zero exit (3)" if state == "failed" else "",
                "Message": "starting",
                "ContainerStatus": {"ContainerID": "c1", "ExitCode": 3 * (state == "failed")},
            },
        }

    def inspect_node(self, _: str) -> dict[str, Any]:
        return {"Description": {"Hostname": "manager-1"}}

    def inspect_container(self, _: str) -> dict[str, Any]:
        checks = [{"ExitCode": 7, "Output": "connection refused\n"}]
        return {"State": {"Health": {"Log": checks}}}

    def service_logs(self, _: str, **__: Any) -> list[bytes]:
        return [self.log]

    def inspect_service(self, name: str) -> dict[str, Any]:
        if name not in self.services_by_name:
            raise NotFound(f"service {name} not found")
        return copy.deepcopy(self.services_by_name[name])

    def services(self, filters: dict[str, list[str]] | None = None) -> list[dict[str, Any]]:
        assert all(label.startswith("horcrux.") for label in (filters or {}).get("label", []))
        return [copy.deepcopy(s) for s in self.services_by_name.values()]

    def remove_service(self, name: str) -> None:
        del self.services_by_name[name]

    def secrets(self, _: dict[str, list[str]]) -> list[dict[str, str]]:
        return [{"ID": id_} for id_ in self.secrets_by_id]

    def remove_secret(self, id_: str) -> None:
        if self.secrets_by_id[id_] in self.services_by_name:
            raise APIError("400", explanation="secret is in use by the following service")
        del self.secrets_by_id[id_]

    def nodes(self) -> list[dict[str, Any]]:
        return []

    def configs(self, filters: dict[str, str]) -> list[dict[str, Any]]:
        return [c for n, c in self.stored.items() if n.startswith(filters["name"])]

    def create_config(self, name: str, _: bytes, labels: dict[str, str]) -> None:
        spec = {"Name": name, "Labels": labels}
        self.stored[name] = {"ID": f"id-{name}", "Version": {"Index": 1}, "Spec": spec}
        self._weights_changed()

    def remove_config(self, id_: str) -> None:
        del self.stored[id_.removeprefix("id-")]

    def _url(self, template: str, *parts: str) -> str:
        return template.format(*parts)

    def _post_json(
        self,
        url: str,
        data: dict[str, Any],
        params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        if url == "/services/create":
            assert headers, "hosts must be able to pull the image"
            self.service(data["Name"])
            self.services_by_name[data["Name"]]["Spec"] = copy.deepcopy(data)
            return None
        assert params is not None
        _, kind, id_, verb = url.split("/")
        assert verb == "update"
        if self.stale_answers:
            self.stale_answers -= 1
            return APIError("500", explanation="rpc error: update out of sequence")
        store = self.services_by_name if kind == "services" else self.stored
        found = store[id_.removeprefix("id-")]
        assert params["version"] == found["Version"]["Index"], "the version that was looked at"
        if kind == "services":
            before = found["Spec"]
            back = params.get("rollback") == "previous"
            found["Spec"] = found["PreviousSpec"] if back else data
            found["PreviousSpec"] = before
        else:
            found["Spec"] = data
            self._weights_changed()
            self._walk(data["Labels"])
        found["Version"]["Index"] += 1
        return None

    def _raise_for_status(self, answer: Any) -> None:
        if answer:
            raise answer

    def containers(self, filters: dict[str, list[str]]) -> list[dict[str, str]]:
        assert filters["label"] == ["com.docker.swarm.service.name=horcrux-control"]
        return [{"Id": "control"}] if self.control_runs else []

    def exec_create(self, _: str, command: list[str], **__: Any) -> dict[str, str]:
        assert command == ["python3", "-m", "control", "edges"]
        return {"Id": "exec"}

    def exec_start(self, _: str) -> bytes:
        """What control would say: the edges' answers, and the version that they should have."""
        found, problems = backends(list(self.services_by_name.values()), list(self.stored.values()))
        version = render(found).version
        self.looks.append(self.weights if self.stored else {})
        answers = {host: self._answer(e, version) for host, e in self.edge_by_host.items()}
        return json.dumps({"version": version, "problems": problems, "edges": answers}).encode()

    def _answer(self, edge: Edge, version: str) -> dict[str, Any]:
        if edge.version != version and edge.refuses:
            edge.error, refused = "unknown keyword", version
        else:
            edge.version, edge.error, refused = version, None, None
        names = {*self.services_by_name, *edge.sessions}
        edge.sessions = {name: max(0, n - 1) for name, n in edge.sessions.items()}
        releases = {
            name: {
                "up": 0 if edge.blind else self._healthy(name),
                "sessions": edge.sessions.get(name, 0),
            }
            for name in names
        }
        return {
            "version": edge.version,
            "error": edge.error,
            "refused": refused,
            "releases": releases,
        }

    def _healthy(self, name: str) -> int:
        if name not in self.services_by_name or self.release(name) in self.slow | self.dying:
            return 0
        return self.replicas(name)

    def _walk(self, labels: dict[str, str]) -> None:
        """Control's part, all at once: lead to the new release, or back to the old one."""
        if "horcrux.walk" not in labels or "horcrux.progress" in labels or not self.ending:
            return
        plan = json.loads(labels["horcrux.walk"])
        good = self.ending == "promoted"
        serving, other = (plan["new"], plan["old"])[:: 1 if good else -1]
        labels["horcrux.progress"] = json.dumps(
            {"id": plan["id"], "outcome": self.ending, "reason": "is not healthy after 60 s"}
        )
        labels[WEIGHTS] = json.dumps({serving: 100})
        for name, replicas in ((serving, plan["replicas"]), (other, 0)):
            self.services_by_name[name]["Spec"]["Mode"]["Replicated"]["Replicas"] = replicas
        self._weights_changed()

    def _weights_changed(self) -> None:
        self.weights_set.append(self.weights)
        if self.weights == self.kill_at:
            self.kill_at = None
            raise SystemExit("killed")


def labels_of(app: str, release: str) -> dict[str, str]:
    """The labels that an app's service has."""
    rules = {"port": 8080, "routes": [["web.test", "/"]]}
    return {"horcrux.app": app, "horcrux.edge": json.dumps(rules), RELEASE: release}


class Clock:
    """Time that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def monotonic(self) -> float:
        return self.now


def own_time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Let the code under test sleep without anybody waiting."""
    clock = Clock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    monkeypatch.setattr("time.monotonic", clock.monotonic)
    return clock
