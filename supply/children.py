"""Processes that belong together: all of them run, or none."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine, Sequence
from typing import Any

STOP_SECONDS = 40.0  # for requests under way; what takes longer is cut


class Child:
    """A process that is kept running."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(*self._command)

    async def died(self) -> None:
        """Wait until it ends without having been told to. Raises RuntimeError."""
        assert self._process
        status = await self._process.wait()
        raise RuntimeError(f"{self._command[0]} ended with status {status}")

    async def stop(self) -> None:
        """End it: asked first, killed when that takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()


async def run_together(
    commands: Sequence[Sequence[str] | Child], serve: Coroutine[Any, Any, None]
) -> None:
    """Run children beside `serve` until it ends, one of them dies, or the process is told to stop.

    Raises RuntimeError that names the child which died.
    """
    children = [command if isinstance(command, Child) else Child(command) for command in commands]
    serving = asyncio.create_task(serve)
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    watching: list[asyncio.Task[Any]] = [serving, asyncio.create_task(told.wait())]
    try:
        for child in children:
            await child.start()
            watching.append(asyncio.create_task(child.died()))
        done, _ = await asyncio.wait(watching, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in children))
