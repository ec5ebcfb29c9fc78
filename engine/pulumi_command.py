"""Which `pulumi` commands are there, and whether one can be used."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from engine import versions
from engine.commands import Runner
from engine.launcher import is_launcher

# What the engine must find beside itself to run Python programs and dynamic providers.
BESIDE = ("pulumi-language-python", "pulumi-resource-pulumi-python")
# A command that is swapped out or on a slow disk answers in a second or two.
VERSION_SECONDS = 20.0


def on_path(path: str, ours: Path) -> Iterator[Path]:
    """Return every `pulumi` on `path`, in its order, but for those that set-up made (`ours`)."""
    for folder in path.split(os.pathsep):
        found = shutil.which("pulumi", path=folder) if folder else None
        if not found or is_launcher(Path(found)):
            continue
        real = Path(found).resolve()
        if real != ours.resolve():
            yield real


def version_of(command: Path, run: Runner) -> str:
    """Return the version that `command` tells, such as "3.259.0"; "" when it tells none."""
    quiet = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    told = run(command, "version", env=quiet, limit=VERSION_SECONDS)
    return ".".join(map(str, versions.numbers(told.out))) if told.ok else ""


def fault(command: Path, run: Runner) -> str | None:
    """Say why `command` cannot be used; None when it can."""
    missing = [name for name in BESIDE if not (command.parent / name).exists()]
    if missing:
        return f"{command} has no {' and no '.join(missing)} beside it"
    version = version_of(command, run)
    if not version:
        return f"{command} tells no version"
    if versions.numbers(version) < versions.numbers(versions.PULUMI):
        return f"{command} is {version}, older than {versions.PULUMI}"
    return None
