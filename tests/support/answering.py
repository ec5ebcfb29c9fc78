"""An HTTPS server on 127.0.0.1 that answers as a test says: a registry, a cache, or the engines of hosts.

It shows a certificate of a CA of its own, and knows by which name it was asked (SNI), as the front door.
"""

import json
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from horcrux.docker_api import Access
from providers.x509 import self_signed, signed

HOSTS = ["manager-1", "manager-2", "worker-1"]
DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
ACCOUNT = {"username": "pull", "password": "a-password"}


@dataclass(frozen=True)
class Question:
    """What was asked: of whom, what, with what."""

    host: str | None
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Reply:
    """An answer: `content` is JSON, or lines that are sent one by one."""

    status: int = 200
    content: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    lines: Iterable[dict[str, Any]] | None = None


Answer = Callable[[Question], Reply]
# As registries say it, and as engines do.
MISSING = Reply(404, {"errors": [{"message": "no such thing"}], "message": "no such thing"})


class Answering:
    """`answers`: (method, path) to what is said; paths may leave their query and API version out."""

    def __init__(self, answers: dict[tuple[str, str], Answer | Reply] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[Question] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._server.socket = _context().wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def place(self) -> dict[str, Any]:
        """As a stack's outputs name a registry or a cache."""
        return {"url": f"https://{self.address}", "ca": authority()[0], **ACCOUNT}

    @property
    def access(self) -> Access:
        """As a stack's outputs name the way to the hosts' engines."""
        certificate, key = signed(*authority(), ["somebody"], "client", 1)
        return Access(self.address, authority()[0], certificate, key)

    def paths(self) -> list[str]:
        """What was asked, in order."""
        return [f"{question.method} {question.path}" for question in self.asked]


@cache
def authority() -> tuple[str, str]:
    return self_signed("tests", 1)


@cache
def _context() -> ssl.SSLContext:
    names = ["127.0.0.1", "localhost", "cluster", *HOSTS]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        file = Path(folder, "own.pem")
        file.write_text("".join(signed(*authority(), names, "server", 1)))
        context.load_cert_chain(file)
    context.sni_callback = lambda socket, name, _: setattr(socket, "asked_name", name)
    return context


def _handler(answering: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            parts = urlsplit(self.path)
            path = unquote(parts.path.removeprefix("/v1.41"))
            length = int(self.headers.get("Content-Length") or 0)
            question = Question(
                getattr(self.connection, "asked_name", None),
                self.command,
                path,
                dict(parse_qsl(parts.query)),
                dict(self.headers.items()),
                json.loads(self.rfile.read(length)) if length else None,
            )
            answering.asked.append(question)
            answer = answering.answers.get((self.command, path), MISSING)
            self._send(answer if isinstance(answer, Reply) else answer(question))

        do_GET = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815

        def _send(self, reply: Reply) -> None:
            body = b"" if reply.content is None else json.dumps(reply.content).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.lines is not None:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for line in reply.lines:
                    data = json.dumps(line).encode() + b"\r\n"
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.write(b"0\r\n\r\n")
                return
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Tests read what was asked from `asked`."""

    return Handler


def needs_token(answer: Reply) -> Answer:
    """An answer for those with a token, and else where to get one."""

    def decide(question: Question) -> Reply:
        if question.headers.get("Authorization") == "Bearer a-token":
            return answer
        realm = 'Bearer realm="https://elsewhere.test/token",service="horcrux",scope="repository:web:pull"'
        return Reply(401, {"errors": [{"message": "who?"}]}, {"WWW-Authenticate": realm})

    return decide
