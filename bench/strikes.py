"""What there is to kill, and how: each with SIGKILL, so that nothing ends in order."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.environment import NAME
from horcrux.cluster import tasks
from horcrux.context import Outputs
from horcrux.docker_api import connect, machine

SUBJECT = "hello"
WORKER = "worker-1"


@dataclass(frozen=True)
class Kill:
    """Something that is killed; `mend` starts again what nobody else does."""

    name: str
    title: str
    strike: Callable[[Outputs], None]
    mend: Callable[[], None] | None = None
    aim: str = "0 that may be repeated"

    @property
    def elsewhere(self) -> bool:
        """Whether all is well once the tasks run elsewhere; else once nothing is amiss."""
        return self.mend is not None


def _task(outputs: Outputs) -> None:
    """One of the app's, on whichever host it is."""
    client = connect(outputs.access)
    release = outputs.release(SUBJECT)
    running = client.tasks({"service": release["service"], "desired-state": "running"})[0]
    host = tasks.host_of(client, running)
    assert host, "a task that runs is on a host"
    connect(outputs.access, host).kill(running["Status"]["ContainerStatus"]["ContainerID"])


def _service(service: str, outputs: Outputs) -> None:
    """The platform's task on the host that leads."""
    client = connect(outputs.access, _leader(outputs))
    label = f"com.docker.swarm.service.name={service}"
    client.kill(client.containers(filters={"label": label})[0]["Id"])


def _haproxy(outputs: Outputs) -> None:
    """The edge's on a host that does not lead, both of its processes."""
    host = _follower(outputs)
    with machine() as engine:
        words = ["sh", "-c", "kill -9 $(pgrep -x haproxy)"]
        code, output = engine.containers.get(f"horcrux-{NAME}-{host}").exec_run(words)
    if code:
        raise RuntimeError(f"HAProxy on {host} cannot be killed: {output.decode(errors='replace')}")


def _host(of: Callable[[Outputs], str], outputs: Outputs) -> None:
    host = of(outputs)
    with machine() as engine:
        engine.containers.get(f"horcrux-{NAME}-{host}").kill()


def _start_stopped() -> None:
    with machine() as engine:
        filters: dict[str, Any] = {"label": f"horcrux.environment={NAME}", "status": "exited"}
        for container in engine.containers.list(all=True, filters=filters):
            container.start()


def _managers(outputs: Outputs) -> list[tuple[str, bool]]:
    """Each manager's name, and whether it leads."""
    return [
        (str(node["Description"]["Hostname"]), bool(node["ManagerStatus"].get("Leader")))
        for node in connect(outputs.access).nodes()
        if node.get("ManagerStatus")
    ]


def _leader(outputs: Outputs) -> str:
    return next(name for name, leads in _managers(outputs) if leads)


def _follower(outputs: Outputs) -> str:
    return next(name for name, leads in sorted(_managers(outputs), reverse=True) if not leads)


def _worker(_: Outputs) -> str:
    return WORKER


LATE = "none that begins 3 s later"
KILLS = (
    Kill("task", "a task", _task),
    Kill("edge", "an edge's HAProxy", _haproxy),
    Kill("control", "control that leads", partial(_service, "horcrux-control"), aim="0"),
    Kill("prometheus", "a Prometheus", partial(_service, "horcrux-prometheus"), aim="0"),
    Kill("worker", "a worker host", partial(_host, _worker), _start_stopped, LATE),
    Kill("manager", "a manager host", partial(_host, _follower), _start_stopped, LATE),
    Kill("leader", "the leading manager's host", partial(_host, _leader), _start_stopped, LATE),
)
