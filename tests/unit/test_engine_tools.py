"""Debian's packages, further tools and the virtual environment, with fakes for apt and pip."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine import debian, tools, venv
from engine.commands import Result
from engine.debian import System
from engine.report import SetupError

ROOT = System(debian=True, root=True, systemd=False)
USER = System(debian=True, root=False, systemd=True)
MAC = System(debian=False, root=False, systemd=False)


def nothing(_command: str) -> None:
    """Find no command at all."""


@dataclass
class FakeRunner:
    """Notes what was run; what a command starts with may be told to fail."""

    fails: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def __call__(
        self,
        *words: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        limit: float | None = None,
    ) -> Result:
        del cwd, limit
        line = " ".join(str(word) for word in words)
        self.ran.append(line)
        if words[0] == "apt-get":
            assert env is not None
            assert env["DEBIAN_FRONTEND"] == "noninteractive"
        reasons = [reason for part, reason in self.fails.items() if part in line]
        return Result(1, err=reasons[0]) if reasons else Result(0)


@pytest.fixture(autouse=True)
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for /usr/sbin/policy-rc.d."""
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(debian, "POLICY", path)
    return path


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ('NAME="Debian GNU/Linux"\nID=debian\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=pop\nID_LIKE="ubuntu debian"\n', True),
        ('ID="fedora"\n', False),
        ("", False),
    ],
)
def test_a_kin_of_debian_is_known_by_its_os_release(
    tmp_path: Path, release: str, expected: bool
) -> None:
    (tmp_path / "os-release").write_text(release)
    assert debian.is_debian(tmp_path / "os-release") == expected


def test_a_machine_without_os_release_is_no_debian(tmp_path: Path) -> None:
    assert not debian.is_debian(tmp_path / "none")


def test_what_is_missing_is_installed_after_the_lists_are_fetched() -> None:
    runner = FakeRunner()
    have = {tool.command: f"/usr/bin/{tool.command}" for tool in tools.TEST}
    tools.ensure("bench", tools.BENCH, ROOT, runner, have.get)
    update, install = runner.ran
    assert update.endswith("update")
    assert install.endswith("install -y --no-install-recommends wrk caddy")


def test_a_tools_service_is_kept_down_now_and_at_the_next_start(policy: Path) -> None:
    seen: list[bool] = []
    ran: list[str] = []

    def watching(*words: str | Path, **_options: object) -> Result:
        ran.append(" ".join(map(str, words)))
        seen.append(policy.exists())
        return Result(0)

    systemd = System(debian=True, root=True, systemd=True)
    tools.ensure("bench", tools.BENCH, systemd, watching, nothing)
    assert seen == [True, True, False]
    assert not policy.exists()
    disabled = (
        "haproxy prometheus prometheus-alertmanager nginx docker-registry"
        " podman.socket podman podman-restart podman-auto-update.timer podman-auto-update caddy"
    )
    assert ran[-1] == f"systemctl disable {disabled}", "chromium and wrk have no service"


def test_a_rule_of_the_machine_about_services_is_left_alone(policy: Path) -> None:
    policy.write_text("theirs")
    tools.ensure("test", tools.TEST, ROOT, FakeRunner(), nothing)
    assert policy.read_text() == "theirs"


@pytest.mark.parametrize(
    ("system", "command", "between", "by"),
    [
        (USER, "sudo apt-get install ", " ", ""),
        (MAC, "install ", ", ", " with this system's own"),
    ],
)
def test_elsewhere_the_user_is_told_what_to_install(
    system: System, command: str, between: str, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = FakeRunner()
    tools.ensure("test", tools.TEST, system, runner, nothing)
    assert runner.ran == []
    packages = (
        "haproxy prometheus prometheus-alertmanager nginx-light docker-registry"
        " skopeo buildah podman chromium gcc libc6-dev libjs-chart.js"
    )
    assert f"{command}{packages.replace(' ', between)}{by}" in capsys.readouterr().err


def test_apts_own_words_are_told_when_it_fails() -> None:
    runner = FakeRunner(fails={"install": "E: Unable to locate package haproxy"})
    with pytest.raises(SetupError, match="Unable to locate package haproxy"):
        tools.ensure("test", tools.TEST, ROOT, runner, nothing)


@pytest.mark.parametrize(("reached", "installs"), [(True, False), (False, True)])
def test_mmdebstrap_is_installed_only_where_no_registry_can_be_reached(
    reached: bool, installs: bool
) -> None:
    runner = FakeRunner()
    tools.ensure_base_image(ROOT, runner, nothing, lambda _host: reached)
    assert any("mmdebstrap" in line for line in runner.ran) == installs


def test_a_registry_is_not_asked_for_where_mmdebstrap_is_there() -> None:
    have = {"mmdebstrap": "/usr/bin/mmdebstrap"}

    def never(_host: str) -> bool:
        pytest.fail("each set-up would wait for it")

    tools.ensure_base_image(ROOT, FakeRunner(), have.get, never)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    place = tmp_path / "project"
    (place / ".venv" / "bin").mkdir(parents=True)
    (place / ".venv" / "bin" / "python").touch(mode=0o755)
    (place / "requirements.lock").write_text("docker==7.1.0\n")
    (place / "pyproject.toml").write_text("[project]\n")
    return place


def ensured(project: Path, runner: FakeRunner, system: System = ROOT) -> list[str]:
    venv.ensure(venv.Venv(project, Path("/usr/bin/python3"), runner), lambda: system)
    return runner.ran


def test_a_venv_that_works_is_adopted_and_filled_with_hashes_checked(project: Path) -> None:
    check, packages, itself = ensured(project, FakeRunner())
    assert "import pip" in check
    assert packages.endswith(f"--require-hashes -r {project}/requirements.lock")
    assert itself.endswith(f"--no-deps --no-build-isolation -e {project}")


def test_a_venv_that_is_current_costs_no_command(project: Path) -> None:
    ensured(project, FakeRunner())
    assert ensured(project, FakeRunner()) == []


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_change_of_what_is_wanted_installs_again(project: Path, name: str) -> None:
    ensured(project, FakeRunner())
    (project / name).write_text("changed")
    ran = ensured(project, FakeRunner())
    assert any("--require-hashes" in line for line in ran)
    assert not any("-m venv" in line for line in ran)


def test_a_venv_that_does_not_work_or_was_moved_is_made_anew(project: Path) -> None:
    make = f"/usr/bin/python3 -m venv --clear {project}/.venv"
    assert make in ensured(project, FakeRunner(fails={"import pip": "No module named pip"}))
    moved = project.rename(project.with_name("moved"))
    assert make.replace(str(project), str(moved)) in ensured(moved, FakeRunner())


def test_an_install_that_fails_is_not_taken_for_done(project: Path) -> None:
    with pytest.raises(SetupError, match="hashes do not match"):
        ensured(project, FakeRunner(fails={"--require-hashes": "hashes do not match"}))
    assert ensured(project, FakeRunner()) != []


def test_debians_missing_ensurepip_is_installed_by_root_and_told_to_others(project: Path) -> None:
    broken = {"import pip": "no", "import ensurepip": "No module named ensurepip"}
    ran = ensured(project, FakeRunner(fails=dict(broken)))
    assert any(line.endswith("python3-venv") for line in ran)
    (project / ".venv" / venv.STAMP).unlink()
    with pytest.raises(SetupError, match="sudo apt-get install python3-venv"):
        ensured(project, FakeRunner(fails=dict(broken)), USER)
