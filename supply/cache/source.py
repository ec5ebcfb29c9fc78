"""What a fetch is told of where its content comes from."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from supply.cache.body import Body


class Source(Protocol):
    """Where content comes from."""

    def __call__(self, offset: int) -> AbstractAsyncContextManager[Body]:
        """Open it from an offset on."""
        ...

    def distrust(self) -> bool:
        """What came was wrong: whether another one can be asked."""
        ...
