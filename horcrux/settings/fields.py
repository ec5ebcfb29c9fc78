"""The kinds of values that settings are made of: names, ports, sizes, durations, routes.

Each says in its error what a right value looks like; the path is added by `errors`.
"""

import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
PATH = re.compile(r"/[A-Za-z0-9._~%/-]*")
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,15})?)\s*([KMGTkmgt]?)(?:[Ii]?[Bb])?")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAIL_ADDRESS = re.compile(
    r"[!#-'*+./-9=?A-Z^-~-]+@[!#-'*+./-9=?A-Z^-~-]+"
)  # nothing that ends a header
MAIL_SERVER = re.compile(r"[A-Za-z0-9.-]+:[0-9]{1,5}")


class Model(BaseModel):
    """What all settings have in common: frozen, and unknown keys refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False
    )


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a name: small letters, digits and dashes, "
            "a letter first, at most 40 characters"
        )
    return value


def _port(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise ValueError(f"{value!r} is not a port (1-65535)")
    return value


def size(value: Any) -> int:
    """Bytes of `512M`, `1.5G`, `2GiB` or a plain number (units are powers of 1024)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = SIZE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        raise ValueError(f"{value!r} is not a size: write it as 512M or 1.5G")
    return int(float(found[1]) * UNITS[found[2].upper()])


def shown_size(value: int) -> str:
    """Bytes in the largest unit that divides them: 268435456 is 256M."""
    unit = next((u for u in "TGMK" if value and value % UNITS[u] == 0), "")
    return f"{value // UNITS[unit]}{unit}"


def _host(value: str) -> str:
    if not HOST.fullmatch(value) or len(value) > 253:
        raise ValueError(f"{value!r} is not a host name")
    return value


def _route(value: str) -> str:
    host, slash, path = value.partition("/")
    if not slash or (host and not HOST.fullmatch(host)) or not PATH.fullmatch("/" + path):
        raise ValueError(
            f"{value!r} is not a route: write a path (/shop) "
            "or a host and a path (www.example.org/)"
        )
    return value


def _mount(value: str) -> str:
    if not PurePosixPath(value).is_absolute() or ".." in PurePosixPath(value).parts or ":" in value:
        raise ValueError(f"{value!r} is not an absolute path inside the container")
    return value


def _variable(value: str) -> str:
    if not VARIABLE.fullmatch(value):
        raise ValueError(f"{value!r} is not the name of an environment variable")
    return value


def _mail_address(value: str) -> str:
    if not MAIL_ADDRESS.fullmatch(value):
        raise ValueError(f"{value!r} is not a mail address: write one, like ops@example.org")
    return value


def _mail_server(value: str) -> str:
    if not MAIL_SERVER.fullmatch(value) or not 1 <= int(value.partition(":")[2]) <= 65535:
        raise ValueError(f"{value!r} is not a host and a port, like smtp.example.org:587")
    return value


def _text(value: Any) -> Any:
    """YAML reads `PORT: 80` and `DEBUG: true` as number and truth value; containers get text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def described(title: str, **more: Any) -> Any:
    """What the JSON Schema and the reference say of a kind of value."""
    return Field(title=title, json_schema_extra=more)


def _anchored(*patterns: re.Pattern[str]) -> str:
    return f"^{''.join(p.pattern for p in patterns)}$"


Name = Annotated[str, AfterValidator(_name), described("name", pattern=_anchored(NAME))]
Port = Annotated[int, BeforeValidator(_port), described("port", minimum=1, maximum=65535)]
Size = Annotated[
    int,
    BeforeValidator(size),
    Field(ge=0),
    described("size", type=["string", "integer"], pattern=_anchored(SIZE)),
]
HostName = Annotated[str, AfterValidator(_host), described("host name", pattern=_anchored(HOST))]
Route = Annotated[
    str, AfterValidator(_route), described("route", pattern=f"^({HOST.pattern})?{PATH.pattern}$")
]
MountPath = Annotated[str, AfterValidator(_mount), described("absolute path", pattern="^/[^:]*$")]
Variable = Annotated[
    str, AfterValidator(_variable), described("variable", pattern=_anchored(VARIABLE))
]
MailAddress = Annotated[
    str, AfterValidator(_mail_address), described("mail address", pattern=_anchored(MAIL_ADDRESS))
]
MailServer = Annotated[
    str, AfterValidator(_mail_server), described("host:port", pattern=_anchored(MAIL_SERVER))
]
Text = Annotated[
    str, BeforeValidator(_text), described("text", type=["string", "number", "boolean"])
]
Seconds = Annotated[int, Field(ge=1, le=86400, title="seconds")]
