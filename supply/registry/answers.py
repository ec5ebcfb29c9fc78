"""How the gate refuses, in the distribution specification's words."""

from aiohttp import web

from supply import oci

RETRY = {"Retry-After": "30"}


def unauthorized() -> web.Response:
    """Nobody, or a wrong password."""
    headers = {"WWW-Authenticate": 'Basic realm="horcrux registry"'}
    return refused(401, "UNAUTHORIZED", "no such account, or another password", headers)


def busy(message: str) -> web.Response:
    """It cannot be now."""
    return refused(503, "UNAVAILABLE", message, RETRY)


def refused(
    status: int, code: str, message: str, headers: dict[str, str] | None = None
) -> web.Response:
    """It cannot be."""
    return web.json_response(oci.error(code, message), status=status, headers=headers)
