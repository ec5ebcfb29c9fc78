"""What fails while one image after another is copied: a bad one is no reason to leave the others."""

from supply.cache.failure import LimitedError, UpstreamError

IN_A_ROW = 3  # different images that fail: it is not the images


class Failures:
    """`first`: the first of all, None while there is none."""

    def __init__(self) -> None:
        self.first: UpstreamError | None = None
        self._row = 0

    def well(self) -> None:
        """An image went well."""
        self._row = 0

    def add(self, error: UpstreamError) -> None:
        """An image failed. Raises the first failure when it is the place that fails, or wants us to wait."""
        self.first = self.first or error
        self._row += 1
        if isinstance(error, LimitedError):
            raise error
        if self._row >= IN_A_ROW:
            raise self.first
