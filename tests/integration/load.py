"""A client that asks all the time and counts what failed, from its own side of the front door."""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from types import TracebackType

import aiohttp

WORKERS = 8
PAUSE_SECONDS = 0.02  # each worker's, so that the load is the same on any machine
LIMIT_SECONDS = 15  # no answer in so long is a failure


@dataclass
class Load:
    """GETs and POSTs with a body, in the background while the `with` block runs."""

    url: str
    host: str
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    failed_at: list[float] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def __enter__(self) -> "Load":
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(LIMIT_SECONDS + 5)

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=LIMIT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, headers={"Host": self.host}) as session:
            await asyncio.gather(*(self._worker(session, number) for number in range(WORKERS)))

    async def _worker(self, session: aiohttp.ClientSession, number: int) -> None:
        body = bytes([65 + number]) * 2000
        while not self._stop.is_set():
            try:
                if number % 4 == 0:
                    async with session.post(f"{self.url}/echo", data=body) as response:
                        right = await response.read() == body
                else:
                    async with session.get(f"{self.url}/") as response:
                        right = response.status == 200
                if right:
                    self.answered += 1
                else:
                    self._failed(f"status {response.status}")
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                self._failed(repr(error))
            await asyncio.sleep(PAUSE_SECONDS)

    def _failed(self, what: str) -> None:
        self.failures.append(what)
        self.failed_at.append(time.monotonic() - self.began)
