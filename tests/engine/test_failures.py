"""Programs that fail, and engines that are ended in the middle of one."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workbench import COMMAND_SECONDS, Bench

# The host looks for its engine every second, then gives its children 5 s.
GONE_SECONDS = 10.0
# A preview starts its program within 2 s.
START_SECONDS = 30.0
LOOK_SECONDS = 0.05


@pytest.fixture
def bad(bench: Bench) -> Iterator[Bench]:
    bench.must("stack", "init", "b", where="bad")
    yield bench
    bench.must("stack", "rm", "b", "--yes", where="bad")


def test_an_exception_is_told_once_and_from_the_users_frames_on(bad: Bench) -> None:
    preview = bad.pulumi("preview", "-s", "b", where="bad", FAIL_BY="raising")
    assert preview.code != 0
    assert preview.text.count("ValueError: boom") == 1, preview.text
    assert "runpy" not in preview.text
    assert "exit code" not in preview.text


def test_an_exit_status_is_told(bad: Bench) -> None:
    preview = bad.pulumi("preview", "-s", "b", where="bad", FAIL_BY="exiting")
    assert "non-zero exit code: 3" in preview.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_an_engine_that_is_ended(bench: Bench, number: signal.Signals) -> None:
    name = f"ended-by-{number.name.lower()}"
    bench.must("stack", "init", name, where="bad")
    pids = bench.folder / "bad" / "pid"
    pids.unlink(missing_ok=True)
    engine = subprocess.Popen(
        ["pulumi", "preview", "-s", name, "--non-interactive"],
        cwd=pids.parent,
        env={**bench.env, "FAIL_BY": "hanging"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(pids.exists, START_SECONDS, "the program never started")
        program_and_host = [Path("/proc") / pid for pid in pids.read_text().split()]
        assert len(program_and_host) == 2
        engine.send_signal(number)
        engine.wait(COMMAND_SECONDS)
        wait_until(
            lambda: not any(process.exists() for process in program_and_host),
            GONE_SECONDS,
            f"host or program still runs: {program_and_host}",
        )
    finally:
        engine.kill()
        engine.wait()


def wait_until(fact: Callable[[], bool], limit: float, otherwise: str) -> None:
    until = time.monotonic() + limit
    while not fact():
        assert time.monotonic() < until, otherwise
        time.sleep(LOOK_SECONDS)
