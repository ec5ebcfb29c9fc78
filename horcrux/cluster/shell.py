"""A command in a running task, wherever it runs, with the terminal when there is one."""

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker

from horcrux.cluster.tasks import RELEASE_LABEL, host_of
from horcrux.docker_api import Access, connect
from horcrux.exits import HorcruxError

CHUNK = 65536


def run(access: Access, service: str, release: str, command: list[str]) -> int:
    """Run `command` in one healthy task; its exit status."""
    host, container = _place(connect(access), service, release)
    client = connect(access, host)
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    created = client.exec_create(container, command, stdin=True, tty=terminal)
    stream = client.exec_start(
        created["Id"], tty=terminal, socket=terminal, stream=not terminal, demux=not terminal
    )
    if terminal:
        _talk(client, created["Id"], stream)
    else:
        for out, error in stream:
            sys.stdout.buffer.write(out or b"")
            sys.stderr.buffer.write(error or b"")
            sys.stdout.flush()
    return int(client.exec_inspect(created["Id"])["ExitCode"] or 0)


def _place(client: docker.APIClient, service: str, release: str) -> tuple[str, str]:
    for task in client.tasks({"service": service, "desired-state": "running"}):
        labels = task["Spec"]["ContainerSpec"].get("Labels") or {}
        if task["Status"]["State"] == "running" and labels.get(RELEASE_LABEL) == release:
            host = host_of(client, task)
            if host:
                return host, task["Status"]["ContainerStatus"]["ContainerID"]
    raise HorcruxError(f"{service} has no healthy task to run it in; see `horcrux status`")


def _talk(client: docker.APIClient, exec_id: str, stream: Any) -> None:
    """Copy between the terminal and the task until the task's side ends."""
    size = os.get_terminal_size()
    client.exec_resize(exec_id, height=size.lines, width=size.columns)
    socket = getattr(stream, "_sock", stream)
    with _raw_terminal():
        while True:
            pending = getattr(socket, "pending", lambda: 0)()
            ready = [socket] if pending else select.select([socket, sys.stdin], [], [])[0]
            if socket in ready:
                data = socket.recv(CHUNK)
                if not data:
                    return
                os.write(sys.stdout.fileno(), data)
            if sys.stdin in ready:
                socket.sendall(os.read(sys.stdin.fileno(), CHUNK))


@contextmanager
def _raw_terminal() -> Iterator[None]:
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
