"""Logging in and out."""

import logging

from aiohttp import web

from control.portal.door import Door, TooOftenError
from control.portal.pages import Pages
from control.portal.security import client, from_own_form, scheme
from control.portal.sessions import COOKIE, FORM_COOKIE, FORM_SECONDS, Sessions

log = logging.getLogger("control.portal")


class Entrance:
    """The handlers of `/login` and `/logout`."""

    def __init__(self, door: Door, sessions: Sessions, pages: Pages) -> None:
        self._door, self._sessions, self._pages = door, sessions, pages

    async def form(self, request: web.Request) -> web.Response:
        """`GET /login`."""
        if self._sessions.read(request.cookies.get(COOKIE)):
            raise web.HTTPSeeOther("/")
        return self._page(request)

    async def login(self, request: web.Request) -> web.Response:
        """`POST /login`. What was typed is never logged: people type passwords as user names."""
        try:
            given = await request.post()
        except (ValueError, LookupError):
            raise web.HTTPBadRequest(text="This is no login form.") from None
        username, password, token = (
            str(given.get(k, "")) for k in ("username", "password", "token")
        )
        form = self._sessions.read_form(request.cookies.get(FORM_COOKIE))
        if not from_own_form(request) or not form or not self._sessions.csrf_agrees(form, token):
            return self._page(request, "The form was open for too long. Please try again.", 403)
        address = client(request)
        try:
            admitted = await self._door.admits(address, username, password)
        except TooOftenError as error:
            log.warning("too many logins failed; %s has to wait", address)
            page = self._page(
                request, f"Too many logins failed. Try again in {error.seconds} seconds.", 429
            )
            page.headers["Retry-After"] = str(error.seconds)
            return page
        if not admitted:
            log.warning("a login from %s failed", address)
            return self._page(request, "User name or password is wrong.", 401)
        log.info("a login from %s", address)
        return self._come_in(request)

    async def logout(self, _: web.Request) -> web.Response:
        """`POST /logout`: the browser forgets."""
        response = web.Response(status=204)
        response.del_cookie(COOKIE, path="/")
        return response

    def _come_in(self, request: web.Request) -> web.Response:
        response = web.Response(status=303, headers={"Location": "/"})
        self._put(request, response, COOKIE, self._sessions.begin().token, self._sessions.seconds)
        response.del_cookie(FORM_COOKIE, path="/")
        return response

    def _page(self, request: web.Request, problem: str = "", status: int = 200) -> web.Response:
        form = self._sessions.read_form(request.cookies.get(FORM_COOKIE))
        if form is None or self._sessions.left(form) < FORM_SECONDS / 2:
            form = self._sessions.form()  # else the form in another tab stays good
        response = self._pages.login(self._sessions.csrf(form), problem, status)
        self._put(request, response, FORM_COOKIE, form.token, FORM_SECONDS)
        return response

    @staticmethod
    def _put(
        request: web.Request, response: web.Response, name: str, token: str, seconds: int
    ) -> None:
        secure = scheme(request) == "https"
        response.set_cookie(
            name, token, max_age=seconds, path="/", httponly=True, samesite="Strict", secure=secure
        )
