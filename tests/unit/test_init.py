"""The first process of a container, as compiled, with real processes, signals and connections."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "init" / "horcrux_init.c"
SETTLE = 3.0  # how long a stop signal waits at least: SETTLE of the source
WAIT = 10.0  # for what takes milliseconds, on a busy machine
LIMIT = 30.0  # a program that does not pass on what it is to pass on ends after this long
LATE = 2.0  # a signal may come so much after its time, on a busy machine
HELD = ["SIGTERM", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGWINCH", "SIGRTMIN+3"]
# Tells each signal with the time at which it came; ends, with status 3, at the one that is its argument.
APP = """
import os, signal, sys, time
def told(number, _frame):
    print(number, time.monotonic(), flush=True)
    if number == int(sys.argv[1]):
        os._exit(3)
for number in set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP, signal.SIGCHLD}:
    signal.signal(number, told)
print("ready", os.getpid(), os.getpgid(0), os.getppid(), len(signal.pthread_sigmask(0, [])), flush=True)
while True:
    signal.pause()
"""
# Leaves a grandchild to whoever adopts it, tells its number, and stays.
PARENT = """
import os, signal
if not os.fork():
    orphan = os.fork()
    if not orphan:
        os.close(1)
        signal.pause()
    print(orphan, flush=True)
    os._exit(0)
os.wait()
print("left", flush=True)
while True:
    signal.pause()
"""


@pytest.fixture(scope="module")
def init(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, with no warning of the compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail("there is no C compiler on this machine: install gcc and libc6-dev")
    path = tmp_path_factory.mktemp("init") / "horcrux-init"
    flags = ["-O2", "-static", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    done = subprocess.run(
        [compiler, *flags, "-o", str(path), str(SOURCE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return path


def run(init: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(init), *words], capture_output=True, text=True, timeout=WAIT, check=False
    )


class Started:
    """An app under the program, that has told that it is ready."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.ready = self.line().split()

    def line(self) -> str:
        """The next line that the app writes."""
        assert self.process.stdout
        return self.process.stdout.readline()

    def signal(self) -> tuple[int, float]:
        """The next signal that reaches the app, and when, by this machine's monotonic clock."""
        number, when = self.line().split()
        return int(number), float(when)

    def ends(self) -> int:
        return self.process.wait(WAIT)


Start = Callable[..., Started]


