"""The parts that set-up is made of: commands with a limit, a lock, `go`, the launcher."""

import subprocess
import threading
from pathlib import Path

import pytest

from engine.commands import Result, run
from engine.files import locked
from engine.gobuild import Go
from engine.launcher import pulumi_script
from engine.network import reachable
from engine.report import SetupError


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_without_go_the_error_says_what_to_install() -> None:
    with pytest.raises(
        SetupError, match=r"no `go`[\s\S]*install Go 1.26 .*or install Pulumi 3.259"
    ):
        Go.find(run, "Pulumi", which=lambda _name: None)


def test_a_go_that_is_too_old_is_told_with_its_version() -> None:
    def old(*_words: str | Path, **_options: object) -> Result:
        return Result(0, "go version go1.19.8 linux/amd64")

    with pytest.raises(SetupError, match=r"too old \(go version go1.19.8"):
        Go.find(old, "Pulumi", which=lambda _name: "/usr/bin/go")


@pytest.mark.parametrize("given", [None, "/somewhere/else"])
def test_the_launcher_sets_what_is_not_set_and_passes_everything_on(
    tmp_path: Path, given: str | None
) -> None:
    shows = 'printf "%s|" "$PULUMI_HOME" "$PULUMI_SKIP_UPDATE_CHECK" "$@"'
    pulumi = script(tmp_path / "a folder's" / "pulumi", f"#!/bin/sh\n{shows}\n")
    launcher = script(tmp_path / "pulumi", pulumi_script(pulumi, tmp_path / "its home"))
    env = {"PATH": "/usr/bin:/bin"} | ({"PULUMI_HOME": given} if given else {})
    words = [str(launcher), "up", "two words"]
    told = subprocess.run(words, env=env, text=True, capture_output=True, check=True).stdout
    assert told == f"{given or tmp_path / 'its home'}|true|up|two words|"


def test_a_second_set_up_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    waiting, entered = threading.Event(), threading.Event()

    def second() -> None:
        with locked(tmp_path / "lock", waiting.set):
            entered.set()

    with locked(tmp_path / "lock", lambda: pytest.fail("nobody holds it")):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(5)
        assert not entered.is_set()
    assert entered.wait(5)
    thread.join()


def test_a_command_past_its_limit_is_ended_with_its_children(tmp_path: Path) -> None:
    done = run("sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait", limit=0.3)
    assert not done.ok
    assert "not done after 0.3 s" in done.reason
    child = Path("/proc") / (tmp_path / "pid").read_text().strip() / "stat"
    for _ in range(100):  # the system takes it away a moment after its end
        if not child.exists() or child.read_text().split()[2] == "Z":
            break
        threading.Event().wait(0.02)
    else:
        pytest.fail("its child still runs")


def test_a_server_that_is_not_there_is_not_reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    assert not reachable("127.0.0.1", 1)
