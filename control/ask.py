"""`python3 -m control ask METHOD PATH [JSON]`: one question to control's own API; the answer on stdout.

For the `horcrux` command, which runs this in control's container: the API is published nowhere. Only
the standard library, so that it starts fast. The exit status is 0 with an answer, REFUSED when control
says that the question is wrong, SILENT when asking again later may help; `{"error"}` is printed then.

A path with `follow=1` gives JSON lines without end: each is passed on at once, with an empty line
every BEAT_SECONDS, so that the reader can tell a quiet stream from a lost one. It ends when the reader
leaves, which closes standard input: an engine does not end a command whose reader is gone.
"""

import http.client
import json
import os
import select
import sys
import threading
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

ADDRESS = "http://127.0.0.1:8081"
ANSWER_SECONDS = 25  # less than `horcrux` waits (30), so that the reason reaches the user
BEAT_SECONDS = 5  # `horcrux` takes a stream for lost after three that are missing
REFUSED, SILENT = 1, 2
USAGE = "ask METHOD PATH [JSON], with a path like /v1/overview"

_out = threading.Lock()  # lines of two threads must not mix


def main(words: list[str]) -> int:
    """Ask what `words` (METHOD PATH [JSON]) say, and print the answer; the exit status."""
    if len(words) not in {2, 3} or not words[1].startswith("/"):
        return _error(f"the question is not understood: {USAGE}", REFUSED)
    method, path, *body = words
    request = urllib.request.Request(  # noqa: S310 - the address is ours
        ADDRESS + path, method=method, data=body[0].encode() if body else None
    )
    if body:
        request.add_header("Content-Type", "application/json")
    following = "follow" in parse_qs(urlsplit(path).query)
    # No proxies: a variable of the container's must not send this elsewhere.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=None if following else ANSWER_SECONDS) as response:
            if following:
                return _pass_on(response)
            _write(response.read() + b"\n")
            return 0
    except urllib.error.HTTPError as error:
        return _error(_reason(error), REFUSED if error.code < 500 else SILENT)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return _error(f"control does not answer at {ADDRESS}: {reason}", SILENT)


def _pass_on(response: http.client.HTTPResponse) -> int:
    threading.Thread(target=_beat, args=(sys.stdin.fileno(),), daemon=True).start()
    for line in response:
        _write(line)
    return _error("control ended the stream", SILENT)


def _beat(descriptor: int) -> None:
    """An empty line every now and then; the end of this process when standard input is closed."""
    left = select.poll()
    left.register(descriptor, 0)  # nothing but the other side's leaving
    while not left.poll(BEAT_SECONDS * 1000):
        _write(b"\n")
    os._exit(0)


def _reason(error: urllib.error.HTTPError) -> str:
    """What control says of its refusal."""
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return f"control answers HTTP {error.code} {error.reason}: {text.strip()[:200]}"


def _error(text: str, status: int) -> int:
    _write(json.dumps({"error": text}).encode() + b"\n")
    return status


def _write(data: bytes) -> None:
    with _out:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
