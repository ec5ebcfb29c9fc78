"""Questions to control: the end in its container, and the end that reaches it over an engine."""

import json
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from docker.errors import APIError

from control import ask as inside
from horcrux.cluster import control
from horcrux.cluster.control import ControlError, ask, follow

ROOT = Path(__file__).parents[2]
SOON = 10  # seconds; what is awaited takes a fraction of one
ALONE = "import sys; from control import ask; ask.ADDRESS = sys.argv[1]; sys.exit(ask.main(sys.argv[2:]))"


class Api(BaseHTTPRequestHandler):
    """Control's API, as far as it matters here."""

    protocol_version = "HTTP/1.1"
    ending = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/v1/missing":
            self.answer(404, b'{"error": "there is no such thing"}')
        elif self.path == "/v1/broken":
            self.answer(500, b"Internal Server Error")
        elif "follow=" in self.path:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b'10\r\n{"id": "first"}\n\r\n')
            self.ending.wait(SOON)
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.answer(200, json.dumps({"path": self.path}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        self.answer(200, json.dumps({"got": json.loads(body), "as": kind}).encode())

    def do_DELETE(self) -> None:
        self.answer(200, b"{}")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:  # type: ignore[override]
        """Nothing."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Api.ending.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(inside, "ADDRESS", address)
    yield address
    Api.ending.set()
    server.shutdown()
    server.server_close()


def printed(capsys: pytest.CaptureFixture[bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


# The end in control's container.


def test_the_answer_is_printed(api: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert inside.main(["GET", "/v1/overview?x=1"]) == 0
    assert printed(capsysbinary) == {"path": "/v1/overview?x=1"}


def test_a_body_is_sent_as_json(api: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert inside.main(["POST", "/v1/silences", '{"seconds": 60}']) == 0
    assert printed(capsysbinary) == {"got": {"seconds": 60}, "as": "application/json"}


def test_other_methods_go_through(api: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert inside.main(["DELETE", "/v1/silences/a"]) == 0
    assert printed(capsysbinary) == {}


def test_a_refusal_is_told_in_control_s_words(
    api: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert inside.main(["GET", "/v1/missing"]) == inside.REFUSED
    assert printed(capsysbinary) == {"error": "there is no such thing"}


def test_a_failure_of_control_s_own_is_another_status(
    api: str, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert inside.main(["GET", "/v1/broken"]) == inside.SILENT
    assert "control answers HTTP 500" in printed(capsysbinary)["error"]


def test_control_that_does_not_listen_is_told(
    api: str, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(inside, "ADDRESS", "http://127.0.0.1:1")
    assert inside.main(["GET", "/v1/overview"]) == inside.SILENT
    assert "control does not answer at http://127.0.0.1:1" in printed(capsysbinary)["error"]


def test_a_proxy_of_the_environment_is_not_asked(
    api: str, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert inside.main(["GET", "/v1/overview"]) == 0


@pytest.mark.parametrize("words", [[], ["GET"], ["GET", "v1"], ["GET", "/", "{}", "more"]])
def test_words_that_are_no_question_are_refused(
    words: list[str], capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert inside.main(words) == inside.REFUSED
    assert "ask METHOD PATH" in printed(capsysbinary)["error"]


@pytest.fixture
def stream(api: str) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-c", ALONE, api, "GET", "/v1/events?follow=1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, cwd=ROOT) as process:
        yield process
        process.kill()


def test_a_stream_s_lines_come_while_it_goes_on(stream: subprocess.Popen[bytes]) -> None:
    assert stream.stdout
    assert json.loads(stream.stdout.readline()) == {"id": "first"}
    assert stream.poll() is None


def test_a_stream_ends_when_its_reader_leaves(stream: subprocess.Popen[bytes]) -> None:
    assert stream.stdout
    assert stream.stdin
    stream.stdout.readline()
    stream.stdin.close()
    assert stream.wait(SOON) == 0


def test_a_stream_that_control_ends_may_be_asked_for_again(
    stream: subprocess.Popen[bytes],
) -> None:
    assert stream.stdout
    stream.stdout.readline()
    Api.ending.set()
    assert stream.wait(SOON) == inside.SILENT


# The end that reaches it.


def frame(data: bytes, kind: int = 1) -> bytes:
    return struct.pack(">BxxxL", kind, len(data)) + data


def line(id_: str, time: float) -> bytes:
    return json.dumps({"id": id_, "time": time}).encode() + b"\n"


class Socket:
    """A connection that gives `data` in small pieces, then ends, or breaks."""

    def __init__(self, data: bytes, end: BaseException | None = None, piece: int = 7) -> None:
        self.data, self.end, self.piece, self.closed = data, end, piece, False

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self, most: int) -> bytes:
        if not self.data and self.end:
            raise self.end
        size = min(most, self.piece)
        found, self.data = self.data[:size], self.data[size:]
        return found

    def close(self) -> None:
        self.closed = True


class Engine:
    """The part of docker.APIClient that asking uses; answers are taken in order."""

    def __init__(self, *answers: tuple[Socket, int]) -> None:
        self.answers, self.code = list(answers), 0
        self.asked: list[tuple[list[str], bool]] = []
        self.runs, self.open = True, [socket for socket, _ in answers]

    def containers(self, filters: dict[str, list[str]]) -> list[dict[str, str]]:
        assert filters["label"] == ["com.docker.swarm.service.name=horcrux-control"]
        return [{"Id": "c"}] if self.runs else []

    def exec_create(self, container: str, words: list[str], stdin: bool) -> dict[str, str]:
        assert container == "c"
        assert words[:4] == ["python3", "-m", "control", "ask"]
        self.asked.append((words[4:], stdin))
        return {"Id": "e"}

    def exec_start(self, command: str, socket: bool) -> Socket:
        assert (command, socket) == ("e", True)
        if not self.answers:
            raise KeyboardInterrupt
        found, self.code = self.answers.pop(0)
        return found

    def exec_inspect(self, command: str) -> dict[str, int]:
        assert command == "e"
        return {"ExitCode": self.code}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "RETRY_SECONDS", 0)


def test_an_answer_in_pieces_is_put_together() -> None:
    body = json.dumps({"text": "x" * 1000}).encode()
    engine = Engine((Socket(frame(body[:500]) + frame(b"noise", 2) + frame(body[500:])), 0))
    assert ask(engine, "GET", "/v1/overview") == {"text": "x" * 1000}
    assert engine.asked == [(["GET", "/v1/overview"], False)]
    assert engine.open[0].closed


def test_a_body_is_a_word_of_the_command() -> None:
    engine = Engine((Socket(frame(b"{}")), 0))
    ask(engine, "POST", "/v1/silences", {"seconds": 1})
    assert engine.asked[0][0] == ["POST", "/v1/silences", '{"seconds": 1}']


def test_a_refusal_is_an_error_with_control_s_reason() -> None:
    with pytest.raises(ControlError, match="no such silence") as error:
        ask(Engine((Socket(frame(b'{"error": "no such silence"}')), 1)), "DELETE", "/v1/silences/x")
    assert error.value.refused


def test_a_control_that_cannot_be_asked_yet_is_told_with_a_remedy() -> None:
    socket = Socket(frame(b"Traceback\nKeyError: 'ask'\n", 2))
    with pytest.raises(ControlError, match=r"KeyError: 'ask'.*horcrux up"):
        ask(Engine((socket, 1)), "GET", "/v1/overview")


def test_no_control_on_the_manager_is_told_with_a_remedy() -> None:
    engine = Engine()
    engine.runs = False
    with pytest.raises(ControlError, match=r"control does not run .* horcrux status"):
        ask(engine, "GET", "/v1/overview")


def test_no_manager_is_told_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise APIError("nobody there")

    engine = Engine()
    monkeypatch.setattr(engine, "containers", gone)
    with pytest.raises(ControlError, match=r"no manager answers .*nobody there.*horcrux status"):
        ask(engine, "GET", "/v1/overview")


@pytest.mark.parametrize("end", [None, TimeoutError("timed out"), ConnectionResetError("reset")])
def test_a_manager_that_goes_away_in_the_middle_is_told(end: BaseException | None) -> None:
    with pytest.raises(ControlError, match="went away"):
        ask(Engine((Socket(frame(b'{"a": 1}')[:-2], end), 0)), "GET", "/v1/overview")


def test_an_answer_that_is_no_json_is_told() -> None:
    with pytest.raises(ControlError, match="cannot be read"):
        ask(Engine((Socket(frame(b"{")), 0)), "GET", "/v1/overview")


def test_events_come_one_by_one_and_beats_are_no_events() -> None:
    data = frame(b"\n") + frame(line("a", 1)[:5]) + frame(line("a", 1)[5:] + b"\n" + line("b", 2))
    engine = Engine((Socket(data), 2))
    events = follow(engine, "/v1/events?follow=1&since=0")
    assert [next(events)["id"], next(events)["id"]] == ["a", "b"]
    assert engine.asked[0] == (["GET", "/v1/events?follow=1&since=0.0"], True)
    events.close()  # type: ignore[attr-defined]
    assert engine.open[0].closed, "who leaves must end the command"


def test_a_stream_goes_on_elsewhere_after_the_last_event_without_doubles() -> None:
    engine = Engine(
        (Socket(frame(line("a", 1000.0) + line("b", 1100.5)), ConnectionResetError("reset")), 0),
        (Socket(frame(b'{"error": "control ended the stream"}\n')), 2),
        (Socket(frame(line("b", 1100.5) + line("late", 1090.0) + line("c", 1200.0))), 2),
    )
    lost: list[str] = []
    events = [e["id"] for e in follow(engine, "/v1/events?follow=1&since=900", lost=lost.append)]
    assert events == ["a", "b", "late", "c"]
    since = [words[1].rpartition("=")[2] for words, _ in engine.asked]
    assert since == ["900.0", "1040.5", "1040.5", "1140.0"]
    assert "went away" in lost[0]
    assert lost[1] == "control ended the stream"


def test_a_reconnection_does_not_go_back_before_the_start() -> None:
    engine = Engine((Socket(frame(line("a", 901.0))), 2))
    assert [e["id"] for e in follow(engine, "/v1/events?follow=1&since=900")] == ["a"]
    assert engine.asked[1][0][1] == "/v1/events?follow=1&since=900.0"


def test_what_is_known_already_is_not_told_again() -> None:
    engine = Engine((Socket(frame(line("a", 1) + line("b", 2))), 2))
    assert [e["id"] for e in follow(engine, "/v1/events?follow=1&since=0", seen=["a"])] == ["b"]


def test_a_stream_that_is_refused_is_not_asked_for_again() -> None:
    engine = Engine((Socket(frame(b'{"error": "since: not a time"}\n')), 1))
    with pytest.raises(ControlError, match="not a time"):
        list(follow(engine, "/v1/events?follow=1&since=0"))


def test_a_stream_ends_quietly_on_ctrl_c() -> None:
    assert list(follow(Engine(), "/v1/events?follow=1&since=0")) == []
