"""Errors that are messages for the user, and how they reach the engine."""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import grpc  # type: ignore[import-untyped]


class Failure(Exception):  # noqa: N818 - the engine calls it a failure of the program
    """A message for the user, shown by the engine as it is."""


def explained(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make a Failure the error text of the call, without a traceback of this host on stderr."""

    @wraps(method)
    def stream(self: object, request: object, context: Any) -> Iterator[Any]:
        try:
            yield from method(self, request, context)
        except Failure as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    @wraps(method)
    def single(self: object, request: object, context: Any) -> Any:
        try:
            return method(self, request, context)
        except Failure as error:
            return context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return stream if inspect.isgeneratorfunction(method) else single
