"""What is asked of this machine before anything is made."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import MagicMock

import pytest
from docker.errors import DockerException

from horcrux import preflight
from horcrux.preflight import check_machine
from horcrux.settings import Settings, SettingsError, parse
from tests.support.haproxy_check import free_port


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """This machine's engine: nothing runs, and there is room."""
    found = MagicMock()
    found.containers.list.return_value = []
    found.info.return_value = {"DockerRootDir": "/"}
    machine = MagicMock()
    machine.return_value.__enter__.return_value = found
    machine.return_value.__exit__.return_value = False
    monkeypatch.setattr(preflight, "machine", machine)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1 << 40))
    return found


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


def settings(**ports: int) -> Settings:
    free: set[int] = set()
    while len(free) < 4:
        free.add(free_port())
    kinds = dict(zip(("http", "https", "api", "registry"), free, strict=True))
    return parse({"local": {"ports": {**kinds, **ports}}}, "dev")


def findings(told: Settings) -> dict[str, str]:
    with pytest.raises(SettingsError) as error, check_machine(told, "dev"):
        pytest.fail("it must not begin")
    return dict(error.value.findings)


def test_a_machine_with_nothing_in_the_way_gives_its_engine(engine: MagicMock) -> None:
    with check_machine(settings(), "dev") as found:
        assert found is engine


def test_a_taken_port_is_told_with_its_setting_and_remedy(engine: MagicMock, taken: int) -> None:
    found = findings(settings(https=taken))
    assert list(found) == ["local.ports.https"]
    assert f"{taken} is taken on this machine; free it" in found["local.ports.https"]
    assert "stacks/Pulumi.dev.yaml" in found["local.ports.https"]


def test_the_container_that_has_the_port_is_named(engine: MagicMock, taken: int) -> None:
    def listed(filters: dict[str, str]) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="shop")] if filters == {"publish": str(taken)} else []

    engine.containers.list.side_effect = listed
    assert " by the container shop" in findings(settings(http=taken))["local.ports.http"]


def test_the_environment_s_own_ports_are_not_in_its_way(engine: MagicMock, taken: int) -> None:
    own = SimpleNamespace(ports={"8080/tcp": [{"HostPort": str(taken)}], "9/tcp": None})

    def listed(filters: dict[str, str]) -> list[SimpleNamespace]:
        return [own] if filters == {"label": "horcrux.environment=dev"} else []

    engine.containers.list.side_effect = listed
    with check_machine(settings(http=taken), "dev"):
        pass


def test_too_little_room_is_told_with_a_remedy(
    engine: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100 << 20))
    told = findings(settings())["disk"]
    assert "100 MB are free" in told
    assert "4096 MB are needed" in told
    assert "docker system prune" in told


def test_an_engine_on_another_machine_is_not_measured(
    engine: MagicMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    engine.info.return_value = {"DockerRootDir": "/nowhere/at/all"}
    assert list(preflight.disk_space(engine)) == []


@pytest.mark.parametrize("when", ["connecting", "asking"])
def test_no_engine_is_told_with_its_address(
    engine: MagicMock, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    error = DockerException("connection refused")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    if when == "connecting":
        monkeypatch.setattr(preflight, "machine", MagicMock(side_effect=error))
    engine.ping.side_effect = error
    told = findings(settings())["docker"]
    assert "no Docker engine answers at unix:///nowhere.sock (connection refused)" in told
    assert "make setup" in told


def test_all_that_is_wrong_is_told_at_once(
    engine: MagicMock, taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    assert set(findings(settings(http=taken))) == {"local.ports.http", "disk"}
