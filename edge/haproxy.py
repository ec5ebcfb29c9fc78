"""HAProxy in master-worker mode under the agent's hand: start, check, swap, drain, stop."""

import asyncio
import contextlib
import csv
import shutil
import signal
from pathlib import Path

RUN = Path("/run/edge")
CURRENT = RUN / "current"
MASTER, WORKER = RUN / "master.sock", RUN / "stats.sock"
CONFIG = "haproxy.cfg"
SERVERS = "servers.state"  # see server-state-file in control/haproxy.py
STAMP = "version.cfg"  # names the version, so that a running worker can be asked for it
CHECK_SECONDS = 20  # `haproxy -c` with a thousand routes takes about one
SOCKET_SECONDS = 5  # its command sockets answer in milliseconds
START_SECONDS = 20  # as long as a check: it reads the same
LOOK_SECONDS = 0.02  # between two looks at whether it has started, which takes a tenth of a second
ANSWERS = ("1xx", "2xx", "3xx", "4xx", "5xx", "other")
UP = ("UP", "DRAIN", "no check")
DURATIONS, ASKED = "durations", "asked"  # the tables of control/haproxy.py
COUNTS = ("up", "sessions", "requests", "errors")


class RefusedError(Exception):
    """HAProxy's own check refused a configuration; the message is what it said."""


class HAProxy:
    """The one HAProxy of this host, and the configuration it runs."""

    def __init__(self) -> None:
        self.version: str | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def apply(self, version: str, files: dict[str, str]) -> None:
        """Make a checked configuration the running one; connections go on.

        Raises RefusedError and leaves all as it was when HAProxy's check refuses it.
        """
        folder = RUN / version
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        (folder / STAMP).write_text(f"global\n    description {version}\n")
        old = CURRENT.resolve() if CURRENT.exists() else None
        try:
            await self._check(folder)
            _point(folder)
            await self._take_over(version)
        except RefusedError:
            if old and folder != old:
                _point(old)
            if folder != old:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        self.version = version
        if old and old != folder:
            shutil.rmtree(old, ignore_errors=True)

    async def _take_over(self, version: str) -> None:
        """Start or reload, and wait until the worker runs this version.

        A signal that comes while HAProxy starts would end it, and one during a reload is lost.
        """
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                "haproxy", "-W", "-S", str(MASTER), *_arguments(CURRENT)
            )
        else:
            # What is known of the servers goes along, or the new worker would have none until DNS
            # has answered it.
            known = await _ask(MASTER, "@1 show servers state")
            (CURRENT.parent / SERVERS).write_text(known)
            self._process.send_signal(signal.SIGUSR2)
        try:
            async with asyncio.timeout(START_SECONDS):
                while self._process.returncode is None:
                    if f"description: {version}\n" in await _ask(MASTER, "@1 show info"):
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            raise RefusedError(f"HAProxy did not take it over within {START_SECONDS} s") from None

    async def _check(self, folder: Path) -> None:
        check = await asyncio.create_subprocess_exec(
            "haproxy",
            "-c",
            *_arguments(folder),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                output, _ = await check.communicate()
        except TimeoutError:
            check.kill()
            await check.wait()
            raise RefusedError(f"the check took longer than {CHECK_SECONDS} s") from None
        if check.returncode:
            raise RefusedError(output.decode(errors="replace").strip()[-2000:])

    async def ended(self) -> int:
        """Waits until HAProxy has ended by itself; its exit status."""
        while self._process is None:
            await asyncio.sleep(0.2)
        return await self._process.wait()

    async def leave(self) -> None:
        """Fail the front door's health check, so that no new connections come."""
        await _ask(WORKER, "set server accepting/self state maint")

    def stop(self) -> None:
        """No new connections; end when those that there are have ended."""
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGUSR1)

    async def releases(self) -> dict[str, dict[str, int]]:
        """Each release's healthy servers, its sessions in this and in finishing workers, and its answers.

        Answers (`requests`, of them `errors`) are counted since the last reload.
        """
        found: dict[str, dict[str, int]] = {}
        for number, prefix in enumerate(await self._workers()):
            for row in _table(await _ask(MASTER, f"{prefix}show stat")):
                _, colon, service = row.get("pxname", "").partition(":")
                if colon:
                    _add(found.setdefault(service, dict.fromkeys(COUNTS, 0)), row, new=number == 0)
        return found

    async def durations(self) -> dict[str, list[int]]:
        """Answers of each release (app-APP:SERVICE), counted by how long they took; since the last reload."""
        return _counts(await _ask(WORKER, f"show table {DURATIONS}"))

    async def asked(self) -> dict[str, int]:
        """Requests for each app, also those that no task answered; since the last reload."""
        found = _counts(await _ask(WORKER, f"show table {ASKED}"))
        return {name.removeprefix("app-"): counts[0] for name, counts in found.items()}

    async def _workers(self) -> list[str]:
        """Prefixes for the master's command line: the current worker's first, then old ones'."""
        prefixes = ["@1 "]
        old = False
        for line in (await _ask(MASTER, "show proc")).splitlines():
            old = old or line.startswith("# old workers")
            words = line.split()
            if old and len(words) > 1 and words[0].isdigit() and words[1] == "worker":
                prefixes.append(f"@!{words[0]} ")
        return prefixes


def _arguments(folder: Path) -> list[str]:
    return ["-f", str(folder / CONFIG), "-f", str(folder / STAMP)]


def _point(folder: Path) -> None:
    link = RUN / ".next"
    link.unlink(missing_ok=True)
    link.symlink_to(folder)
    link.replace(CURRENT)


async def _ask(socket: Path, command: str) -> str:
    # asyncio.timeout, not wait_for: before Python 3.12 that one may swallow a cancellation.
    try:
        async with asyncio.timeout(SOCKET_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(socket))
            writer.write(f"{command}\n".encode())
            writer.write_eof()  # the master's socket stays open until its client has said all
            answer = await reader.read()
            writer.close()
            return answer.decode(errors="replace")
    except (TimeoutError, OSError):
        return ""


def _add(counts: dict[str, int], row: dict[str, str], *, new: bool) -> None:
    """What a line of statistics says of a release; `new`: of the worker that takes new requests."""
    if row.get("svname") == "BACKEND":
        counts["sessions"] += _int(row, "scur")
        if new:
            answers = {key: _int(row, f"hrsp_{key}") for key in ANSWERS}
            counts["requests"] += sum(answers.values())
            counts["errors"] += answers["5xx"]
    elif row.get("svname", "").rpartition("_")[2].isdigit() and new:
        counts["up"] += row.get("status", "").startswith(UP)


def _int(row: dict[str, str], key: str) -> int:
    return int(row.get(key) or 0)


def _counts(text: str) -> dict[str, list[int]]:
    """A table's keys, each with its counters: `…: key=NAME use=0 exp=0 gpc0=7 gpc1=0 …`."""
    found: dict[str, list[int]] = {}
    for line in text.splitlines():
        pairs = dict(word.split("=", 1) for word in line.split() if "=" in word)
        counters = {int(k[3:]): int(v) for k, v in pairs.items() if k.startswith("gpc")}
        if "key" in pairs and counters:
            found[pairs["key"]] = [counters[number] for number in sorted(counters)]
    return found


def _table(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or not lines[0].startswith("#"):
        return []
    return list(csv.DictReader([lines[0].lstrip("# "), *lines[1:]]))
