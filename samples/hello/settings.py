"""What hello reads from its environment, checked once at start."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .faults import Faults

OnSigterm = Literal["drain", "die"]

BINDING_SUFFIXES = ("_HOST", "_PORT", "_URL")
OWN_PREFIXES = ("HORCRUX_", "HELLO_")


class SettingsError(ValueError):
    """A variable has a value that hello cannot work with; the text names both."""


@dataclass(frozen=True)
class Identity:
    """Who answers, as the platform tells it; None where it does not."""

    host: str | None
    task: str | None
    app: str | None
    release: str | None
    bindings: tuple[str, ...]
    """Names, never values, of the variables that bindings brought: a URL may hold a password."""


@dataclass(frozen=True)
class Settings:
    """How this process serves."""

    identity: Identity
    port: int
    drain_seconds: float
    """How long new requests are still answered after SIGTERM, while `/healthz` says 503."""
    on_sigterm: OnSigterm
    echo_limit: int
    """Bytes that one `POST /echo` may carry; also what it may hold in memory."""
    faults: Faults


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Turn environment variables into settings; SettingsError names the first wrong one."""
    return Settings(
        identity=read_identity(environment),
        port=int(_number(environment, "HELLO_PORT", 8080, 65535)),
        drain_seconds=_number(environment, "HELLO_DRAIN_SECONDS", 3, 600),
        on_sigterm=_on_sigterm(environment),
        echo_limit=int(_number(environment, "HELLO_ECHO_LIMIT_BYTES", 16 * 2**20, 2**30)),
        faults=read_faults(environment),
    )


def read_faults(environment: Mapping[str, str]) -> Faults:
    """Collect what is to go wrong; nothing, where nothing is said."""
    return Faults(
        fail_ratio=_number(environment, "HELLO_FAIL_RATIO", 0, 1),
        fail_after=_number(environment, "HELLO_FAIL_AFTER_SECONDS", 0, 86_400),
        delay=_number(environment, "HELLO_DELAY_SECONDS", 0, 60),
        slow_ratio=_number(environment, "HELLO_SLOW_RATIO", 0, 1),
        slow_seconds=_number(environment, "HELLO_SLOW_SECONDS", 0, 60),
    )


def read_identity(environment: Mapping[str, str]) -> Identity:
    """Collect what `/` shows."""
    bindings = (
        name
        for name in environment
        if name.endswith(BINDING_SUFFIXES) and not name.startswith(OWN_PREFIXES)
    )
    return Identity(
        host=environment.get("HORCRUX_HOST"),
        task=environment.get("HORCRUX_TASK"),
        app=environment.get("HORCRUX_APP"),
        release=environment.get("HORCRUX_RELEASE"),
        bindings=tuple(sorted(bindings)),
    )


def _number(environment: Mapping[str, str], name: str, default: float, highest: float) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= highest:
        raise SettingsError(f"{name} is '{text}': give a number from 0 to {highest:g}.")
    return value


def _on_sigterm(environment: Mapping[str, str]) -> OnSigterm:
    match environment.get("HELLO_IGNORE_SIGTERM", ""):
        case "":
            return "drain"
        case "die":
            return "die"
        case other:
            raise SettingsError(
                f"HELLO_IGNORE_SIGTERM is '{other}': leave it out to drain on SIGTERM, "
                "or give 'die' to exit at once."
            )
