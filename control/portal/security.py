"""Who asks and from where, as the edge tells it, and the headers that every answer has."""

import ipaddress
import re
from urllib.parse import urlsplit

from aiohttp import web

POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Server": "horcrux",  # versions are nobody's business
}
HSTS = "max-age=31536000"  # a year, as browsers' makers advise
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:.]{2,45}\](:[0-9]{1,5})?")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
SITE_PREFIX = 64  # an IPv6 customer has a network of this size, and any address in it


async def protect(_: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on, whatever the answer is: aiohttp calls this before it sends one."""
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


async def insist(request: web.Request, response: web.StreamResponse) -> None:
    """Let browsers come by https alone; only where plain http is not meant to work as well."""
    if scheme(request) == "https":
        response.headers["Strict-Transport-Security"] = HSTS


def scheme(request: web.Request) -> str:
    """The scheme that the client used."""
    return _last(request, "X-Forwarded-Proto").lower() or request.scheme


def host(request: web.Request) -> str:
    """The host, and port if it says one, that the client asked for; empty if that is no host."""
    name = _last(request, "X-Forwarded-Host") or request.headers.get("Host", "")
    return name.lower() if HOST.fullmatch(name) else ""


def client(request: web.Request) -> str:
    """The client's address: what the edge appended, or the peer's; of IPv6, the network."""
    peer = request.remote or ""
    for text in (_last(request, "X-Forwarded-For"), peer):
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv6Address) and not address.ipv4_mapped:
            return str(ipaddress.ip_network((address, SITE_PREFIX), strict=False))
        return str(getattr(address, "ipv4_mapped", None) or address)
    return peer


def from_own_page(request: web.Request) -> bool:
    """Whether a script of a page of this host asks; browsers say so in `Origin`, and nobody else can."""
    return _agrees(request, request.headers.get("Origin", ""))


def from_own_form(request: web.Request) -> bool:
    """The same for a form, whose `Origin` is `null` because our pages send no referrer.

    A form carries a token that only our page has; this only refuses earlier what is plainly foreign.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = request.headers.get("Origin", "null")
    return origin == "null" or _agrees(request, origin)


def _agrees(request: web.Request, origin: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    default = DEFAULT_PORTS.get(parts.scheme)
    if default is None:
        return False
    asked = host(request).removesuffix(default)
    return bool(asked) and parts.netloc.lower().removesuffix(default) == asked


def _last(request: web.Request, name: str) -> str:
    """The last entry of a header that proxies append to."""
    return ",".join(request.headers.getall(name, [])).rpartition(",")[2].strip()
