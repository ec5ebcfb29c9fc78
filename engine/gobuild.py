"""`go build` in a module below engine/go, with progress. Go's own caches make it resume."""

import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import versions
from engine.commands import Runner
from engine.official import SERVER
from engine.report import SetupError, say

# A build takes minutes: often enough to show that it is alive, seldom enough to stay readable.
PROGRESS_SECONDS = 15.0
SOURCES = (".go", ".mod", ".sum")
LDFLAGS = f"-s -w -X {versions.SDK_MODULE}/go/common/version.Version=v{versions.PULUMI}"
INSTALL_GO = f"install Go {versions.WANTED_GO} or newer (https://go.dev/dl)"
LET_DOWNLOAD = (
    f"let {SERVER} be reached, or install Pulumi {versions.PULUMI} or newer with its docker plugin "
    f"{versions.DOCKER_PLUGIN} yourself (https://pulumi.com/docs/install)"
)
Which = Callable[[str], str | None]


def digest(source: Path) -> str:
    """Return what a build depends on, as a hash: the pinned versions and the module's sources."""
    found = hashlib.sha256(repr((versions.PULUMI, versions.DOCKER_PLUGIN)).encode())
    for path in sorted(path for path in source.rglob("*") if path.suffix in SOURCES):
        found.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes())
    return found.hexdigest()


@dataclass(frozen=True)
class Go:
    """A usable `go`, and the environment that it works in."""

    command: str
    version: str
    env: dict[str, str]
    run: Runner

    @classmethod
    def find(cls, run: Runner, thing: str, which: Which = shutil.which) -> "Go":
        """Return the `go` on PATH, which is to build `thing`.

        Raise SetupError where there is none, or where it is too old.
        """
        command = which("go")
        if not command:
            what = f"{thing} can be neither downloaded ({SERVER} cannot be used) nor built: no `go`"
            raise SetupError(what, f"{INSTALL_GO}, or {LET_DOWNLOAD}")
        env = {**os.environ, "GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
        told = run(command, "version", env=env)
        have = versions.numbers(told.out)
        if have < versions.OLDEST_GO:
            what = f"{command} is too old ({told.out.strip() or told.reason})"
            raise SetupError(what, f"{INSTALL_GO}, or {LET_DOWNLOAD}")
        return cls(command, ".".join(map(str, have)), env, run)

    def module(self, source: Path, name: str) -> Path:
        """Return the folder of the module `name`, at the version that `source` pins."""
        done = self.run(self.command, "mod", "download", "-json", name, cwd=source, env=self.env)
        if not done.ok:
            raise _failed(f"go mod download {name}", done.err or done.out)
        return Path(json.loads(done.out)["Dir"])

    def build(self, source: Path, package: str, target: Path) -> None:
        """Build `package` of the module in `source` to `target`; raise SetupError on failure."""
        began = time.monotonic()
        progress = Progress()
        words = ["build", "-v", "-trimpath", "-ldflags", LDFLAGS, "-o", str(target), package]
        child = subprocess.Popen(
            [self.command, *words], cwd=source, env=self.env, stderr=subprocess.PIPE, text=True
        )
        ended = threading.Event()
        threading.Thread(target=progress.tell, args=(ended,), daemon=True).start()
        try:
            for line in child.stderr or ():
                progress.take(line)
            child.wait()
        finally:
            ended.set()
            child.terminate()
        if child.returncode:
            raise _failed(f"go build {package}", "".join(progress.last))
        size = target.stat().st_size / 1e6
        say("engine", f"built {target.name} ({size:.0f} MB) in {time.monotonic() - began:.0f} s")


class Progress:
    """Counts what `go build -v` tells, and reports it now and then."""

    def __init__(self) -> None:
        self.fetched = 0
        self.compiled = 0
        self.last: list[str] = []

    def take(self, line: str) -> None:
        """Take one line that `go` wrote."""
        if line.startswith("go: downloading"):
            self.fetched += 1
        else:
            self.compiled += 1
            self.last = [*self.last, line][-20:]

    def tell(self, ended: threading.Event) -> None:
        """Report every PROGRESS_SECONDS until the build has ended."""
        began = time.monotonic()
        while not ended.wait(PROGRESS_SECONDS):
            seconds = time.monotonic() - began
            done = f"{self.fetched} modules fetched, {self.compiled} packages compiled"
            say("engine", f"building, {seconds:.0f} s: {done}")


def _failed(what: str, told: str) -> SetupError:
    remedy = "see that the Go module proxy can be reached (`go env GOPROXY`) and that the disk has"
    return SetupError(f"{what} failed:\n{told.strip()}", f"{remedy} 5 GB free, or {LET_DOWNLOAD}")
