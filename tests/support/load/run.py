"""The client itself: sends by the timetable, keeps the tally, until it is told to stop."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Coroutine, Mapping
from functools import partial

from tests.support.load.connection import LostError
from tests.support.load.requester import LIMIT_SECONDS, FailedError, Requester
from tests.support.load.result import MOST_FAILURES, Failure, Result, summed
from tests.support.load.sockets import SocketClient, Told
from tests.support.load.timetable import SOCKETS, keep_time, rates

MOST_UNDER_WAY = 3000  # beyond it the client itself could not keep up; it says so


class Run:
    """One load."""

    def __init__(self, address: str, port: int, host: str) -> None:
        self._url, self._host = f"http://{address}:{port}/ws", host
        self._requester = Requester(address, port, host)
        self._durations: defaultdict[str, list[float]] = defaultdict(list)
        self._failed: Counter[str] = Counter()
        self._repeated: Counter[str] = Counter()
        self._releases: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._under_way: set[asyncio.Task[None]] = set()
        self.result = Result(began=time.time())

    async def until(self, stop: asyncio.Event, rate: float, sorts: Mapping[str, float]) -> None:
        """Send until `stop`, then await what is under way."""
        loop = asyncio.get_running_loop()
        first = loop.time()
        self.result.began = time.time()
        await asyncio.gather(*self._timetables(first, stop, rates(rate, sorts)))
        if self._under_way:
            await asyncio.wait(self._under_way)
        self._requester.close()
        names = [name for name in sorts if sorts[name]]
        self.result.seconds = loop.time() - first
        self.result.cpu_seconds = time.process_time()
        self.result.releases = {name: dict(found) for name, found in self._releases.items()}
        self.result.sorts = {
            name: summed(self._durations[name], self._failed[name], self._repeated[name])
            for name in names
        }

    def _timetables(
        self, first: float, stop: asyncio.Event, each: Mapping[str, float]
    ) -> list[Coroutine[None, None, None]]:
        found: list[Coroutine[None, None, None]] = []
        for sort, rate in each.items():
            if sort == "ws":
                between = SOCKETS / rate
                told = Told(self._echoed, self._socket_failed, self._socket_repeated)
                found += [
                    SocketClient(self._url, self._host, between, told).run(
                        first + number * between / SOCKETS, stop
                    )
                    for number in range(SOCKETS)
                ]
            else:
                found.append(keep_time(first, rate, stop, partial(self._start, sort)))
        return found

    def _start(self, sort: str, due: float) -> None:
        """Let a request go out that was due at a time of the loop."""
        began = time.time() - (asyncio.get_running_loop().time() - due)
        if len(self._under_way) >= MOST_UNDER_WAY:
            self._fails(sort, f"{MOST_UNDER_WAY} are under way: the client cannot send more", began)
            return
        task = asyncio.get_running_loop().create_task(self._send(sort, began))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, sort: str, began: float) -> None:
        try:
            good = await self._requester.send(sort)
        except FailedError as error:
            self._fails(sort, error.kind, began, error.release)
        except LostError as error:
            self._fails(sort, error.kind, began)
        except TimeoutError:
            self._fails(sort, f"no answer within {LIMIT_SECONDS:g} s", began)
        else:
            self._durations[sort].append(time.time() - began)
            self._repeated[sort] += good.repeated
            self._heard_of(good.release)

    def _fails(self, sort: str, kind: str, began: float, release: str | None = None) -> None:
        self._failed[sort] += 1
        self._heard_of(release)
        if len(self.result.failures) < MOST_FAILURES:
            self.result.failures.append(Failure(sort, kind, began, time.time(), release))

    def _heard_of(self, release: str | None) -> None:
        if release is not None:
            self._releases[release][int(time.time() - self.result.began)] += 1

    def _echoed(self, began: float) -> None:
        self._durations["ws"].append(time.time() - began)

    def _socket_failed(self, kind: str, began: float) -> None:
        self._fails("ws", kind, began)

    def _socket_repeated(self) -> None:
        self._repeated["ws"] += 1
