"""Which way the Pulumi engine gets here, with a fake `go`, a fake `pulumi` and no network."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from engine import versions
from engine.commands import Result, Runner, run
from engine.docker_plugin import plugin_in
from engine.install import Chosen, install
from engine.layout import Layout
from engine.report import SetupError

PULUMI = f"#!/bin/sh\necho v{versions.PULUMI}\n"
# Plays `go`: notes its arguments, tells a version, "builds" a program that tells Pulumi's.
GO = f"""#!/bin/sh
echo "$*" >> "$GO_LOG"
case "$1" in
version) echo go version go1.26.8 linux/amd64 ;;
mod) echo '{{"Dir": "'"$GO_SDK"'"}}' ;;
build)
  [ -z "$GO_FAILS" ] || {{ echo "./bridge.go:1: it is broken" >&2; exit 1; }}
  while [ "$1" != -o ]; do shift; done
  printf '#!/bin/sh\\necho v{versions.PULUMI}\\n' > "$2" && chmod +x "$2" ;;
esac
"""


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def users_pulumi(folder: Path, version: str = versions.PULUMI) -> Path:
    for name in ("pulumi-language-python", "pulumi-resource-pulumi-python"):
        script(folder / name, "#!/bin/sh\n")
    return script(folder / "pulumi", f"#!/bin/sh\necho v{version}\n")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for module in ("cli", "docker"):
        (tmp_path / "project" / "engine" / "go" / module).mkdir(parents=True)
        (tmp_path / "project" / "engine" / "go" / module / "go.mod").write_text(module)
    (tmp_path / "project" / "engine/go/docker/cmd/pulumi-resource-docker").mkdir(parents=True)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    return Layout(tmp_path / "project", tmp_path / "venv")


@pytest.fixture
def go_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` on PATH, and nothing of Pulumi; the file lists what it was asked for."""
    sdk = tmp_path / "sdk" / "python"
    script(sdk / "cmd" / "pulumi-language-python-exec", "executor")
    script(sdk / "dist" / "pulumi-resource-pulumi-python", "#!/bin/sh\n")
    script(tmp_path / "go" / "go", GO)
    log = tmp_path / "go.log"
    log.touch()
    monkeypatch.setenv("PATH", f"{tmp_path / 'go'}:/usr/bin:/bin")
    monkeypatch.setenv("GO_LOG", str(log))
    monkeypatch.setenv("GO_SDK", str(tmp_path / "sdk"))
    monkeypatch.setenv("GO_FAILS", "")
    return log


def nowhere(_host: str) -> bool:
    return False


def everywhere(_host: str) -> bool:
    return True


def set_up(layout: Layout, path: str, home: Path | None = None, runner: Runner = run) -> Chosen:
    environ = {"PATH": path} | ({"PULUMI_HOME": str(home)} if home else {})
    return install(layout, environ, runner, nowhere)


def test_a_new_enough_pulumi_on_path_is_used_and_gets_the_plugin_in_its_own_home(
    layout: Layout, tmp_path: Path, go_log: Path
) -> None:
    theirs = users_pulumi(tmp_path / "theirs", "3.300.1")
    chosen = set_up(layout, str(theirs.parent), tmp_path / "home")
    assert chosen.pulumi == theirs
    assert "3.300.1 of yours" in chosen.way
    assert plugin_in(tmp_path / "home").is_file()
    assert not layout.launcher.exists(), "the user's own `pulumi` must be found"
    assert versions.CLI_PACKAGE not in go_log.read_text()


def test_an_official_plugin_that_is_there_is_enough(layout: Layout, tmp_path: Path) -> None:
    theirs = users_pulumi(tmp_path / "theirs")
    script(plugin_in(tmp_path / "home"), "official")
    set_up(layout, str(theirs.parent), tmp_path / "home")
    assert plugin_in(tmp_path / "home").read_text() == "official"


def too_old(place: Path) -> None:
    users_pulumi(place, "3.100.0")


def without_its_host(place: Path) -> None:
    (place / "pulumi-language-python").unlink()


def broken(place: Path) -> None:
    script(place / "pulumi", "#!/bin/sh\nexit 1\n")


