"""Pushes and collections, one at a time."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import pytest

from supply.registry.admission import Admission, BusyError


async def waits(what: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
    """It has begun, and does not end by itself."""
    task = asyncio.create_task(what)
    _, pending = await asyncio.wait([task], timeout=0.05)
    assert pending
    return task


async def collect(admission: Admission) -> None:
    async with admission.collecting():
        pass


async def test_pushes_wait_for_a_collection() -> None:
    admission = Admission()
    async with admission.collecting():
        begun = await waits(admission.begin("web"))
        part = await waits(admission.begin("web", "sha256:a", goes_on=True))
    await asyncio.gather(begun, part)


async def test_a_collection_waits_until_manifests_name_what_has_come() -> None:
    admission = Admission()
    await admission.begin("web", "sha256:a")
    await admission.begin("web", "sha256:b")
    collecting = await waits(collect(admission))
    await admission.named("web", ["sha256:a", "sha256:other"])
    assert not collecting.done()
    await admission.named("web", ["sha256:b"])
    await asyncio.wait_for(collecting, 1)


async def test_while_it_waits_a_push_under_way_goes_on_and_a_new_one_does_not() -> None:
    admission = Admission()
    await admission.begin("web", "sha256:a")
    collecting = await waits(collect(admission))
    await asyncio.wait_for(admission.begin("web"), 1)
    await asyncio.wait_for(admission.begin("blog", goes_on=True), 1)
    new = await waits(admission.begin("blog"))
    await admission.named("web", ["sha256:a"])
    await asyncio.wait_for(asyncio.gather(collecting, new), 1)


async def test_a_collection_waits_for_a_manifest_that_is_being_written() -> None:
    admission = Admission()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(admission.changing("web"))
        collecting = await waits(collect(admission))
    await asyncio.wait_for(collecting, 1)


async def test_a_collection_gives_up_on_a_push_that_does_not_end_and_lets_others_in() -> None:
    admission = Admission(wait=0.05)
    await admission.begin("web", "sha256:a")
    with pytest.raises(BusyError, match="a push is under way"):
        await collect(admission)
    await asyncio.wait_for(admission.begin("blog"), 1)


async def test_a_push_that_was_broken_off_is_not_waited_for() -> None:
    admission = Admission(wait=1, quiet=0)
    await admission.begin("web", "sha256:a")
    await asyncio.wait_for(collect(admission), 0.5)


async def test_a_push_whose_layer_still_grows_is_under_way() -> None:
    silent = {"web": 0.0}
    admission = Admission(silent.__getitem__, wait=0.05, quiet=0.001)
    await admission.begin("web", "sha256:a")
    await asyncio.sleep(0.002)
    with pytest.raises(BusyError):
        await collect(admission)
    silent["web"] = 10.0
    await asyncio.wait_for(collect(admission), 1)


async def test_pushes_give_up_on_a_collection_that_does_not_end() -> None:
    admission = Admission(wait=0.05)
    async with admission.collecting():
        with pytest.raises(BusyError, match="room is being freed"):
            await admission.begin("web")
        with pytest.raises(BusyError, match="room is being freed"):
            async with admission.changing("web"):
                pytest.fail("it was let in")
        with pytest.raises(BusyError, match="already"):
            await collect(admission)
    await admission.begin("web")


async def test_a_collection_that_is_cancelled_lets_pushes_in() -> None:
    admission = Admission()
    await admission.begin("web", "sha256:a")
    waiting = await waits(collect(admission))
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(admission.begin("blog"), 1)
    await admission.named("web", ["sha256:a"])
    await asyncio.wait_for(collect(admission), 1)
