"""What set-up tells the user: lines of progress on stderr, and errors with a remedy."""

import sys


class SetupError(Exception):
    """Set-up cannot go on. `what` happened, and the `remedy` is what the user does about it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}\n  To go on: {remedy}")
        self.what = what
        self.remedy = remedy


def say(step: str, text: str) -> None:
    """Print one line of progress under the name of a step, such as `docker`."""
    print(f"setup: {step:<8} {text}", file=sys.stderr, flush=True)
