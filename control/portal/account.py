"""Who may log in: one account, from a file that the cluster hands to control as a secret."""

import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

SECRET = Path("/run/secrets/portal.json")
LONGEST_PASSWORD = 72  # bytes; bcrypt knows no more, and its versions differ in what they do then
SHORTEST_KEY = 32  # characters; a key that can be guessed lets anybody sign a session


class AccountError(ValueError):
    """The account's file cannot be used; the message says why, and none of what is in it."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The account's name, its password's bcrypt hash, and the key that sessions are signed with."""

    username: str = "admin"
    password_bcrypt: str = field(repr=False)
    key: str = field(repr=False)

    @classmethod
    def read(cls, path: Path = SECRET) -> "Account":
        """The account in `path`: `{"password_bcrypt", "key"}`, and `username` if it is another."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            reason = type(error).__name__  # a JSON error would quote the secret
            raise AccountError(f"{path}: cannot be read as JSON ({reason})") from None
        if not isinstance(raw, dict):
            raise AccountError(f"{path}: must be a JSON object")
        parts = {k: raw[k] for k in ("username", "password_bcrypt", "key") if k in raw}
        if not all(isinstance(value, str) for value in parts.values()):
            raise AccountError(f"{path}: username, password_bcrypt and key must be texts")
        missing = {"password_bcrypt", "key"} - parts.keys()
        if missing:
            raise AccountError(f"{path}: lacks {' and '.join(sorted(missing))}")
        account = cls(**parts)
        if not account.password_bcrypt.startswith("$2"):
            raise AccountError(f"{path}: password_bcrypt is no bcrypt hash")
        if len(account.key) < SHORTEST_KEY:
            raise AccountError(f"{path}: key must have {SHORTEST_KEY} characters or more")
        return account

    def admits(self, username: str, password: str) -> bool:
        """Whether these are the account's; takes 0.1 s of CPU, whichever of them is wrong."""
        given = password.encode(errors="replace")
        try:
            right = bcrypt.checkpw(given[:LONGEST_PASSWORD], self.password_bcrypt.encode())
        except ValueError:  # a password with a zero byte, or a hash that is none
            right = False
        named = hmac.compare_digest(username.encode(errors="replace"), self.username.encode())
        return right and named and len(given) <= LONGEST_PASSWORD
