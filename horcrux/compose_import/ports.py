"""`ports` and `expose` → the one `port` that an app has, with a route if it was published."""

import re
from typing import Any, NamedTuple

from horcrux.compose_import.context import Context
from horcrux.compose_import.draft import Draft
from horcrux.compose_import.notes import ComposeError
from horcrux.compose_import.values import listed, scalar

HTTP = (80, 8080, 3000, 5000, 8000, 8888, 9000, 4000, 5173, 8081, 8090, 9090)
TLS = (443, 8443)
NOT_HTTP = frozenset(
    {21, 22, 23, 25, 53, 110, 143, 389, 465, 587, 636, 993, 995, 1433, 1521, 1883, 2181, 3306,
     4222, 5432, 5672, 6379, 9042, 9092, 11211, 27017}
)  # fmt: skip
SHORT = re.compile(
    r"(?:(?P<ip>\[[^]]*\]|[0-9]+(?:\.[0-9]+){3}):)?(?:(?P<outer>[0-9-]*):)?"
    r"(?P<inner>[0-9]+(?:-[0-9]+)?)(?:/(?P<protocol>[a-z]+))?"
)
LOOPBACK = ("127.", "[::1]", "::1")
MOST_IN_RANGE = 100  # longer ranges are for protocols that the edge does not speak


class Published(NamedTuple):
    """A port of the container, and where the machine published it."""

    inner: int
    outer: str
    protocol: str
    local: bool


def add_port(draft: Draft, service: dict[str, Any], context: Context) -> None:
    """The port that the app listens on, with a route if it was published and speaks HTTP."""
    published = [
        port
        for i, item in enumerate(listed(service.get("ports"), f"{draft.path}.ports"))
        for port in _published(item, f"{draft.path}.ports[{i}]")
    ]
    exposed = [
        port.inner
        for i, item in enumerate(listed(service.get("expose"), f"{draft.path}.expose"))
        for port in _published(item, f"{draft.path}.expose[{i}]")
        if port.protocol == "tcp"
    ]
    tcp = [port for port in published if port.protocol == "tcp"]
    if draft.known.scheme:
        _database(draft, [port.inner for port in tcp] + exposed, bool(tcp), context)
    else:
        chosen = _chosen([port.inner for port in tcp]) or (None if tcp else _chosen(exposed))
        if chosen:
            draft.app["port"] = chosen
        _routes(draft, tcp, chosen, context)
    for port in published:
        if port.protocol != "tcp":
            what = f"{port.inner}/{port.protocol} is not carried over: the edge passes HTTP alone"
            context.notes.add(f"{draft.path}.ports", what)


def _database(draft: Draft, ports: list[int], published: bool, context: Context) -> None:
    told = set(draft.app["command"])  # `--port 27018`; other ports are those of consoles and peers
    moved = next((port for port in ports if str(port) in told), None)
    draft.app["port"] = moved or draft.known.port
    if published:
        context.notes.add(
            f"{draft.path}.ports",
            f"is not published: other apps reach it with `bind: [{draft.name}]`, "
            "and from outside nobody does",
        )


def _chosen(ports: list[int]) -> int | None:
    """The port that speaks HTTP, by its number; or the only one."""
    for port in HTTP:
        if port in ports:
            return port
    others = [port for port in dict.fromkeys(ports) if port not in TLS] or ports
    return others[0] if len(set(others)) == 1 else None


def _routes(draft: Draft, ports: list[Published], chosen: int | None, context: Context) -> None:
    path, notes = f"{draft.path}.ports", context.notes
    if ports and not chosen:
        listing = ", ".join(str(port.inner) for port in ports)
        what = f"none of {listing} is surely HTTP; set apps.{draft.name}.port, and routes if it is"
        notes.add(path, what)
        return
    for port in ports:
        if port.inner != chosen:
            what = f"{port.inner} is not carried over: an app has one port, and {chosen} is taken"
            notes.add(path, what)
    mine = [port for port in ports if port.inner == chosen]
    if not mine:
        return
    if chosen in NOT_HTTP:
        notes.add(path, f"{chosen} is not HTTP, and the edge passes HTTP alone; it has no route")
        return
    draft.app["routes"] = ["/"]
    if chosen in TLS:
        notes.add(path, f"{chosen} speaks TLS, which the edge ends; let the app speak plain HTTP")
    if all(port.local for port in mine):
        what = "was for this machine alone, and the route opens it to all whom the edge lets in"
        notes.add(path, f"{what}; take apps.{draft.name}.routes away if that is wrong")
    elif outer := [port.outer for port in mine if port.outer]:
        where = f"{draft.name}.ENVIRONMENT.DOMAIN"
        notes.add(path, f"is reached as https://{where}/ through the edge, not on port {outer[0]}")


def _published(item: Any, path: str) -> list[Published]:
    """The ports of one element, short or long form, with ranges."""
    if isinstance(item, dict):
        inner = scalar(item.get("target"), f"{path}.target")
        outer, address = str(item.get("published", "")), str(item.get("host_ip", ""))
        protocol = str(item.get("protocol", "tcp"))
    else:
        found = SHORT.fullmatch(scalar(item, path))
        if not found:
            raise ComposeError(path, f"{item!r} is not a port; write it as 8080:80")
        inner, outer, address = found["inner"], found["outer"] or "", found["ip"] or ""
        protocol = found["protocol"] or "tcp"
    ports = _range(inner, path)
    outers = _range(outer, path) if "-" in outer else []
    return [
        Published(
            port,
            str(outers[i]) if len(outers) == len(ports) else outer,
            protocol,
            address.startswith(LOOPBACK),
        )
        for i, port in enumerate(ports)
    ]


def _range(text: str, path: str) -> list[int]:
    low, _, high = text.partition("-")
    if not low.isdecimal() or (high and not high.isdecimal()) or len(text) > 11:
        raise ComposeError(path, f"{text!r} is not a port; write it as 8080:80")
    first, last = int(low), int(high or low)
    if not 1 <= first <= last <= 65535 or last - first > MOST_IN_RANGE:
        raise ComposeError(path, f"{text!r} is not a port or a range of at most {MOST_IN_RANGE}")
    return list(range(first, last + 1))
