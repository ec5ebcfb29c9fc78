"""The command's exit codes, and the error that ends it with one of them."""

from enum import IntEnum


class Exit(IntEnum):
    """What a script can tell from how `horcrux` ended."""

    OK = 0
    FAILED = 1  # the update or the request failed; the error says why
    USAGE = 2  # the command line or the settings are wrong
    UNHEALTHY = 3  # `status` or `doctor` found something
    LOCKED = 4  # another update of the environment is under way
    DECLINED = 5  # the user answered no, or there was nobody to ask
    ROLLED_BACK = 6  # the new release was rolled back; what ran before serves
    INTERRUPTED = 130  # by Ctrl-C; the same command carries on


class HorcruxError(Exception):
    """An error for the user's eyes: what happened, where, and what to do."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code
