"""Doing something in a task of its own, so that a time-out in it leaves nothing behind.

aiohttp before 3.9 ends a request that takes too long by cancelling its task, and does not take the
cancellation back (Task.uncancel). Python before 3.11.3 then lets the next `asyncio.timeout` of that task
end in CancelledError, which nobody expects: the service would stop. Debian 12 has both.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def apart(action: Coroutine[Any, Any, Result]) -> Result:
    """What the action gives; cancelled with whoever waits for it."""
    return await asyncio.create_task(action)
