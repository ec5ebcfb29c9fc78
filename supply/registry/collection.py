"""Freeing the room of what no manifest needs, with distribution's own collector, while pulls go on."""

import asyncio
from pathlib import Path

from supply.registry.admission import Admission
from supply.registry.storage import Storage

PROGRAM = "docker-registry"


class CollectionError(Exception):
    """The collector failed; what it said."""


async def collect(admission: Admission, storage: Storage, configuration: Path) -> int:
    """Free room; how many bytes. Raises BusyError when pushes do not end, CollectionError."""
    async with admission.collecting():
        if await asyncio.to_thread(storage.empty):
            return 0  # the collector takes that for a mistake
        before = await asyncio.to_thread(storage.used)
        process = await asyncio.create_subprocess_exec(
            *(PROGRAM, "garbage-collect", str(configuration)),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, told = await process.communicate()
        finally:
            if process.returncode is None:  # we are to end: pushes must not go on beside it
                process.kill()
                await process.wait()
        if process.returncode:
            raise CollectionError(told.decode(errors="replace")[-2000:])
        await asyncio.to_thread(storage.clear_aside)
        return before - await asyncio.to_thread(storage.used)
