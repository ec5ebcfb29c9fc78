"""Processes that belong together."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from supply import children
from supply.children import Child, run_together

STUBBORN = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


def marked(path: Path, before: str = "") -> list[str]:
    """A process that writes its number to a file and goes on."""
    text = f"{before}import os,time,pathlib; p=pathlib.Path({str(path)!r}); "
    text += "t=p.with_suffix('.new'); t.write_text(str(os.getpid())); t.rename(p); time.sleep(60)"
    return [sys.executable, "-c", text]


async def number(path: Path) -> int:
    async with asyncio.timeout(10):
        while not path.exists():
            await asyncio.sleep(0.005)
    return int(path.read_text())


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def forever() -> None:
    await asyncio.Event().wait()


async def test_when_one_ends_all_do_and_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="sh ended with status 3"):
        await run_together([marked(tmp_path / "one"), ["sh", "-c", _after(tmp_path)]], forever())
    assert not lives(await number(tmp_path / "one"))


def _after(tmp_path: Path) -> str:
    return f"until [ -e {tmp_path / 'one'} ]; do sleep 0.01; done; exit 3"


async def test_one_that_ends_without_a_fault_is_missed_all_the_same() -> None:
    with pytest.raises(RuntimeError, match="true ended with status 0"):
        await run_together([["true"]], forever())


async def test_when_serving_fails_children_end(tmp_path: Path) -> None:
    async def serve() -> None:
        await number(tmp_path / "one")
        raise ValueError("it failed")

    with pytest.raises(ValueError, match="it failed"):
        await run_together([marked(tmp_path / "one")], serve())
    assert not lives(await number(tmp_path / "one"))


async def test_when_serving_ends_children_end(tmp_path: Path) -> None:
    async def serve() -> None:
        await number(tmp_path / "one")

    await run_together([marked(tmp_path / "one")], serve())
    assert not lives(await number(tmp_path / "one"))


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_all_in_order(tmp_path: Path, which: int) -> None:
    running = asyncio.create_task(run_together([marked(tmp_path / "one")], forever()))
    pid = await number(tmp_path / "one")
    os.kill(os.getpid(), which)
    await asyncio.wait_for(running, 10)
    assert not lives(pid)


async def test_when_it_is_cancelled_children_end(tmp_path: Path) -> None:
    running = asyncio.create_task(run_together([marked(tmp_path / "one")], forever()))
    pid = await number(tmp_path / "one")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not lives(pid)


async def test_a_program_that_is_not_there_leaves_none_behind(tmp_path: Path) -> None:
    first = Child(marked(tmp_path / "one"))
    with pytest.raises(FileNotFoundError):
        await run_together([first, ["/nonexistent/program"]], forever())
    assert first._process
    assert first._process.returncode is not None


async def test_one_that_does_not_listen_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "STOP_SECONDS", 0.2)
    child = Child(marked(tmp_path / "one", STUBBORN))
    await child.start()
    pid = await number(tmp_path / "one")
    begun = time.monotonic()
    await child.stop()
    assert time.monotonic() - begun >= 0.2
    assert not lives(pid)
