"""Which Python the language host runs a program with."""

import json
import os
import sys
from pathlib import Path

import pytest
from pulumi.runtime.proto.language_pb2 import ProgramInfo

from engine.language_host.environment import Environment
from engine.language_host.failure import Failure
from engine.language_host.packages import packages


def program(folder: Path, **options: str) -> ProgramInfo:
    info = ProgramInfo(root_directory=str(folder), program_directory=str(folder), entry_point=".")
    info.options.update(options)
    return info


def test_without_options_a_program_runs_on_the_python_of_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.setenv("PATH", str(python.parent))
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    environment = Environment.of(program(tmp_path))
    assert environment.venv is None
    assert environment.python == str(python)


def test_no_python_on_path_is_told_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("PULUMI_PYTHON_CMD", raising=False)
    with pytest.raises(Failure, match="install Python, or set `virtualenv`"):
        _ = Environment.of(program(tmp_path)).python


def test_a_virtualenv_is_found_below_the_folder_of_the_project_file(tmp_path: Path) -> None:
    environment = Environment.of(program(tmp_path, virtualenv="venv"))
    assert environment.python == str(tmp_path / "venv" / "bin" / "python")


def test_a_virtualenv_that_is_not_there_is_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="`pulumi install` makes it"):
        Environment.of(program(tmp_path, virtualenv="venv")).check()


def test_a_lock_file_of_uv_chooses_uv_and_its_venv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)
    (tmp_path / "uv.lock").touch()
    (tmp_path / "below").mkdir()
    environment = Environment.of(program(tmp_path / "below"))
    assert environment.toolchain == "uv"
    assert environment.venv == tmp_path / ".venv"
    assert environment.install_commands() == [["uv", "sync"]]


def test_an_unknown_toolchain_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="conda"):
        Environment.of(program(tmp_path, toolchain="conda"))


def test_only_a_plugin_takes_a_venv_beside_it_without_being_told(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    assert Environment.of(program(tmp_path), plugin=True).venv == tmp_path / "venv"
    assert Environment.of(program(tmp_path)).venv is None


def test_a_missing_venv_is_made_and_filled_from_the_requirements(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").touch()
    make, fill = Environment.of(program(tmp_path, virtualenv="venv")).install_commands()
    assert make == [sys.executable, "-m", "venv", str(tmp_path / "venv")]
    assert fill[1:4] == ["-m", "pip", "install"]
    assert fill[-2:] == ["-r", str(tmp_path / "requirements.txt")]


def test_a_child_gets_the_venv_first_on_path_and_what_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/elsewhere")
    monkeypatch.setenv("GRPC_ENABLE_FORK_SUPPORT", "0")
    told = Environment.of(program(tmp_path, virtualenv="venv")).variables({"MORE": "yes"})
    assert told["PATH"].split(os.pathsep)[0] == str(tmp_path / "venv" / "bin")
    assert told["VIRTUAL_ENV"] == str(tmp_path / "venv")
    assert told["MORE"] == "yes"
    assert "PYTHONHOME" not in told
    assert "GRPC_ENABLE_FORK_SUPPORT" not in told, "it is for the host alone"


def test_the_packages_of_an_environment_are_listed_by_its_own_python(tmp_path: Path) -> None:
    (tmp_path / "venv").symlink_to(sys.prefix)
    found = packages(Environment.of(program(tmp_path, virtualenv="venv")))
    by_name = {package["name"]: package for package in found}
    assert by_name["pulumi-docker"]["version"] == "5.2.0"
    plugin = by_name["pulumi-docker"]["plugin"]
    assert plugin is not None
    assert plugin["name"] == "docker"
    assert not by_name["grpcio"]["direct"], "others require it"
    json.dumps(found)


def test_a_python_that_fails_is_told_with_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "venv").symlink_to(sys.prefix)
    environment = Environment.of(program(tmp_path, virtualenv="venv"))
    with pytest.raises(Failure, match="no such luck"):
        environment.output("-c", "raise SystemExit('no such luck')")
