"""Questions to control's API, asked in control's container on the manager that answers.

The way there is the hosts' engines, over mutual TLS, as for everything else: no port more is
published, and no password more is kept. `control.ask` is the other end. Bodies hold no secrets: they
are words of a command.

Answers are read here and not by docker-py's reader: that one waits for the socket to be readable
while TLS has the rest of a frame already, and so gives each line only when the next one comes.
"""

import json
import struct
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from horcrux.cluster.traffic import CONTROL_SERVICE
from horcrux.exits import HorcruxError

ANSWER_SECONDS = 30  # control.ask gives up after 25 and says why
QUIET_SECONDS = 16  # a stream beats every 5 s; three that are missing are no accident
RETRY_SECONDS = 1  # between two attempts to go on with a stream
OVERLAP_SECONDS = 60  # asked for again after a reconnection: controls tell each other late
REMEMBERED = 1000  # events whose ids are kept, so that none is told twice after a reconnection
REFUSED = 1  # control.ask: the question is wrong, and asking again does not help
HEADER = 8  # bytes before each frame of an engine's stream: which stream, and how long
STDOUT = 1


class ControlError(HorcruxError):
    """Control did not answer the question; `refused` when asking again would not help."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


def ask(
    client: docker.APIClient, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Control's answer to one question. Raises ControlError."""
    words = [method, path] if body is None else [method, path, json.dumps(body)]
    command, frames = _start(client, words, stdin=False, seconds=ANSWER_SECONDS)
    out, err = b"", b""
    try:
        for stream, data in frames:
            out, err = (out + data, err) if stream == STDOUT else (out, err + data)
    except OSError as error:
        raise ControlError(f"control went away while it answered ({error}); ask again") from error
    code = _code(client, command)
    if code:
        raise _refusal(code, out, err)
    return _parsed(out)


def follow(
    client: docker.APIClient,
    path: str,
    *,
    seen: Iterable[str] = (),
    lost: Callable[[str], None] = lambda _: None,
) -> Iterator[dict[str, Any]]:
    """The events of a stream, each once, until Ctrl-C; goes on elsewhere when control goes away.

    `seen`: ids of events that are known already. `lost` is told of every interruption. Raises
    ControlError when control refuses the question.
    """
    told = deque(seen, maxlen=REMEMBERED)
    first = last = float(dict(parse_qsl(urlsplit(path).query)).get("since", time.time()))
    try:
        while True:
            try:
                for event in _events(client, _after(path, max(first, last - OVERLAP_SECONDS))):
                    if event["id"] not in told:
                        told.append(event["id"])
                        last = max(last, event["time"])
                        yield event
            except ControlError as error:
                if error.refused:
                    raise
                lost(str(error))
            time.sleep(RETRY_SECONDS)
    except KeyboardInterrupt:
        return


def _events(client: docker.APIClient, path: str) -> Iterator[dict[str, Any]]:
    """One stream's events, until it breaks off, which is a ControlError."""
    command, frames = _start(client, ["GET", path], stdin=True, seconds=QUIET_SECONDS)
    rest = err = b""
    with closing(frames):
        try:
            for stream, data in frames:
                if stream != STDOUT:
                    err += data
                    continue
                *lines, rest = (rest + data).split(b"\n")
                for event in map(_parsed, filter(None, lines)):
                    if "id" in event:
                        yield event
                    else:
                        err = json.dumps(event).encode()
        except OSError as error:
            raise ControlError(f"the manager that answered went away ({error})") from error
    raise _refusal(_code(client, command), err, err)


def _start(
    client: docker.APIClient, words: list[str], *, stdin: bool, seconds: float
) -> tuple[str, Generator[tuple[int, bytes], None, None]]:
    """Run control.ask; the command's id, and what it writes as (stream, data)."""
    filters = {"label": [f"com.docker.swarm.service.name={CONTROL_SERVICE}"], "status": ["running"]}
    try:
        containers = client.containers(filters=filters)
        if not containers:
            raise ControlError(
                "control does not run on the manager that answers; "
                "wait half a minute for it to be started, then: horcrux status"
            )
        words = ["python3", "-m", "control", "ask", *words]
        command = str(client.exec_create(containers[0]["Id"], words, stdin=stdin)["Id"])
        stream = client.exec_start(command, socket=True)
    except (DockerException, RequestException) as error:
        raise ControlError(f"no manager answers ({error}); see: horcrux status") from error
    return command, _frames(stream, seconds)


def _frames(stream: Any, seconds: float) -> Generator[tuple[int, bytes], None, None]:
    """What a command writes, until it ends. Raises OSError when nothing comes for `seconds`."""
    socket = getattr(stream, "_sock", stream)
    socket.settimeout(seconds)
    try:
        while header := _exactly(socket, HEADER):
            kind, length = struct.unpack(">BxxxL", header)
            yield kind, _exactly(socket, length)
    finally:
        with suppress(OSError):
            socket.close()
        response = getattr(
            stream, "_response", None
        )  # closes the connection, which ends the command
        if response is not None:
            response.close()


def _exactly(socket: Any, length: int) -> bytes:
    """`length` bytes; none at the stream's end. Raises OSError when it ends in between."""
    data = b""
    while len(data) < length:
        chunk = socket.recv(length - len(data))
        if not chunk and data:
            raise ConnectionError("the connection ended within an answer")
        if not chunk:
            return b""
        data += chunk
    return data


def _code(client: docker.APIClient, command: str) -> int:
    try:
        return int(client.exec_inspect(command)["ExitCode"] or 0)
    except (DockerException, RequestException) as error:
        raise ControlError(f"the manager that answered went away ({error}); ask again") from error


def _refusal(code: int, out: bytes, err: bytes) -> ControlError:
    try:
        return ControlError(str(json.loads(out)["error"]), refused=code == REFUSED)
    except (ValueError, KeyError, TypeError):
        last = (err.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        message = (
            f"control cannot be asked: {last[:300]}; is it older than this command? horcrux up"
        )
        return ControlError(message)


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise ControlError(f"control's answer cannot be read ({error}); horcrux doctor") from error
    return found


def _after(path: str, since: float) -> str:
    """The path, asking for what came after `since`."""
    parts = urlsplit(path)
    query = {**dict(parse_qsl(parts.query)), "since": repr(since)}
    return f"{parts.path}?{urlencode(query)}"
