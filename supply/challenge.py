"""How a registry asks who one is: WWW-Authenticate (RFC 7235; distribution's token scheme). Pure."""

import re
from dataclasses import dataclass

PARAMETER = re.compile(r'([A-Za-z]+)=(?:"([^"]*)"|([^\s,"]+))')


@dataclass(frozen=True)
class Challenge:
    """The scheme (`basic` or `bearer`) and its parameters: realm, service, scope."""

    scheme: str
    parameters: dict[str, str]


def parse(header: str) -> Challenge | None:
    """The challenge in a header; None where it is none that we could answer."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() not in ("basic", "bearer"):
        return None
    found = {key.lower(): quoted or plain for key, quoted, plain in PARAMETER.findall(rest)}
    return Challenge(scheme.lower(), found)
