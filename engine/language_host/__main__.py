"""The host's process: `language_host --executor FILE [the engine's flags] ENGINE_ADDRESS`.

The engine reads a port from the first line of stdout; what follows is output of the program.
"""

import os

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # children are always exec'd: no fork handlers

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc  # type: ignore[import-untyped]
from pulumi._version import version
from pulumi.runtime.proto import language_pb2_grpc

from engine.language_host.host import Host
from engine.language_host.relay import UNLIMITED

# A program's calls are few, but a call lasts as long as the program: room for many at once.
THREADS = 64
# An engine that was killed says nothing. Its death must be seen soon, and looking costs nothing.
PARENT_CHECK_SECONDS = 1.0


def main(words: list[str]) -> None:
    """Serve until the engine says stop, or is gone; then end every child."""
    if "-version" in words or "--version" in words:
        print(version)
        return
    if words[:1] != ["--executor"] or len(words) < 2:
        sys.exit("language host: the engine starts this, with --executor FILE first")
    host = Host(words[-1] if len(words) > 2 else "", Path(words[1]))
    server = grpc.server(ThreadPoolExecutor(THREADS), options=UNLIMITED)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    parent, over = os.getppid(), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    server.start()
    print(port, flush=True)
    while not over.wait(PARENT_CHECK_SECONDS) and os.getppid() == parent:
        pass
    host.children.end()
    os._exit(0)  # calls that still wait would hold the process


if __name__ == "__main__":
    main(sys.argv[1:])
