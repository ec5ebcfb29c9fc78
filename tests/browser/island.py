"""A network of the tests' own, with nothing in it but a loopback: the portal and the browser live there.

Chromium breaks off requests whenever an interface of the machine comes or goes, as they do while
containers start. Where we may not have a network of our own (not root), the machine's must do.
"""

import asyncio
import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
UP_AND_RUNNING = 0x1 | 0x40
SOON = 10  # seconds in which a server on loopback surely starts or stops


class Island:
    """A thread with an event loop, in the network."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.network: str | None = None
        ready = threading.Event()
        self._thread = threading.Thread(target=self._live, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(SOON)

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Have it done there, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self.loop).result(SOON)

    def program(self, path: Path, folder: Path) -> Path:
        """A program that is `path`, in the network."""
        if self.network is None:
            return path
        script = folder / path.name
        script.write_text(f'#!/bin/sh\nexec nsenter --net={self.network} {path} "$@"\n')
        script.chmod(0o755)
        return script

    def close(self) -> None:
        """Leave it."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(SOON)
        self.loop.close()

    def _live(self, ready: threading.Event) -> None:
        if ctypes.CDLL(None).unshare(CLONE_NEWNET) == 0:  # of this thread alone
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
                fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", UP_AND_RUNNING))
            self.network = f"/proc/{os.getpid()}/task/{threading.get_native_id()}/ns/net"
        ready.set()
        self.loop.run_forever()