@pytest.mark.usefixtures("go_log")
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (too_old, "is 3.100.0, older than 3.259.0"),
        (without_its_host, "no pulumi-language-python"),
        (broken, "tells no version"),
    ],
)
def test_a_pulumi_that_cannot_be_used_is_passed_over_and_the_reason_told(
    layout: Layout,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    theirs = users_pulumi(tmp_path / "theirs")
    spoil(theirs.parent)
    chosen = set_up(layout, str(theirs.parent))
    assert chosen.pulumi == layout.pulumi
    assert told in capsys.readouterr().err


def test_our_own_launcher_on_path_is_not_taken_for_a_pulumi_of_the_users(
    layout: Layout, tmp_path: Path, go_log: Path
) -> None:
    set_up(layout, "")
    beside = users_pulumi(tmp_path / "theirs")
    chosen = set_up(layout, f"{layout.launcher.parent}:{layout.pulumi.parent}")
    assert chosen.pulumi == layout.pulumi
    chosen = set_up(layout, f"{layout.launcher.parent}:{beside.parent}", tmp_path / "home")
    assert chosen.pulumi == beside
    assert not layout.launcher.exists()


def test_where_nothing_can_be_downloaded_the_engine_is_built_and_the_reason_told(
    layout: Layout, go_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = set_up(layout, "")
    assert "built from Go modules" in chosen.way
    told = capsys.readouterr().err
    assert "get.pulumi.com cannot be reached: building it" in told
    for name in ("pulumi", "pulumi-language-python", "pulumi-resource-pulumi-python"):
        assert os.access(layout.pulumi.with_name(name), os.X_OK), name
    assert plugin_in(layout.home).is_file()
    assert not (layout.root / ".build").exists()
    linked = f"-X {versions.SDK_MODULE}/go/common/version.Version=v{versions.PULUMI}"
    assert linked in go_log.read_text(), "without it the Automation API refuses the engine"


def test_what_is_built_and_current_is_not_built_again(layout: Layout, go_log: Path) -> None:
    set_up(layout, "")
    go_log.write_text("")
    set_up(layout, "")
    assert go_log.read_text() == ""


@pytest.mark.parametrize("module", ["cli", "docker"])
def test_a_change_of_the_pinned_modules_builds_that_one_again(
    layout: Layout, go_log: Path, module: str
) -> None:
    set_up(layout, "")
    go_log.write_text("")
    (layout.go_modules / module / "go.mod").write_text("changed")
    set_up(layout, "")
    asked = go_log.read_text()
    assert (versions.CLI_PACKAGE in asked) == (module == "cli")
    assert ("pulumi-resource-docker" in asked) == (module == "docker")


def test_a_build_that_was_broken_off_is_taken_up_again(layout: Layout, go_log: Path) -> None:
    left = layout.root / ".build" / "half"
    left.mkdir(parents=True)
    (layout.root / "bin").mkdir()
    layout.pulumi.touch()  # not executable, no stamp
    set_up(layout, "")
    assert not left.exists()
    assert os.access(layout.pulumi, os.X_OK)


def test_a_build_that_fails_is_told_with_the_compilers_words_and_a_remedy(
    layout: Layout, go_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GO_FAILS", "yes")
    with pytest.raises(SetupError, match=r"it is broken[\s\S]*module proxy"):
        set_up(layout, "")
    assert not layout.launcher.exists()


def test_the_official_download_is_used_where_its_server_answers(
    layout: Layout, go_log: Path
) -> None:
    def downloads(
        *words: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        limit: float | None = None,
    ) -> Result:
        assert limit is not None, "a download without a limit can hang"
        if "-c" in words:
            users_pulumi(layout.pulumi.parent)
        elif "plugin" in words:
            assert env is not None
            assert env["PULUMI_HOME"] == str(layout.home)
            script(plugin_in(layout.home), "official")
        return Result(0, f"v{versions.PULUMI}")

    chosen = install(layout, {"PATH": ""}, downloads, everywhere)
    assert "the official one" in chosen.way
    assert go_log.read_text() == ""
    again = install(layout, {"PATH": ""}, downloads, nowhere)
    assert again == chosen
    assert str(layout.pulumi) in layout.launcher.read_text()


def test_a_download_that_breaks_off_leaves_nothing_and_the_engine_is_built(
    layout: Layout, go_log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(
        *words: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        limit: float | None = None,
    ) -> Result:
        if "-c" in words:
            script(layout.pulumi, "half")
            return Result(1, err="Traceback\nConnectionResetError: reset")
        return run(*words, cwd=cwd, env=env, limit=limit)

    chosen = install(layout, {"PATH": ""}, breaks, everywhere)
    assert "built" in chosen.way
    assert layout.pulumi.read_text() == PULUMI
    assert "ConnectionResetError: reset" in capsys.readouterr().err
