"""Why an upstream could not be used."""


class UpstreamError(Exception):
    """Any reason; `reason` is its name in metrics, the message is for people."""

    reason = "unavailable"


class UnavailableError(UpstreamError):
    """It does not answer, or with an error of its own; what is cached still serves."""


class LimitedError(UpstreamError):
    """It wants us to come back later than a client would wait; `seconds` says when."""

    reason = "rate_limited"

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class MissingError(UpstreamError):
    """It has no such thing."""

    reason = "missing"


class DeniedError(UpstreamError):
    """It does not let us."""

    reason = "denied"


class WrongError(UpstreamError):
    """What it sent is not what was asked for: a proxy's page, or other content than its digest says."""

    reason = "wrong"


# Those that are the upstream's fault; that there is no such thing is an answer like any other.
FAULTS = tuple(error.reason for error in (UnavailableError, LimitedError, WrongError))
