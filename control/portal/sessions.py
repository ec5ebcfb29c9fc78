"""Sessions and forms as signed texts: whoever has the account's key can check them, without memory.

A token is `KIND.EXPIRES.NONCE.SIGNATURE`. What was signed stays good until it expires or the key or
password changes: logging out takes the cookie from the browser, and cannot revoke a copy of it.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from control.portal.account import Account

COOKIE, FORM_COOKIE = "horcrux_session", "horcrux_login"
SESSION_SECONDS = 12 * 3600  # a shift of on-call, with the time to hand it over
FORM_SECONDS = 10 * 60  # a login page is filled in by then; it says so when it was not
NONCE_BYTES = 16  # none is met twice
LONGEST_TOKEN = 256  # ours have about 120 characters

Clock = Callable[[], float]


@dataclass(frozen=True)
class Session:
    """Somebody who has logged in, until `expires`."""

    token: str
    expires: int


class Sessions:
    """Signs and checks."""

    def __init__(
        self, account: Account, seconds: int = SESSION_SECONDS, clock: Clock = time.time
    ) -> None:
        self.seconds = seconds
        self._clock = clock
        # With the hash in it, a change of the password ends the sessions, too.
        self._key = hmac.digest(
            account.key.encode(), account.password_bcrypt.encode(), hashlib.sha256
        )

    def begin(self) -> Session:
        """A session from now on."""
        return self._issue("session", self.seconds)

    def read(self, token: str | None) -> Session | None:
        """The session that a cookie stands for; None unless it is ours and has not expired."""
        return self._checked("session", token)

    def form(self) -> Session:
        """What a login form's cookie holds; its token in the form is `csrf` of this."""
        return self._issue("form", FORM_SECONDS)

    def read_form(self, token: str | None) -> Session | None:
        """The form that a cookie stands for; None unless it is ours and has not expired."""
        return self._checked("form", token)

    def csrf(self, session: Session) -> str:
        """What a request that changes something must say; another site cannot know it."""
        return self._sign(f"csrf.{session.token}")

    def csrf_agrees(self, session: Session, given: str | None) -> bool:
        """Whether a request said it."""
        return _same(self.csrf(session), given or "")

    def left(self, session: Session) -> float:
        """Seconds until the session's time is over."""
        return max(0.0, session.expires - self._clock())

    def expired(self, session: Session) -> bool:
        """Whether it is over."""
        return self.left(session) == 0

    def _issue(self, kind: str, seconds: int) -> Session:
        expires = int(self._clock()) + seconds
        text = f"{kind}.{expires}.{secrets.token_hex(NONCE_BYTES)}"
        return Session(f"{text}.{self._sign(text)}", expires)

    def _checked(self, kind: str, token: str | None) -> Session | None:
        if not token or len(token) > LONGEST_TOKEN:
            return None
        text, _, signature = token.rpartition(".")
        if not _same(self._sign(text), signature):
            return None
        signed_kind, expires, _ = text.split(".")
        session = Session(token, int(expires))
        return None if signed_kind != kind or self.expired(session) else session

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="replace"), hashlib.sha256).hexdigest()


def _same(ours: str, given: str) -> bool:
    """Compared in a time that tells nothing; `given` may hold what is no text."""
    return hmac.compare_digest(ours.encode(), given.encode(errors="replace"))
