"""The processes that a host starts: programs, policy packs, plugins. None outlives the host."""

import queue
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

# A program may still have to tell the engine that it was broken off.
GRACE_SECONDS = 5.0

Child = subprocess.Popen[bytes]
Message = TypeVar("Message")
Line = Callable[[bytes], bool]


class Children:
    """The children that run now."""

    def __init__(self) -> None:
        self._alive: set[Child] = set()
        self._lock = threading.Lock()

    def start(
        self,
        context: Any,
        words: list[str],
        env: Mapping[str, str],
        cwd: str | Path | None = None,
        piped: bool = False,
    ) -> Child:
        """Start a child that ends with the call that `context` is of; `piped` keeps its output.

        Otherwise it writes to the stdout and stderr of this host, which the engine reads.
        """
        pipe = subprocess.PIPE if piped else None
        with self._lock:
            child = subprocess.Popen(
                words, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
            self._alive.add(child)
        if not context.add_callback(lambda: self.end([child])):
            self.end([child])
        return child

    def end(self, chosen: list[Child] | None = None) -> None:
        """End the children `chosen` (all, when None): gently, and after GRACE_SECONDS hard."""
        with self._lock:
            ending = list(self._alive) if chosen is None else chosen
        alive = [child for child in ending if child.poll() is None]
        for child in alive:
            child.terminate()
        for child in alive:
            try:
                child.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
        with self._lock:
            self._alive.difference_update(ending)


def pumped(
    child: Child, message: Callable[..., Message], first: Line | None = None
) -> Iterator[Message]:
    """Yield message(stdout=...) and message(stderr=...) for what `child` writes, until it ends.

    `first` is called with each line of stdout, at its start, until it returns True; the line it
    takes is not passed on. It is called with b"" when stdout ended, or when it took a line.
    """
    out: queue.Queue[Message | None] = queue.Queue()

    def pump(key: str, pipe: IO[bytes], take: Line | None) -> None:
        while take and (line := pipe.readline()) and not take(line):
            out.put(message(**{key: line}))
        if take:
            take(b"")
        read = getattr(pipe, "read1", pipe.read)
        for data in iter(lambda: read(65536), b""):
            out.put(message(**{key: data}))
        out.put(None)

    for key, pipe, take in (("stdout", child.stdout, first), ("stderr", child.stderr, None)):
        threading.Thread(target=pump, args=(key, pipe, take), daemon=True).start()
    for _ in range(2):
        yield from iter(out.get, None)
