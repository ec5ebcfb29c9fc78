"""Tokens for distribution: what an account may do for the next minutes.

Distribution's token specification: https://distribution.github.io/distribution/spec/auth/jwt/
"""

import datetime
import time
import uuid
from typing import Any

import jwt

from supply.registry.keys import Keys

SERVICE = ISSUER = "horcrux"
SECONDS = 300  # a push of a large layer is authorized when it begins
# Distribution takes a token for so much longer than it says (Leeway in its registry/auth/token/token.go), and
# the gate must look at all that it takes.
LEEWAY_SECONDS = 60
EARLY_SECONDS = 10  # two clocks on one machine agree; a token is valid from a moment ago


class Tokens:
    """Makes tokens, and reads its own."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def make(self, account: str, access: list[dict[str, Any]]) -> dict[str, Any]:
        """A token as the specification answers it; `access`: see supply.registry.scopes.granted."""
        now, key = int(time.time()), self._keys.current()
        claims = {
            "iss": ISSUER,
            "sub": account,
            "aud": SERVICE,
            "iat": now,
            "nbf": now - EARLY_SECONDS,
            "exp": now + SECONDS,
            "jti": uuid.uuid4().hex,
            "access": access,
        }
        token = jwt.encode(claims, key.private, "ES256", headers={"x5c": [key.x5c]})
        issued = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"token": token, "access_token": token, "expires_in": SECONDS, "issued_at": issued}

    def allows(self, header: str | None, repository: str, action: str) -> bool:
        """Whether a request carries a token of ours that allows this."""
        return any(
            entry["type"] == "repository"
            and entry["name"] == repository
            and action in entry["actions"]
            for entry in self._access(header)
        )

    def own(self, repository: str, *actions: str) -> dict[str, str]:
        """The header of a request that the gate makes itself."""
        access = [{"type": "repository", "name": repository, "actions": list(actions)}]
        return {"Authorization": f"Bearer {self.make('gate', access)['token']}"}

    def _access(self, header: str | None) -> list[dict[str, Any]]:
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            return []
        for key in self._keys.trusted():
            try:
                claims = jwt.decode(
                    token,
                    key,
                    ["ES256"],
                    audience=SERVICE,
                    issuer=ISSUER,
                    leeway=LEEWAY_SECONDS,
                )
            except jwt.InvalidTokenError:
                continue
            found: list[dict[str, Any]] = claims["access"]
            return found
        return []
