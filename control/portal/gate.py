"""What every request passes before its handler: https where it is wanted, a session, no foreign orders."""

import logging
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from control.portal.answers import answer
from control.portal.pages import Pages
from control.portal.security import from_own_page, host, scheme
from control.portal.sessions import COOKIE, Session, Sessions
from control.portal.source import SourceError

OPEN = ("/login", "/healthz", "/static/")  # for those who are not in
HARMLESS = ("GET", "HEAD")
CSRF_HEADER = "X-CSRF-Token"

# aiohttp wants keys of its own making where it has them, since 3.14; Debian's does not.
SESSION: Any = (
    web.RequestKey("session", Session) if hasattr(web, "RequestKey") else "horcrux.session"
)

log = logging.getLogger("control.portal")


class Gate:
    """The three of them, and what an error looks like."""

    def __init__(self, sessions: Sessions, pages: Pages, https_port: int | None) -> None:
        self._sessions, self._pages, self._https_port = sessions, pages, https_port

    def middlewares(self) -> list[Any]:
        """In the order in which a request meets them."""
        return [
            self.explain,
            self.want_https,
            self.want_session,
        ]

    @web.middleware
    async def explain(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors as JSON for scripts, and as a page for people."""
        try:
            return await handler(request)
        except SourceError as error:
            status, text, kept = 502, str(error), {}
        except web.HTTPException as error:
            if error.status < 400:
                raise
            status = error.status
            # aiohttp's own texts are "404: Not Found"; ours are sentences
            text = (error.text or error.reason).removeprefix(f"{status}: ")
            kept = {k: v for k, v in error.headers.items() if k in ("Allow", "Retry-After")}
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            status, text, kept = 500, "The portal failed; its log says why.", {}
        if request.path.startswith("/api/"):
            response = answer(request, {"error": text}, status)
        else:
            response = self._pages.error(status, text)
        response.headers.update(kept)
        return response

    @web.middleware
    async def want_https(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """No password and no cookie in the clear, where https_only is set."""
        plain = self._https_port is not None and scheme(request) != "https"
        if not plain or request.path == "/healthz":
            return await handler(request)
        name = host(request)
        if request.method not in HARMLESS or not name:
            raise web.HTTPForbidden(text="The portal is reached by https only.")
        bare = name.rpartition(":")[0] if name[-1] != "]" and ":" in name else name
        port = "" if self._https_port == 443 else f":{self._https_port}"
        raise web.HTTPPermanentRedirect(f"https://{bare}{port}{request.rel_url.raw_path_qs}")

    @web.middleware
    async def want_session(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Nobody gets further without a session, and no other site's page gives orders in its name."""
        if request.path.startswith(OPEN):
            return await handler(request)
        session = self._sessions.read(request.cookies.get(COOKIE))
        if session is None:
            if request.path.startswith("/api/") or request.method not in HARMLESS:
                raise web.HTTPUnauthorized(text="Log in first, or again.")
            raise web.HTTPSeeOther("/login")
        if request.method not in HARMLESS:
            told = request.headers.get(CSRF_HEADER)
            if not from_own_page(request) or not self._sessions.csrf_agrees(session, told):
                raise web.HTTPForbidden(text="This was not asked by the portal's page. Reload it.")
        request[SESSION] = session
        return await handler(request)


def session_of(request: web.Request) -> Session:
    """The session that the gate found."""
    session: Session = request[SESSION]
    return session
