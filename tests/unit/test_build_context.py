"""The digest of a build's folder: another when, and only when, another image would come of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from components.build_context import declared_arguments, source


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "src" / "app.py").write_text("print(1)\n")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / ".dockerignore").write_text("# not these\n*.log\n\nbuild\n!build/kept\n")
    return tmp_path


def digest(project: Path) -> str:
    return source(project, "web")["digest"]


@pytest.mark.parametrize(
    "change",
    [
        lambda f: (f / "src" / "app.py").write_text("print(2)\n"),
        lambda f: (f / "src" / "app.py").rename(f / "src" / "main.py"),
        lambda f: (f / "new").write_text(""),
        lambda f: (f / "run").chmod(0o755),
        lambda f: (f / "Dockerfile").write_text("FROM other\n"),
        lambda f: (f / "link").symlink_to("run"),
        lambda f: (f / "run").unlink(),
        lambda f: ((f / "build").mkdir(), (f / "build" / "kept").write_text("")),
    ],
    ids=["content", "name", "file", "executable", "Dockerfile", "link", "gone", "exception"],
)
def test_a_change_that_counts(project: Path, change: Callable[[Path], object]) -> None:
    before = digest(project)
    change(project / "web")
    assert digest(project) != before


@pytest.mark.parametrize(
    "change",
    [
        lambda f: (f / "debug.log").write_text("noise"),
        lambda f: (f / "run").touch(),
        lambda f: (f / "run").chmod(0o600),
    ],
    ids=["ignored", "time", "other rights"],
)
def test_a_change_that_does_not_count(project: Path, change: Callable[[Path], object]) -> None:
    before = digest(project)
    change(project / "web")
    assert digest(project) == before


def test_the_same_folder_elsewhere_has_the_same_digest(project: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(project / "web", tmp_path / "copy" / "web")
    assert digest(tmp_path / "copy") == digest(project)


@pytest.mark.parametrize("missing", ["nowhere", "web/src"])
def test_a_folder_without_a_dockerfile_is_an_error_with_a_remedy(
    project: Path, missing: str
) -> None:
    with pytest.raises(FileNotFoundError, match=f"{missing}/Dockerfile is not there; write it"):
        source(project, missing)


def test_arguments_are_those_that_the_dockerfile_declares(project: Path) -> None:
    text = "ARG HORCRUX_BASE\nFROM ${HORCRUX_BASE}\narg  LEVEL=3\n# ARG NOT\nRUN echo ARG NO\nARG\n"
    (project / "web" / "Dockerfile").write_text(text)
    assert declared_arguments(project, "web", "Dockerfile") == {"HORCRUX_BASE", "LEVEL"}
