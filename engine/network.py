"""Whether a server can be reached, asked in a bounded time."""

import contextlib
import os
import socket
import threading

# Long enough for a slow line; short enough where packets are dropped or the resolver hangs.
PROBE_SECONDS = 3.0


def reachable(host: str, port: int = 443) -> bool:
    """Tell within PROBE_SECONDS whether `host` takes connections.

    Behind an HTTPS proxy the answer is yes: only the proxy itself can tell.
    """
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return True
    answered = threading.Event()

    def probe() -> None:
        with contextlib.suppress(OSError):
            socket.create_connection((host, port), PROBE_SECONDS).close()
            answered.set()

    # A thread, for a resolver that hangs cannot be given a limit.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    return answered.is_set()
