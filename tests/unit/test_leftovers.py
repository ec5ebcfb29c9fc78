"""What stands in the way of a creation: removed when it is ours, an error when it is not."""

from typing import Any
from unittest.mock import MagicMock

import pytest
from docker.errors import APIError, NotFound

from components.leftovers import _remove

HERE, ELSEWHERE = "/home/me/here", "/home/me/elsewhere"


def labels(project: str | None = HERE) -> dict[str, str]:
    return {"horcrux.environment": "dev", **({"horcrux.project": project} if project else {})}


def engine(kind: str, found: dict[str, Any] | None, *, running: bool = False) -> MagicMock:
    """A client that has one object of a kind, called `it`."""
    client = MagicMock()
    for call in ("networks", "secrets", "configs"):
        getattr(client, call).return_value = []
    client.inspect_container.side_effect = client.inspect_service.side_effect = NotFound("none")
    client.inspect_network.return_value = {"Containers": {"c1": {}, "c2": {}} if running else {}}
    if found is None:
        return client
    if kind == "Container":
        client.inspect_container.side_effect = None
        state = {"Running": running}
        config = {"Id": "i", "Name": "/it", "Config": {"Labels": found}, "State": state}
        client.inspect_container.return_value = config
    elif kind == "Service":
        client.inspect_service.side_effect = None
        spec = {"Name": "it", "Labels": found, "Mode": {"Replicated": {"Replicas": 1}}}
        client.inspect_service.return_value = {"ID": "i", "Spec": spec}
    elif kind == "Network":
        client.networks.return_value = [
            {"Id": "other", "Name": "it-too", "Labels": {}},
            {"Id": "i", "Name": "it", "Labels": found},
        ]
    else:
        spec = [{"ID": "i", "Spec": {"Name": "it", "Labels": found}}]
        (client.secrets if kind == "Secret" else client.configs).return_value = spec
    return client


KINDS = {
    "Container": "remove_container",
    "Service": "remove_service",
    "Network": "remove_network",
    "Secret": "remove_secret",
    "ServiceConfig": "remove_config",
}


def removals(client: MagicMock) -> list[str]:
    return [c[0] for c in client.method_calls if c[0].startswith(("remove", "disconnect", "stop"))]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_the_way_is_nothing_to_do(kind: str) -> None:
    client = engine(kind, None)
    _remove(client, kind, "it", HERE)
    assert removals(client) == []


@pytest.mark.parametrize("kind", ["Container", "Service"])
def test_what_only_has_an_id_that_begins_like_the_name_is_left_alone(kind: str) -> None:
    client = engine(kind, labels())
    _remove(client, kind, "i", HERE)  # Docker takes it for the object whose id is `i…`
    assert removals(client) == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_ours_is_removed_and_told(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    client = engine(kind, labels(), running=True)
    _remove(client, kind, "it", HERE)
    assert removals(client)[-1] == KINDS[kind]
    assert f"removed the {kind.lower()} it" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("found", [{}, {"com.docker.compose.project": "shop"}])
def test_what_is_not_horcrux_s_is_left_alone(kind: str, found: dict[str, str]) -> None:
    client = engine(kind, found)
    with pytest.raises(RuntimeError, match="that is not Horcrux's; rename it or take it away"):
        _remove(client, kind, "it", HERE)
    assert removals(client) == []


@pytest.mark.parametrize("kind", ["Container", "Network"])
def test_an_environment_that_runs_from_another_folder_is_left_alone(kind: str) -> None:
    client = engine(kind, labels(ELSEWHERE), running=True)
    with pytest.raises(RuntimeError, match=f"is up already, run from {ELSEWHERE}"):
        _remove(client, kind, "it", HERE)
    assert removals(client) == []


@pytest.mark.parametrize("kind", ["Container", "Network"])
def test_what_another_folder_left_stopped_is_removed(kind: str) -> None:
    client = engine(kind, labels(ELSEWHERE))
    _remove(client, kind, "it", HERE)
    assert removals(client)[-1] == KINDS[kind]


def test_containers_are_taken_off_a_network_that_goes() -> None:
    client = engine("Network", labels(), running=True)
    client.disconnect_container_from_network.side_effect = [APIError("gone meanwhile"), None]
    _remove(client, "Network", "it", HERE)
    assert client.disconnect_container_from_network.call_count == 2
    client.remove_network.assert_called_once_with("i")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_gone_meanwhile_is_gone(kind: str) -> None:
    client = engine(kind, labels())
    getattr(client, KINDS[kind]).side_effect = NotFound("gone meanwhile")
    _remove(client, kind, "it", HERE)


def test_a_network_that_its_cluster_has_removed_is_gone() -> None:
    client = engine("Network", labels())
    told = "network i not found"
    client.remove_network.side_effect = APIError("500 Server Error", explanation=told)
    _remove(client, "Network", "it", HERE)
    client.remove_network.assert_called_once_with("i")


def test_what_cannot_be_removed_says_why() -> None:
    client = engine("Secret", labels())
    client.remove_secret.side_effect = APIError("secret is in use by web")
    with pytest.raises(RuntimeError, match=r"leftover secret it cannot be removed.*in use by web"):
        _remove(client, "Secret", "it", HERE)


def test_volumes_are_never_looked_for() -> None:
    client = engine("Volume", labels())
    _remove(client, "Volume", "it", HERE)
    assert client.method_calls == []