@pytest.fixture
def start(init: Path) -> Iterator[Start]:
    """Starts apps that end at SIGTERM, or at another signal; `drain` and `port` as the app is told them."""
    with contextlib.ExitStack() as stack:

        def started(
            last: int = signal.SIGTERM, drain: object = None, port: object = None
        ) -> Started:
            told = {"HORCRUX_DRAIN": drain, "HORCRUX_DRAIN_PORT": port}
            process = subprocess.Popen(
                [str(init), "--", sys.executable, "-c", APP, str(int(last))],
                env={**os.environ, **{k: str(v) for k, v in told.items() if v is not None}},
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.callback(ended, process)
            watchdog = threading.Timer(LIMIT, kill, [process])
            watchdog.start()
            stack.callback(watchdog.cancel)
            return Started(process)

        yield started


def ended(process: "subprocess.Popen[str]") -> None:
    """Leave nothing of it: neither the program nor what it started."""
    kill(process)
    process.wait()
    if process.stdout:
        process.stdout.close()


def kill(process: "subprocess.Popen[str]") -> None:
    """Kill the program and the app; whoever reads what the app writes comes to the end of it."""
    for child in children(process.pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    process.kill()


def children(pid: int) -> list[int]:
    """The processes below one; none where it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def number_of(name: str) -> int:
    base, _, more = name.partition("+")
    return int(getattr(signal, base)) + int(more or 0)


@contextlib.contextmanager
def connection(host: str = "127.0.0.1") -> Iterator[tuple[int, socket.socket]]:
    """A port with an open connection, and the client's end of it; the app's end closes with it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        port = int(server.getsockname()[1])
        with socket.create_connection((host, port), WAIT) as client:
            app = server.accept()[0]
            with app:
                yield port, client


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["true"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -KILL $$"], 128 + signal.SIGKILL),
        (["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM),
        (["/no/such/command"], 127),
        (["/etc/passwd"], 126),
    ],
)
def test_it_ends_as_the_app_ends(init: Path, command: list[str], status: int) -> None:
    assert run(init, "--", *command).returncode == status


def test_a_command_that_cannot_be_run_is_named(init: Path) -> None:
    told = run(init, "--", "/no/such/command").stderr
    assert told == "horcrux-init: cannot run /no/such/command: No such file or directory\n"


@pytest.mark.parametrize("words", [[], ["--"], ["true"], ["--help"]])
def test_without_a_command_it_tells_its_usage(init: Path, words: list[str]) -> None:
    done = run(init, *words)
    assert (done.returncode, done.stderr) == (2, "usage: horcrux-init -- COMMAND [ARGUMENT...]\n")


def test_its_version_has_the_form_that_the_engine_reads(init: Path) -> None:
    # From daemon/info_unix.go of Docker: what follows " - git." is the commit; else it warns.
    assert re.fullmatch(r"[^.]+ - git\.[^.]+\n", run(init, "--version").stdout)


def test_the_app_has_a_process_group_and_no_signal_is_blocked(start: Start) -> None:
    app = start()
    word, pid, group, parent, blocked = app.ready
    assert (word, group, int(parent), blocked) == ("ready", pid, app.process.pid, "0")


@pytest.mark.parametrize("name", [*HELD, "SIGHUP", "SIGUSR2", "SIGCONT", "SIGTSTP", "SIGRTMAX"])
def test_a_signal_is_passed_on_at_once(start: Start, name: str) -> None:
    app = start(last=number_of(name))
    began = time.monotonic()
    app.process.send_signal(number_of(name))
    number, when = app.signal()
    assert (number, app.ends()) == (number_of(name), 3)
    assert when - began < LATE


@pytest.mark.parametrize(("drain", "port"), [(None, 80), (30, None), (0, 80), (30, 0)])
def test_with_half_of_the_settings_nothing_waits(start: Start, drain: object, port: object) -> None:
    app = start(drain=drain, port=port)
    began = time.monotonic()
    app.process.send_signal(signal.SIGTERM)
    assert app.signal()[1] - began < LATE


@pytest.mark.parametrize("drain", ["", "soon", "1.5", "-1", "86401"])
def test_a_setting_without_sense_is_told_and_nothing_waits(init: Path, drain: str) -> None:
    done = subprocess.run(
        [str(init), "--", "true"],
        env={**os.environ, "HORCRUX_DRAIN": drain, "HORCRUX_DRAIN_PORT": "80"},
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert f"HORCRUX_DRAIN is '{drain}'; set a whole number from 0 to 86400" in done.stderr
    assert done.returncode == 0


def test_orphans_are_buried_and_the_app_goes_on(init: Path) -> None:
    process = subprocess.Popen(
        [str(init), "--", sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        orphan = int(process.stdout.readline())
        assert process.stdout.readline() == "left\n"
        status = Path(f"/proc/{orphan}/status")
        assert f"PPid:\t{process.pid}\n" in status.read_text()
        os.kill(orphan, signal.SIGTERM)
        deadline = time.monotonic() + WAIT
        while status.exists():  # a zombie has one
            assert time.monotonic() < deadline, status.read_text()
            time.sleep(0.01)
        assert process.poll() is None
    finally:
        ended(process)


@pytest.mark.parametrize("name", HELD)
def test_a_stop_signal_waits_and_others_do_not(start: Start, name: str) -> None:
    app = start(last=signal.SIGRTMAX, drain=30, port=unused_port())
    began = time.monotonic()
    app.process.send_signal(number_of(name))
    app.process.send_signal(signal.SIGRTMAX)
    number, when = app.signal()
    assert number == signal.SIGRTMAX
    assert when - began < SETTLE


def test_the_end_of_the_app_ends_the_wait(start: Start) -> None:
    app = start(last=signal.SIGHUP, drain=30, port=unused_port())
    began = time.monotonic()
    app.process.send_signal(signal.SIGTERM)
    app.process.send_signal(signal.SIGHUP)
    assert app.ends() == 3
    assert time.monotonic() - began < SETTLE


def test_without_connections_the_wait_ends_once_the_edges_have_followed(start: Start) -> None:
    # A connection to another port, and a listener on its own, are no reason to wait.
    with connection(), socket.create_server(("127.0.0.1", 0)) as listener:
        app = start(last=signal.SIGTERM, drain=30, port=listener.getsockname()[1])
        began = time.monotonic()
        app.process.send_signal(signal.SIGTERM)
        number, when = app.signal()
    assert (number, app.ends()) == (signal.SIGTERM, 3)
    assert SETTLE <= when - began < SETTLE + LATE


def test_the_wait_lasts_while_a_connection_is_open(start: Start) -> None:
    with contextlib.ExitStack() as stack:
        apps = []
        for host, half_closed in (("127.0.0.1", False), ("::1", False), ("127.0.0.1", True)):
            port, client = stack.enter_context(connection(host))
            if half_closed:
                client.shutdown(socket.SHUT_WR)  # asked all that it asks; the answer is to come
            apps.append(start(last=signal.SIGRTMAX, drain=30, port=port))
        marker = start(last=signal.SIGTERM, drain=30, port=unused_port())
        for app in (*apps, marker):
            app.process.send_signal(signal.SIGTERM)
        assert marker.ends() == 3  # its wait is over, as the others' would be without connections
        for app in apps:
            app.process.send_signal(signal.SIGTERM)  # Swarm's second request cuts nothing short
            app.process.send_signal(signal.SIGHUP)
            assert app.signal()[0] == signal.SIGHUP
        closed = time.monotonic()
        stack.close()
        for app in apps:
            number, when = app.signal()
            assert number == signal.SIGTERM
            assert closed < when < closed + LATE
            app.process.send_signal(signal.SIGTERM)  # the wait is over: the next is passed on
            app.process.send_signal(signal.SIGRTMAX)
            assert [app.signal()[0], app.signal()[0]] == [signal.SIGTERM, signal.SIGRTMAX]
            assert app.ends() == 3


def test_the_wait_is_never_longer_than_it_may_be(start: Start) -> None:
    with connection() as (port, _client):
        apps = {seconds: start(drain=seconds, port=port) for seconds in (1, 4)}
        began = time.monotonic()
        for app in apps.values():
            app.process.send_signal(signal.SIGTERM)
        for seconds, app in apps.items():
            number, when = app.signal()
            assert (number, app.ends()) == (signal.SIGTERM, 3)
            assert seconds <= when - began < seconds + LATE
