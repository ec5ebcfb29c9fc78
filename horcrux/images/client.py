"""HTTPS to the environment's cache and registry: its own CA is trusted, and no other.

The machine's variables (proxies, other CAs, ~/.netrc) do not count here. The account is shown to this
one place and to nobody else: not where a redirection leads, nor where a challenge points.
"""

import re
import ssl
from collections.abc import Mapping
from typing import Any, Self

import requests
from requests.adapters import HTTPAdapter
from requests.utils import parse_dict_header

from horcrux.exits import HorcruxError

CONNECT_SECONDS = 5  # it is beside us, or it is not there
REASON = re.compile(r"\[Errno -?\d+\] ([^'\"<>()]+)")
MANIFESTS = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.index.v1",
        "oci.image.manifest.v1",
        "docker.distribution.manifest.list.v2",
        "docker.distribution.manifest.v2",
    )
)


class UnansweredError(HorcruxError):
    """Nobody answered, or not in time."""


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
        self, method: str, path: str, seconds: float, body: dict[str, Any] | None = None
    ) -> requests.Response:
        """The answer, whatever its status. Raises UnansweredError."""
        answer = self._send(method, path, seconds, body, self._account)
        scheme, _, told = answer.headers.get("WWW-Authenticate", "").partition(" ")
        if answer.status_code == 401 and scheme.lower() == "bearer":
            token = self._token(parse_dict_header(told), seconds)  # type: ignore[no-untyped-call]
            if token:
                answer = self._send(method, path, seconds, body, token)
        return answer

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
        if answer.status_code == 401:
            return HorcruxError(
                f"{self.what} at {self.url} refuses the account {self._user!r}: its password is another "
                "than the stack has; put them in line: horcrux up"
            )
        wait = answer.headers.get("Retry-After")
        later = f"; try again in {wait} s" if wait else ""
        return HorcruxError(f"{self.what} at {self.url}: {reason(answer)}{later}")

    def _token(self, parameters: Mapping[str, str], seconds: float) -> str | None:
        """A token for what the challenge names; always from here, wherever the challenge points."""
        query = {k: parameters[k] for k in ("service", "scope") if k in parameters}
        answer = self._send("GET", "/token", seconds, None, self._account, query)
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
        body: dict[str, Any] | None,
        who: tuple[str, str] | str,
        query: dict[str, str] | None = None,
    ) -> requests.Response:
        headers = {"Accept": f"{MANIFESTS}, application/json"}
        if isinstance(who, str):
            headers["Authorization"] = f"Bearer {who}"
        try:
            return self._session.request(
                method,
                f"{self.url}{path}",
                auth=who if isinstance(who, tuple) else None,
                headers=headers,
                json=body,
                params=query,
                timeout=(CONNECT_SECONDS, seconds),
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise UnansweredError(
                f"{self.what} at {self.url} shows a certificate that the environment's CA did not sign "
                f"({_brief(error)}); something else may listen there: horcrux doctor"
            ) from None
        except requests.exceptions.Timeout:
            raise UnansweredError(
                f"{self.what} at {self.url} did not answer within {seconds:.0f} s; see: horcrux status"
            ) from None
        except requests.exceptions.RequestException as error:
            raise UnansweredError(
                f"{self.what} does not answer at {self.url} ({_brief(error)}); see: horcrux status"
            ) from None


def reason(answer: requests.Response) -> str:
    """Why, as registries tell it (or this platform's own parts), else the bare status."""
    try:
        told = answer.json()
        first = told["errors"][0] if "errors" in told else told
        message = first.get("message") or first.get("error")
        detail = first.get("detail")
    except (ValueError, LookupError, TypeError, AttributeError):
        message = detail = None
    said = f"{message} ({detail})" if message and isinstance(detail, str) else message
    return str(said or f"{answer.status_code} {answer.reason or ''}".strip())


def _brief(error: Exception) -> str:
    """The core of what requests wraps in the names of its classes."""
    text = str(error)
    found = REASON.search(text)
    if found:
        return found.group(1).strip()
    return text.rpartition("(Caused by ")[2].rstrip(")") or type(error).__name__
