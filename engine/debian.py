"""Packages of Debian and its kin, installed where we are root and told about elsewhere."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.commands import Runner
from engine.report import SetupError, say

# Another apt may be at work; it is waited for this long.
LOCK_SECONDS = 120
# A slow mirror; past this, something else is wrong.
APT_SECONDS = 900.0
# Debian asks this file, where there is one, whether a package may start its service.
POLICY = Path("/usr/sbin/policy-rc.d")
REFUSE_START = (
    b"#!/bin/sh\n# Written by Horcrux's set-up while it installs; taken away after.\nexit 101\n"
)


@dataclass(frozen=True)
class System:
    """What kind of machine this is, as far as installing goes."""

    debian: bool
    root: bool
    systemd: bool

    @classmethod
    def here(cls) -> "System":
        """Look at this machine."""
        debian = is_debian(Path("/etc/os-release")) and shutil.which("apt-get") is not None
        return cls(debian, os.geteuid() == 0, Path("/run/systemd/system").is_dir())

    @property
    def installs(self) -> bool:
        """Tell whether set-up may install packages by itself here."""
        return self.debian and self.root

    def how_to_install(self, packages: tuple[str, ...]) -> str:
        """Return what the user does to get `packages`."""
        if self.debian:
            return f"sudo apt-get install {' '.join(packages)}"
        return f"install {', '.join(packages)} with this system's own package manager"


def is_debian(release: Path) -> bool:
    """Tell whether an os-release file is that of Debian, Ubuntu or a kin of theirs."""
    if not release.is_file():
        return False
    pairs = (line.split("=", 1) for line in release.read_text().splitlines() if "=" in line)
    told = {name: value.strip("\"'") for name, value in pairs}
    return "debian" in [told.get("ID", ""), *told.get("ID_LIKE", "").split()]


def install(step: str, packages: tuple[str, ...], run: Runner) -> None:
    """Install Debian packages, as root; raise SetupError when apt fails."""
    say(step, f"installing {' '.join(packages)}")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    wait = ("-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}")
    words = ("install", "-y", "--no-install-recommends", *packages)
    for command in (("update",), words):
        done = run("apt-get", *wait, *command, env=env, limit=APT_SECONDS)
        if not done.ok:
            what = f"`apt-get {' '.join(command)}` failed:\n{(done.err or done.out).strip()}"
            raise SetupError(what, "mend what apt names, and run the same command again")


@contextlib.contextmanager
def services_kept_down() -> Iterator[None]:
    """Keep packages from starting their services while they are installed.

    Where the machine has such a rule of its own, that one holds.
    """
    ours = not POLICY.exists()
    if ours:
        POLICY.write_bytes(REFUSE_START)
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink(missing_ok=True)
