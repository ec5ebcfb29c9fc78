"""The project's virtual environment. Runs on the system's Python, with nothing but its library."""

import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine import debian
from engine.commands import Runner, run
from engine.debian import System
from engine.files import locked, read
from engine.layout import PROJECT
from engine.report import SetupError, say

# Written last: what is there with this stamp is complete.
STAMP = "stamp-horcrux"
VENV_PACKAGE = ("python3-venv",)
PIP = ("-m", "pip", "install", "--disable-pip-version-check", "--quiet")


@dataclass(frozen=True)
class Venv:
    """The virtual environment of one checkout, made by the interpreter `maker`."""

    project: Path
    maker: Path
    run: Runner = run

    @property
    def folder(self) -> Path:
        """The virtual environment's folder."""
        return self.project / ".venv"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def wanted(self) -> str:
        """Return what the stamp says when all is as the lock file and the project want it.

        It names the folder, for neither scripts nor the editable install survive a move.
        """
        lists = (self.project / "requirements.lock", self.project / "pyproject.toml")
        content = b"\0".join(path.read_bytes() for path in lists)
        return f"{hashlib.sha256(content).hexdigest()} {self.folder}"

    def is_current(self) -> bool:
        """Tell whether there is nothing to do."""
        return read(self.folder / STAMP) == self.wanted() and os.access(self.python, os.X_OK)

    def was_moved(self) -> bool:
        """Tell whether it was made for another folder."""
        told = read(self.folder / STAMP).split(" ", 1)
        return len(told) == 2 and told[1] != str(self.folder)

    def works(self) -> bool:
        """Tell whether its interpreter runs, has pip and is new enough."""
        check = "import pip, sys; sys.exit(sys.version_info < (3, 11))"
        return self.run(self.python, "-c", check).ok

    def make(self, system: System) -> None:
        """Make it anew; raise SetupError when Python cannot."""
        say("python", f"making .venv with {self.maker}")
        if not self.run(self.maker, "-c", "import ensurepip, venv").ok:
            if not system.installs:
                what = f"{self.maker} cannot make virtual environments: it has no ensurepip"
                raise SetupError(what, f"`{system.how_to_install(VENV_PACKAGE)}`")
            debian.install("python", VENV_PACKAGE, self.run)
        done = self.run(self.maker, "-m", "venv", "--clear", self.folder)
        if not done.ok:
            what = f"`{self.maker} -m venv` failed:\n{(done.err or done.out).strip()}"
            raise SetupError(what, "mend what it names, or set PYTHON to another interpreter")

    def install(self) -> None:
        """Install what requirements.lock lists, and the project itself; raise SetupError."""
        say("python", "installing what requirements.lock lists")
        lock = self.project / "requirements.lock"
        self._pip("--require-hashes", "-r", lock)
        # setuptools is in the lock: nothing is fetched to build the project.
        self._pip("--no-deps", "--no-build-isolation", "-e", self.project)

    def _pip(self, *words: str | Path) -> None:
        done = self.run(self.python, *PIP, *words, cwd=self.project)
        if not done.ok:
            what = f"pip failed:\n{(done.err or done.out).strip()}"
            remedy = "see that a package index can be reached (`pip config list` shows which)"
            raise SetupError(what, f"{remedy}, then run the same command again")


def ensure(venv: Venv, look: Callable[[], System] = System.here) -> None:
    """Make the virtual environment be there and current; adopt one that works."""
    if not venv.is_current():
        if venv.was_moved() or not venv.works():
            venv.make(look())
        (venv.folder / STAMP).unlink(missing_ok=True)
        venv.install()
        (venv.folder / STAMP).write_text(venv.wanted())
    say("python", "ready: .venv")


def interpreter() -> Path:
    """Return the interpreter to make .venv with: this one, or the one below an activated venv."""
    if sys.prefix == sys.base_prefix:
        return Path(sys.executable)
    return Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"


def main() -> int:
    """Set up the virtual environment of this checkout."""

    def waiting() -> None:
        say("python", "another set-up is at work here: waiting for it")

    try:
        with locked(PROJECT / ".engine" / "lock", waiting):
            ensure(Venv(PROJECT, interpreter()))
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
