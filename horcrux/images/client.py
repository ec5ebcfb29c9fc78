"""HTTPS to the environment's cache and registry: its own CA is trusted, and no other.

The machine's variables (proxies, other CAs, ~/.netrc) do not count here. The account is shown to this
one place and to nobody else: not where a redirection leads, nor where a challenge points.
"""

import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import parse_dict_header

from horcrux.exits import HorcruxError
from horcrux.images.failures import in_words, reason
from supply.oci import MANIFEST_TYPES

CONNECT_SECONDS = 5  # it is beside us, or it is not there
PIECE = 64 << 10
ACCEPTED = ", ".join((*MANIFEST_TYPES, "application/json"))


class _Pinned(HTTPAdapter):
    """HTTPS with one CA."""

    def __init__(self, ca: str) -> None:
        self._context = ssl.create_default_context(cadata=ca)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def cert_verify(self, *_: Any, **__: Any) -> None:
        """The context says it all."""


class Client:
    """Asks one place; every failure is a HorcruxError in the user's words."""

    def __init__(self, what: str, place: Mapping[str, Any]) -> None:
        """`what` it is, as in `the image cache`; `place`: url, username, password, ca."""
        self.what, self.url, self._user = what, str(place["url"]), str(place["username"])
        self._account = (self._user, str(place["password"]))
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.mount("https://", _Pinned(place["ca"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()

    def ask(
        self,
        method: str,
        path: str,
        seconds: float,
        body: dict[str, Any] | bytes | None = None,
        kind: str | None = None,
        *,
        stream: bool = False,
    ) -> requests.Response:
        """The answer, whatever its status. Raises UnansweredError.

        `body`: JSON, or bytes of the media type `kind`; `stream`: its content is left for `read`.
        """
        sent: dict[str, Any] = {"json": body}
        if isinstance(body, bytes):
            sent = {"data": body, "kind": kind or "application/octet-stream"}
        answer = self._send(method, path, seconds, self._account, stream=stream, **sent)
        scheme, _, told = answer.headers.get("WWW-Authenticate", "").partition(" ")
        if answer.status_code == 401 and scheme.lower() == "bearer":
            token = self._token(parse_dict_header(told), seconds)  # type: ignore[no-untyped-call]
            if token:
                answer.close()
                answer = self._send(method, path, seconds, token, stream=stream, **sent)
        return answer

    def read(self, answer: requests.Response, seconds: float, most: int) -> bytes:
        """The content of a streamed answer as it was sent. Raises HorcruxError when it is above `most` bytes.

        The answer is over within `seconds`, however slowly it comes.
        """
        until, content = time.monotonic() + seconds, b""
        with in_words(self.what, self.url, seconds), answer:
            for piece in answer.raw.stream(PIECE, decode_content=False):
                content += piece
                if len(content) > most:
                    raise HorcruxError(f"{self.what} at {self.url} sends more than {most} bytes")
                if time.monotonic() > until:
                    raise requests.exceptions.Timeout
        return content

    def pieces(self, answer: requests.Response, seconds: float) -> Iterator[bytes]:
        """The content of a streamed answer as it was sent, however large, piece by piece.

        Raises UnansweredError when nothing comes for `seconds`.
        """
        with in_words(self.what, self.url, seconds), answer:
            yield from answer.raw.stream(PIECE, decode_content=False)

    def json(
        self, method: str, path: str, seconds: float, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """What a good answer holds. Raises HorcruxError for any other."""
        answer = self.ask(method, path, seconds, body)
        if not answer.ok:
            raise self.refusal(answer)
        try:
            found: dict[str, Any] = answer.json()
        except ValueError:
            raise HorcruxError(
                f"{self.what} at {self.url} answers {path} with what is no JSON; does something else "
                "listen there? See: horcrux doctor"
            ) from None
        return found

    def refusal(self, answer: requests.Response) -> HorcruxError:
        """A bad answer in words."""
        if answer.status_code == 401 and self._knows(answer):
            return HorcruxError(
                f"{self.what} at {self.url} does not let the account {self._user!r} do this: "
                f"{answer.request.method} {urlsplit(answer.url).path}; see: horcrux docs registry.accounts"
            )
        if answer.status_code == 401:
            return HorcruxError(
                f"{self.what} at {self.url} refuses the account {self._user!r}: its password is another "
                "than the stack has; put them in line: horcrux up"
            )
        wait = answer.headers.get("Retry-After")
        later = f"; try again in {wait} s" if wait else ""
        return HorcruxError(f"{self.what} at {self.url}: {reason(answer)}{later}")

    @staticmethod
    def _knows(answer: requests.Response) -> bool:
        """Whether the account was known, and given a token which is not good for this."""
        return str(answer.request.headers.get("Authorization", "")).startswith("Bearer ")

    def _token(self, parameters: Mapping[str, str], seconds: float) -> str | None:
        """A token for what the challenge names; always from here, wherever the challenge points."""
        query = {k: parameters[k] for k in ("service", "scope") if k in parameters}
        answer = self._send("GET", "/token", seconds, self._account, params=query)
        if not answer.ok:
            raise self.refusal(answer)
        found = answer.json()
        token = found.get("token") or found.get("access_token")
        return str(token) if token else None

    def _send(
        self,
        method: str,
        path: str,
        seconds: float,
        who: tuple[str, str] | str,
        *,
        stream: bool = False,
        kind: str | None = None,
        **sent: Any,
    ) -> requests.Response:
        headers = {"Accept": ACCEPTED}
        if kind:
            headers["Content-Type"] = kind
        if stream:  # what is checked by its digest is to come as it is
            headers["Accept-Encoding"] = "identity"
        if isinstance(who, str):
            headers["Authorization"] = f"Bearer {who}"
        with in_words(self.what, self.url, seconds):
            return self._session.request(
                method,
                f"{self.url}{path}",
                auth=who if isinstance(who, tuple) else None,
                headers=headers,
                timeout=(CONNECT_SECONDS, seconds),
                allow_redirects=False,
                stream=stream,
                **sent,
            )
