"""The type of aiohttp's test client, which has no parameters at run time in the oldest aiohttp of hosts."""

from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import TestClient

if TYPE_CHECKING:
    Client = TestClient[Any, Any]
else:
    Client = TestClient
