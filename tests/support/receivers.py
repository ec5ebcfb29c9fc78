"""Receivers of notifications, in threads of their own: over HTTP, and a mail server.

Both need nothing of the project, and work from a test of any kind, also one that is not asynchronous.
"""

import base64
import contextlib
import http.server
import json
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO


def payload(*alerts: dict[str, Any], **others: Any) -> dict[str, Any]:
    """A webhook of Alertmanager's, version 4, of these alerts; `others` replaces its fields."""
    firing = any(alert["status"] == "firing" for alert in alerts)
    return {
        "receiver": "ops",
        "status": "firing" if firing else "resolved",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "HostDown"},
        "commonLabels": {"alertname": "HostDown", "environment": "dev"},
        "commonAnnotations": {},
        "externalURL": "http://horcrux-alertmanager:9093",
        "version": "4",
        "groupKey": '{}:{alertname="HostDown"}',
        "truncatedAlerts": 0,
        **others,
    }


def alert(name: str = "HostDown", *, ended: str = "", **labels: str) -> dict[str, Any]:
    """One alert of it, which began at 2026-01-02 03:04:05 UTC; resolved where it has `ended`."""
    labels = {"severity": "critical", "environment": "dev", "host": "manager-3", **labels}
    return {
        "status": "resolved" if ended else "firing",
        "labels": {"alertname": name, **labels},
        "annotations": {
            "summary": f"host {labels['host']} of dev is down",
            "description": "No heartbeat for 30 s. Look whether its machine runs.",
            "runbook": "docs/alerts.md#hostdown",
        },
        "startsAt": "2026-01-02T03:04:05.123456789Z",
        "endsAt": ended or "0001-01-01T00:00:00Z",
        "generatorURL": "http://horcrux-prometheus:9090/graph",
        "fingerprint": "1a30ba71cca2921f",
    }


STARTED = 1767323045.123456  # of the alert above


@dataclass(frozen=True)
class Received:
    """One request, and when it came (`time.time()`)."""

    time: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


class Recorder:
    """An HTTP receiver that remembers what it was sent, and answers or is down as it is told."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self.address, self.port = address, port
        self.status = 200
        self.answer: bytes = b"{}"
        self.headers: dict[str, str] = {}
        self.received: list[Received] = []
        self.silence = threading.Event()  # clear: no answer comes until it is set
        self.silence.set()
        self._changed = threading.Condition()
        self._server: http.server.ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.address}:{self.port}"

    def up(self) -> None:
        """Listen; after `down`, on the same port."""
        self._server = http.server.ThreadingHTTPServer((self.address, self.port), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def is_down(self) -> bool:
        """Whether it refuses connections."""
        return self._server is None

    def down(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self.silence.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait_for(self, met: Callable[[list[Received]], bool], seconds: float) -> list[Received]:
        """What was received once `met` holds of it; AssertionError after `seconds`."""
        with self._changed:
            came = self._changed.wait_for(lambda: met(self.received), seconds)
            assert came, f"not within {seconds} s; received: {self.received}"
            return list(self.received)

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                with recorder._changed:
                    recorder.received.append(
                        Received(time.time(), self.path, dict(self.headers), body)
                    )
                    recorder._changed.notify_all()
                recorder.silence.wait()
                with contextlib.suppress(ConnectionError):
                    self.send_response(recorder.status)
                    for name, value in recorder.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(recorder.answer)))
                    self.end_headers()
                    self.wfile.write(recorder.answer)

            def log_message(self, *args: object) -> None:
                """Nothing: tests read the records."""

        return Handler


@contextlib.contextmanager
def recorder(address: str = "127.0.0.1", port: int = 0) -> Iterator[Recorder]:
    """A Recorder that is up."""
    found = Recorder(address, port)
    found.up()
    try:
        yield found
    finally:
        found.down()


@dataclass
class Mailbox:
    """What the mail server got, and how it behaves."""

    port: int = 0
    tls: ssl.SSLContext | None = None  # for STARTTLS, or from the first byte
    implicit: bool = False
    login: tuple[str, str] | None = None
    refused: dict[str, str] = field(default_factory=dict)  # command or address → answer
    mails: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)  # of each mail
    commands: list[str] = field(default_factory=list)


@contextlib.contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[Mailbox]:
    """An SMTP server on a port of its own: what clients need of RFC 5321, 3207 and 4954."""

    class Session(_Session):
        box = mailbox

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        mailbox.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield mailbox
        finally:
            server.shutdown()


class _Session(socketserver.BaseRequestHandler):
    box: Mailbox

    def handle(self) -> None:
        self.encrypted, self.sender, self.to = False, "", list[str]()
        self.stream: BinaryIO | None = None
        try:
            if self.box.implicit:
                self._encrypt()
            self.stream = self.request.makefile("rb")
            self._say("220 mail.test ESMTP")
            while line := self.stream.readline():
                text = line.decode().rstrip("\r\n")
                self.box.commands.append(text)
                if not self._command(text):
                    return
        except OSError:
            return  # the client is gone
        finally:
            self._close_stream()
            self.request.close()

    def _close_stream(self) -> None:
        if self.stream is not None:
            self.stream.close()
            self.stream = None

    def _command(self, text: str) -> bool:
        verb = text.split(" ", maxsplit=1)[0].split(":", maxsplit=1)[0].upper()
        address = (
            text.rsplit("<", maxsplit=1)[-1].split(">", maxsplit=1)[0] if verb == "RCPT" else ""
        )
        refusal = self.box.refused.get(verb) or self.box.refused.get(address)
        if refusal:
            self._say(refusal)
        elif verb == "EHLO":
            self._say("250-mail.test", *self._offers(), "250 8BITMIME")
        elif verb == "STARTTLS":
            self._say("220 go ahead")
            self._close_stream()
            self._encrypt()
            self.stream = self.request.makefile("rb")
        elif verb == "AUTH":
            self._say("235 ok" if self._knows(text) else "535 5.7.8 wrong: " + text)
        elif verb == "MAIL":
            self.sender, self.to = text.split("<")[1].split(">", maxsplit=1)[0], []
            self._say("250 ok")
        elif verb == "RCPT":
            self.to.append(address)
            self._say("250 ok")
        elif verb == "DATA":
            self._say("354 go ahead")
            assert self.stream is not None
            lines = iter(self.stream.readline, b".\r\n")
            self.box.encrypted.append(self.encrypted)
            self.box.mails.append((self.sender, self.to, b"".join(lines)))
            self._say("250 ok")
        else:
            self._say("221 bye" if verb == "QUIT" else "250 ok")
        return verb != "QUIT"

    def _offers(self) -> list[str]:
        found = ["250-AUTH PLAIN"] if self.box.login else []
        return found + (["250-STARTTLS"] if self.box.tls and not self.encrypted else [])

    def _knows(self, text: str) -> bool:
        given = base64.b64decode(text.split(" ")[2]).decode().split("\0")[1:]
        return self.box.login is not None and given == list(self.box.login)

    def _encrypt(self) -> None:
        assert self.box.tls is not None
        self.request = self.box.tls.wrap_socket(self.request, server_side=True)
        self.encrypted = True

    def _say(self, *lines: str) -> None:
        self.request.sendall("".join(f"{line}\r\n" for line in lines).encode())
