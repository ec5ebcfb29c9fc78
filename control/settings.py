"""What control is told by its environment; components/control.py writes it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from control.targets import Outside


@dataclass(frozen=True)
class Settings:
    """`url`: a route's URL with {host} and {path} in it; `session` in seconds."""

    environment: str
    host: str
    url: str
    portal_url: str
    outside: Outside
    session: int
    https_only: bool

    @classmethod
    def of(cls, variables: Mapping[str, str] = os.environ) -> "Settings":
        """From environment variables. Raises KeyError for one that is missing."""
        url = variables["HORCRUX_URL"].replace("HOST", "{host}").replace("PATH", "{path}")
        return cls(
            variables["HORCRUX_ENVIRONMENT"],
            variables["HORCRUX_HOST"],
            url,
            variables["HORCRUX_PORTAL_URL"],
            Outside(
                variables["HORCRUX_FRONT_DOOR_HTTP"],
                variables["HORCRUX_FRONT_DOOR_HTTPS"],
                variables["HORCRUX_REGISTRY"],
            ),
            int(variables["HORCRUX_PORTAL_SESSION"]),
            bool(variables["HORCRUX_PORTAL_HTTPS_ONLY"]),
        )
