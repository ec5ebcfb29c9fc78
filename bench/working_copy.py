"""A copy of the project to measure in, so that state, stack file and sources can change freely."""

import shutil
from pathlib import Path
from typing import Any

import yaml

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".engine", ".horcrux", "build", "__pycache__", ".*_cache", ".hypothesis"
)
KEPT = {".horcrux"}  # the copy's own state: an interrupted run is taken down with it
TEMPLATE = Path(__file__).with_name("stack.yaml")
APPS, HOSTS = "horcrux:apps", "horcrux:hosts"


class WorkingCopy:
    """The project's files under `folder`, with a stack file for `environment`."""

    def __init__(self, project: Path, folder: Path, environment: str) -> None:
        self.project, self.folder = project, folder
        self._stack_file = folder / "stacks" / f"Pulumi.{environment}.yaml"

    @property
    def exists(self) -> bool:
        """Whether an earlier run left a copy that may have an environment up."""
        return (self.folder / ".horcrux").is_dir() and self._stack_file.is_file()

    def renew(self) -> None:
        """Make the copy like the project; the state in it stays."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.iterdir():
            if old.name in KEPT:
                continue
            if old.is_dir() and not old.is_symlink():
                shutil.rmtree(old)
            else:
                old.unlink()
        shutil.copytree(self.project, self.folder, ignore=LEFT_OUT, dirs_exist_ok=True)
        (self.folder / ".venv").symlink_to(self.project / ".venv")
        shutil.copyfile(TEMPLATE, self._stack_file)

    def set_apps(self, extra: dict[str, Any]) -> None:
        """Lay `extra` over the template's apps; what Pulumi wrote into the stack file stays."""
        document = yaml.safe_load(self._stack_file.read_text())
        apps = yaml.safe_load(TEMPLATE.read_text())["config"][APPS]
        document["config"][APPS] = {**apps, **extra}
        self._write(document)

    def set_hosts(self, hosts: dict[str, Any]) -> None:
        """Have other hosts than the template's; none said are those again."""
        document = yaml.safe_load(self._stack_file.read_text())
        document["config"].pop(HOSTS, None)
        if hosts:
            document["config"][HOSTS] = hosts
        self._write(document)

    def _write(self, document: dict[str, Any]) -> None:
        self._stack_file.write_text(yaml.safe_dump(document, sort_keys=False, width=4096))

    def touch(self, path: str, text: str) -> None:
        """Append a line to a source file, so that what is built from it is another image."""
        with (self.folder / path).open("a") as file:
            file.write(f"{text}\n")
