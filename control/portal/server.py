"""The portal's HTTP service: a page, what it asks, and the login before both.

Everything but `/login`, `/healthz` and `/static/` wants a session: what is added to the routes is
behind the login unless somebody says otherwise here.
"""

import time
from dataclasses import dataclass

from aiohttp import web

from control.portal.account import Account
from control.portal.answers import answer
from control.portal.door import Door
from control.portal.entrance import Entrance
from control.portal.feed import Feed
from control.portal.files import Files
from control.portal.gate import Gate, session_of
from control.portal.limits import Limits
from control.portal.pages import Pages
from control.portal.queries import SeriesQuery, SilenceQuery
from control.portal.security import insist, protect
from control.portal.sessions import SESSION_SECONDS, Clock, Sessions
from control.portal.source import Source
from control.portal.stream import stream

PORT = 8082
LARGEST_BODY = 16 * 1024  # a silence with many labels has two; nobody sends the portal files


@dataclass(frozen=True)
class Options:
    """How the portal is set."""

    environment: str = ""
    session_seconds: int = SESSION_SECONDS
    https_only: bool = False
    https_port: int = 443  # where plain requests are sent to, with https_only


class Portal:
    """The handlers of those who are in."""

    def __init__(
        self, source: Source, account: Account, pages: Pages, sessions: Sessions, feed: Feed
    ) -> None:
        self._source, self._account = source, account
        self._pages, self._sessions, self._feed = pages, sessions, feed

    async def page(self, request: web.Request) -> web.Response:
        """`GET /`."""
        csrf = self._sessions.csrf(session_of(request))
        return self._pages.page(self._account.username, csrf)

    async def overview(self, request: web.Request) -> web.Response:
        """`GET /api/overview`: how everything is now."""
        return answer(request, await self._source.overview())

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """`GET /api/stream`: how everything is, again and again."""
        return await stream(request, self._feed, self._sessions, session_of(request))

    async def series(self, request: web.Request) -> web.Response:
        """`GET /api/series?what=&name=&minutes=`: how something has been."""
        query = SeriesQuery.read(request)
        return answer(request, await self._source.series(query.what, query.name, query.minutes))

    async def silence(self, request: web.Request) -> web.Response:
        """`POST /api/silence`: let nobody be notified of some alerts for a while."""
        query = await SilenceQuery.read(request)
        made = await self._source.silence(
            query.matchers, query.seconds, query.comment, self._account.username
        )
        return answer(request, {"id": made})


def application(
    source: Source,
    account: Account,
    options: Options = Options(),
    clock: Clock = time.time,
) -> web.Application:
    """The service over `source`."""
    sessions = Sessions(account, options.session_seconds, clock)
    files, feed = Files(), Feed(source)
    pages = Pages(files, options.environment)
    gate = Gate(sessions, pages, options.https_port if options.https_only else None)
    entrance = Entrance(Door(account, Limits(clock)), sessions, pages)
    portal = Portal(source, account, pages, sessions, feed)
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=gate.middlewares())
    app.add_routes(
        [
            web.get("/healthz", health),
            web.get("/static/{version}/{name}", files.get),
            web.get("/login", entrance.form),
            web.post("/login", entrance.login),
            web.post("/logout", entrance.logout),
            web.get("/", portal.page),
            web.get("/api/overview", portal.overview),
            web.get("/api/stream", portal.stream, allow_head=False),  # it would never end
            web.get("/api/series", portal.series),
            web.post("/api/silence", portal.silence),
        ]
    )
    app.on_response_prepare.append(protect)
    if options.https_only:
        app.on_response_prepare.append(insist)
    app.cleanup_ctx.append(feed.run)
    app.on_shutdown.append(feed.end)
    return app


async def health(_: web.Request) -> web.Response:
    """`GET /healthz`: the process answers; whether the cluster is well is the page's to say."""
    return web.Response(text="ok\n")
