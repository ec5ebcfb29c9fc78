"""The Python environment that the options under `runtime:` choose for a program or a plugin."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto.language_pb2 import ProgramInfo

from engine.language_host.failure import Failure

TOOLCHAINS = ("pip", "uv", "poetry")


def find_up(start: Path, name: str) -> Path | None:
    """Return the nearest folder, from `start` upwards, that has an entry `name`."""
    return next((place for place in [start, *start.parents] if (place / name).exists()), None)


@dataclass(frozen=True)
class Environment:
    """A folder with a program, and the interpreter that runs it (`venv`, or PATH's python)."""

    root: Path
    folder: Path
    toolchain: str
    typechecker: str | None
    venv: Path | None

    @classmethod
    def of(cls, info: ProgramInfo, plugin: bool = False) -> "Environment":
        """Read the engine's description of a program; raise Failure on an unknown toolchain."""
        options = json_format.MessageToDict(info.options)
        root, folder = Path(info.root_directory), Path(info.program_directory)
        locked = (tool for tool in ("uv", "poetry") if find_up(folder, f"{tool}.lock"))
        tool = options.get("toolchain") or next(locked, "pip")
        if tool not in TOOLCHAINS:
            raise Failure(
                f"unsupported toolchain option: {tool}; known are {', '.join(TOOLCHAINS)}"
            )
        venv = _venv(tool, options.get("virtualenv"), root, folder, plugin)
        return cls(root, folder, tool, options.get("typechecker"), venv)

    @property
    def python(self) -> str:
        """The interpreter; raise Failure when there is none on PATH."""
        if self.venv:
            return str(self.venv / "bin" / "python")
        asked = os.environ.get("PULUMI_PYTHON_CMD")
        names = [asked] if asked else ["python3", "python"]
        found = next(filter(None, map(shutil.which, names)), None)
        if not found:
            raise Failure(f"no {' or '.join(names)} on PATH: install Python, or set `virtualenv`")
        return found

    @property
    def exists(self) -> bool:
        """Tell whether there is an interpreter to run."""
        return not self.venv or os.access(self.python, os.X_OK)

    def check(self) -> "Environment":
        """Return this environment; raise Failure when its virtual environment isn't there."""
        if not self.exists:
            missing = f"the virtual environment {str(self.venv)!r} has no bin/python"
            raise Failure(f"{missing}; `pulumi install` makes it")
        return self

    def variables(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment variables of a child, with `extra` over ours."""
        found = {**os.environ, "PYTHONUNBUFFERED": "1", **(extra or {})}
        found.pop("GRPC_ENABLE_FORK_SUPPORT", None)
        if self.venv:
            path = f"{self.venv / 'bin'}{os.pathsep}{found.get('PATH', '')}"
            found.update(VIRTUAL_ENV=str(self.venv), PATH=path)
            found.pop("PYTHONHOME", None)
        return found

    def output(self, *words: str) -> str:
        """Return what the interpreter prints when run with `words`; raise Failure if it fails."""
        done = subprocess.run(
            [self.python, *words],
            env=self.variables(),
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            told = (done.stdout + done.stderr).strip()
            raise Failure(f"{self.python} {words[0]} {words[1][:40]!r} failed:\n{told}")
        return done.stdout

    def install_commands(self, plugin: bool = False) -> list[list[str]]:
        """Return the commands that install what the program needs, in their order."""
        if self.toolchain == "uv":
            return [["uv", "sync"]]
        if self.toolchain == "poetry":
            return [["poetry", "install", "--no-ansi"]]
        commands = [] if self.exists else [[sys.executable, "-m", "venv", str(self.venv)]]
        pip = [self.python, "-m", "pip", "install", "--disable-pip-version-check"]
        if plugin and (self.folder / "pyproject.toml").is_file():
            commands.append([*pip, str(self.folder)])
        places = (self.folder / "requirements.txt", self.root / "requirements.txt")
        lists = [place for place in places if place.is_file()]
        return commands + [[*pip, "-r", str(place)] for place in lists[:1]]


def _venv(tool: str, asked: str | None, root: Path, folder: Path, plugin: bool) -> Path | None:
    if tool == "poetry":
        return _poetry(folder)
    if asked:
        return root / Path(asked).expanduser()
    if tool == "uv":
        home = find_up(folder, "uv.lock") or find_up(folder, "pyproject.toml") or folder
        return home / os.environ.get("UV_PROJECT_ENVIRONMENT", ".venv")
    return root / "venv" if plugin and (root / "venv").is_dir() else None


def _poetry(folder: Path) -> Path:
    words = ["poetry", "env", "info", "--path"]
    try:
        told = subprocess.run(words, cwd=folder, text=True, capture_output=True, check=False)
    except FileNotFoundError as error:
        raise Failure("the toolchain is poetry, but there is no `poetry` on PATH") from error
    return Path(told.stdout.strip()) if told.returncode == 0 else folder / ".venv"
