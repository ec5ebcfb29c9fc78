"""What an upstream is shown that asks who we are: a token, got where it says, or the account itself."""

import base64
import time
from urllib.parse import urlsplit

import aiohttp

from supply import challenge
from supply.cache.failure import WrongError
from supply.cache.settings import Upstream
from supply.cache.status import check_busy

BASIC_SECONDS = 3600.0  # that the account is shown unasked
TOKEN_SECONDS = 60.0  # that a token lasts when it does not say (distribution's specification)
TOKEN_MARGIN = 10.0
TIMEOUT = aiohttp.ClientTimeout(total=30.0, sock_connect=5.0)


class Credentials:
    """One upstream's, by repository; anonymous ones are as if it had given us no account."""

    def __init__(
        self, upstream: Upstream, session: aiohttp.ClientSession, actions: str = "pull"
    ) -> None:
        """`actions`: what tokens are to allow, as in `pull,push`."""
        self._upstream, self._session, self._actions = upstream, session, actions
        self._headers: dict[tuple[str, bool], tuple[str, float]] = {}

    def known(self, repository: str, anonymous: bool) -> dict[str, str]:
        """What was shown the last time, while it holds."""
        header, until = self._headers.get((repository, anonymous), ("", 0.0))
        return {"Authorization": header} if until > time.monotonic() else {}

    def renew(self, repository: str, seconds: float) -> None:
        """What holds for less than these seconds is not shown again."""
        if self._headers.get((repository, False), ("", 0.0))[1] < time.monotonic() + seconds:
            self._headers.pop((repository, False), None)

    async def answering(self, question: str, repository: str, anonymous: bool) -> str | None:
        """What answers a WWW-Authenticate; None where we have nothing. Raises BusyError, WrongError."""
        self._headers.pop((repository, anonymous), None)
        asked = challenge.parse(question)
        if asked is None:
            return None
        account = None if anonymous else self._account()
        if asked.scheme == "basic":
            return self._keep(repository, anonymous, account, BASIC_SECONDS) if account else None
        return await self._token(asked.parameters, repository, anonymous, account)

    async def _token(
        self, asked: dict[str, str], repository: str, anonymous: bool, account: str | None
    ) -> str | None:
        name, realm = self._upstream.name, asked.get("realm", "")
        if not realm.startswith(("https://", f"{urlsplit(self._upstream.url).scheme}://")):
            raise WrongError(f"{name} sends to {realm!r} for a token")
        parameters = {"scope": f"repository:{repository}:{self._actions}"}
        if service := asked.get("service"):
            parameters["service"] = service
        headers = {"Authorization": account} if account else {}
        wanted = self._session.get(
            realm, params=parameters, headers=headers, timeout=TIMEOUT, allow_redirects=False
        )
        async with wanted as answer:
            if answer.status in (401, 403):
                return None
            check_busy(answer, f"{name}'s {urlsplit(realm).hostname}")
            try:
                told = await answer.json(content_type=None)
                token = told.get("token") or told["access_token"]
                lasts = float(told.get("expires_in") or TOKEN_SECONDS) - TOKEN_MARGIN
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                told = f"{realm} answers {answer.status} with something that is no token"
                raise WrongError(f"{name}: {told}") from error
        return self._keep(repository, anonymous, f"Bearer {token}", lasts)

    def _account(self) -> str | None:
        if self._upstream.username is None:
            return None
        pair = f"{self._upstream.username}:{self._upstream.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _keep(self, repository: str, anonymous: bool, header: str, seconds: float) -> str:
        self._headers[repository, anonymous] = (header, time.monotonic() + seconds)
        return header
