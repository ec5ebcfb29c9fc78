"""How often a login may fail, by address and over all, in one process and in bounded memory.

Each control counts for itself: with three of them a guesser gets three times as many tries, which
against a bcrypt hash is still next to none.
"""

import math
import time
from collections import OrderedDict, deque

from control.portal.sessions import Clock

WINDOW_SECONDS = 60  # people who mistyped wait a minute at most
ADDRESS_FAILURES = 5  # more than anybody mistypes; a guesser gets 7,200 a day
ALL_FAILURES = 60  # against many addresses; more than a team mistypes in a minute
MOST_ADDRESSES = 10_000  # about 5 MB; the addresses that failed longest ago are forgotten first


class Limits:
    """Counts failures, and says how long an address has to wait."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, deque[float]] = OrderedDict()
        self._all: deque[float] = deque(maxlen=ALL_FAILURES)

    def wait(self, address: str) -> int:
        """Seconds until `address` may try again; 0: now."""
        own = self._addresses.get(address, deque())
        return max(self._left(own, ADDRESS_FAILURES), self._left(self._all, ALL_FAILURES))

    def failed(self, address: str) -> None:
        """A login failed."""
        now = self._clock()
        self._addresses.setdefault(address, deque(maxlen=ADDRESS_FAILURES)).append(now)
        self._addresses.move_to_end(address)
        if len(self._addresses) > MOST_ADDRESSES:
            self._addresses.popitem(last=False)
        self._all.append(now)

    def succeeded(self, address: str) -> None:
        """A login was right: whoever it was knows the password, and is no guesser."""
        self._addresses.pop(address, None)

    def __len__(self) -> int:
        return len(self._addresses)

    def _left(self, failures: deque[float], most: int) -> int:
        if len(failures) < most:
            return 0
        return max(0, math.ceil(failures[0] + WINDOW_SECONDS - self._clock()))
