"""The project folder, and which of its environments is meant."""

import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from horcrux.exits import Exit, HorcruxError
from horcrux.settings import Settings, stack_file

STATE = ".horcrux"  # the state, the passphrase and logs: ignored by git


@dataclass(frozen=True)
class Project:
    """A checkout, and the environment that a command is about."""

    folder: Path
    environment: str

    @property
    def state(self) -> Path:
        """The folder of what belongs to this checkout alone."""
        return self.folder / STATE

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase of the state's secrets, when `horcrux` made one."""
        return self.state / "passphrase"

    def settings(self) -> Settings:
        """The environment's settings. Raises SettingsError."""
        return stack_file.read(self.folder, self.environment)

    def make_passphrase(self) -> None:
        """Make a passphrase up, readable by this user alone."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.passphrase.touch(mode=0o600)
        self.passphrase.write_text(secrets.token_urlsafe(32) + "\n")


def find(start: Path, environment: str | None) -> Project:
    """The project around `start`, and the environment: named, selected in Pulumi, or the only one."""
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / "Pulumi.yaml").is_file() and (folder / "stacks").is_dir():
            return Project(folder, environment or _selected(folder))
    raise HorcruxError(
        f"{start.resolve()} is not in a Horcrux project (no Pulumi.yaml and stacks/ here or above); "
        "go there, or name it: horcrux -C FOLDER …",
        Exit.USAGE,
    )


def _selected(folder: Path) -> str:
    names = stack_file.environments(folder)
    if len(names) == 1:
        return names[0]
    asked = subprocess.run(
        [_pulumi(), "stack", "--show-name", "--non-interactive"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0 and asked.stdout.strip():
        return asked.stdout.strip()
    there = ", ".join(names) or "none yet"
    raise HorcruxError(f"which environment? Say -s NAME; there are: {there}", Exit.USAGE)


def _pulumi() -> str:
    from engine import installed

    root = installed.root()
    return str(Path(root, "bin", "pulumi")) if root else "pulumi"
