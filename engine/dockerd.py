"""A Docker daemon started by hand, where there is no systemd to do it."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from engine.docker_endpoint import Answer
from engine.report import SetupError, say

# Its pid file, and that of the containerd that it starts for itself.
PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}
# A first start makes bridges and scans the images; 10 s is usual on a slow machine.
START_SECONDS = 60.0
LOOK_SECONDS = 0.2
LOG_LINES = 15


def alive(pid_file: Path, name: str, processes: Path = Path("/proc")) -> bool:
    """Tell whether the process that `pid_file` names lives, and is a `name`.

    A number alone proves nothing: another program may have it since.
    """
    try:
        pid = int(pid_file.read_text())
        return (processes / str(pid) / "comm").read_text().strip() == name
    except (OSError, ValueError):
        return False


def clear_stale(pid_files: dict[Path, str], processes: Path = Path("/proc")) -> list[Path]:
    """Remove the pid files of processes that are gone; return which."""
    stale = [
        path
        for path, name in pid_files.items()
        if path.exists() and not alive(path, name, processes)
    ]
    for path in stale:
        path.unlink(missing_ok=True)
    return stale


def start(log: Path, words: tuple[str, ...] = ("dockerd",)) -> subprocess.Popen[bytes]:
    """Start the daemon in a session of its own, so that it outlives set-up; it writes to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True
        )


def start_by_hand(ask: Callable[[], Answer], log: Path) -> Answer:
    """Start dockerd and wait until it answers; raise SetupError with the end of its log."""
    for path in clear_stale(PID_FILES):
        say("docker", f"removed {path}: its process is gone")
    say("docker", f"no systemd here: starting dockerd by hand, its log is {log}")
    child = start(log)
    return wait(ask, lambda: child.poll() is not None, log)


def wait(
    ask: Callable[[], Answer],
    ended: Callable[[], bool],
    log: Path | None,
    limit: float = START_SECONDS,
) -> Answer:
    """Ask until the engine answers; raise SetupError when it `ended`, or after `limit` seconds."""
    until = time.monotonic() + limit
    while not (answer := ask()).version:
        if ended():
            raise SetupError("dockerd ended as soon as it was started" + _end_of(log), REMEDY)
        if time.monotonic() > until:
            told = f"dockerd does not answer after {limit:.0f} s: {answer.why}"
            raise SetupError(told + _end_of(log), REMEDY)
        time.sleep(LOOK_SECONDS)
    return answer


REMEDY = "see why dockerd does not start, or start a Docker engine yourself; then `make setup`"


def _end_of(log: Path | None) -> str:
    if log is None or not log.is_file():
        return ""
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    return f"\n  The end of {log}{os.linesep}  " + "\n  ".join(lines)
