"""Dynamic providers: when they change what, and what they do to the cluster."""

from typing import Any
from unittest.mock import MagicMock

import bcrypt
import pytest
from docker.errors import APIError, NotFound
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.output import Unknown

from providers import base_image, formation, image, node, password, pushed_image
from providers.delegate import Delegate
from tests.support.fake_swarm import Clock, own_time

ACCESS = {"address": "127.0.0.1:1", "ca": "", "certificate": "", "key": ""}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return own_time(monkeypatch)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    found = MagicMock()
    monkeypatch.setattr("horcrux.docker_api.connect", lambda *_: found)
    return found


def member(host: str, *, state: str = "ready", role: str = "worker", id_: str = "n1") -> Any:
    manager = {"ManagerStatus": {"Reachability": "reachable"}} if role == "manager" else {}
    return {
        "ID": id_,
        "Version": {"Index": 7},
        "Description": {"Hostname": host},
        "Status": {"State": state},
        "Spec": {"Role": role, "Availability": "active", "Labels": {}},
        **manager,
    }


def props(role: str = "worker", **changes: Any) -> dict[str, Any]:
    labels = {"zone": "a"}
    return {"host": "worker-1", "role": role, "labels": labels, "access": ACCESS, **changes}


def test_a_host_is_labelled_once_it_has_joined(client: MagicMock) -> None:
    late = [[], [member("worker-1", state="down")], APIError("500"), [member("worker-1")]]
    client.nodes.side_effect = late
    client.inspect_node.return_value = member("worker-1")
    assert node.create(props())[0] == "worker-1"
    client.update_node.assert_called_once_with(
        "n1", 7, {"Role": "worker", "Availability": "active", "Labels": {"zone": "a"}}
    )


def test_a_manager_has_joined_when_the_others_reach_it(client: MagicMock) -> None:
    unreachable = member("worker-1", role="manager")
    unreachable["ManagerStatus"] = {"Reachability": "unreachable"}
    client.nodes.side_effect = [[unreachable], [member("worker-1", role="manager")]]
    client.inspect_node.return_value = member("worker-1", role="manager")
    node.create(props("manager"))
    assert client.nodes.call_count == 2


def test_a_host_that_does_not_join_is_an_error_that_says_where_to_look(
    client: MagicMock, clock: Clock
) -> None:
    client.nodes.return_value = []
    began = clock.now
    with pytest.raises(RuntimeError, match=r"worker-1 did not join .* 120 s; `docker logs`"):
        node.create(props())
    assert node.JOIN_SECONDS <= clock.now - began < node.JOIN_SECONDS + 1


def test_of_two_identities_of_a_host_the_living_one_is_taken(client: MagicMock) -> None:
    client.nodes.return_value = [member("worker-1", state="down", id_="old"), member("worker-1")]
    client.inspect_node.return_value = member("worker-1")
    node.create(props())
    assert client.update_node.call_args.args[0] == "n1"


def test_somebody_else_s_change_of_a_node_is_no_failure(client: MagicMock) -> None:
    client.nodes.return_value = [member("worker-1")]
    client.inspect_node.return_value = member("worker-1")
    client.update_node.side_effect = [APIError("500", explanation="update out of sequence"), None]
    node.create(props())
    assert client.update_node.call_count == 2


def test_a_host_that_goes_is_drained_demoted_and_taken_off_the_list(client: MagicMock) -> None:
    client.nodes.return_value = [member("worker-1", role="manager")]
    client.inspect_node.return_value = member("worker-1", role="manager")
    busy = [{"Status": {"State": "running"}}]
    client.tasks.side_effect = [busy, busy, []]
    node.delete(props("manager"))
    changes = [call.args[2] for call in client.update_node.call_args_list]
    assert [c["Availability"] for c in changes] == ["drain", "active"]
    assert changes[1]["Role"] == "worker"
    assert client.tasks.call_count == 3
    client.remove_node.assert_called_once_with("n1", force=True)


@pytest.mark.parametrize("members", [[], [member("worker-1", state="down")]])
def test_a_host_that_is_lost_already_keeps_nobody_waiting(
    client: MagicMock, clock: Clock, members: list[Any]
) -> None:
    client.nodes.return_value = members
    client.remove_node.side_effect = NotFound("gone meanwhile")
    began = clock.now
    node.delete(props())
    assert clock.now == began
    client.update_node.assert_not_called()


@pytest.mark.parametrize("key", ["labels", "role", "access"])
def test_a_node_changes_with_its_labels_role_and_access(key: str) -> None:
    assert node.diff(props(), {**props(), key: "another"})
    assert not node.diff(props(), props())


def forming(client: MagicMock) -> dict[str, Any]:
    client.inspect_swarm.side_effect = [APIError("503"), {"ID": "swarm-1"}]
    client.tasks.side_effect = [[{"Status": {"State": "running"}}], []]
    client.services.return_value = [{"ID": "s1"}, {"ID": "s2"}]
    client.secrets.return_value, client.configs.return_value = [{"ID": "x"}], [{"ID": "c"}]
    client.networks.return_value = [{"Id": "n"}]
    return formation.create({"environment": "dev", "access": ACCESS, "cluster_id": None})[1]


def test_what_a_lost_state_left_in_the_cluster_is_swept_after_its_tasks_ended(
    client: MagicMock,
) -> None:
    assert forming(client)["cluster_id"] == "swarm-1"
    mine = {"label": "horcrux.environment=dev"}
    client.services.assert_called_once_with(filters=mine)
    client.networks.assert_called_once_with(filters={**mine, "driver": "overlay"})
    order = [c[0] for c in client.method_calls if c[0].startswith(("remove", "tasks"))]
    assert order == [
        "remove_service",
        "remove_service",
        "tasks",
        "tasks",
        "remove_secret",
        "remove_config",
        "remove_network",
    ]
    assert not any("volume" in call[0] for call in client.method_calls), "data stays"


def test_a_cluster_that_nobody_speaks_for_is_an_error(client: MagicMock) -> None:
    client.inspect_swarm.side_effect = APIError("503")
    with pytest.raises(RuntimeError, match="no manager spoke for the cluster within 120 s"):
        formation.create({"environment": "dev", "access": ACCESS})


def test_a_formation_is_never_swept_twice(client: MagicMock) -> None:
    state = forming(client)
    assert not formation.diff(state, {"environment": "dev", "access": ACCESS})
    moved = {**ACCESS, "address": "127.0.0.1:2"}
    assert formation.diff(state, {"environment": "dev", "access": moved})
    client.reset_mock()
    assert formation.update(state, {"environment": "dev", "access": moved})["cluster_id"]
    assert client.method_calls == []


BUILT = {
    "repository": "horcrux-dev/web",
    "source": {"context": "web", "dockerfile": "Dockerfile", "digest": "d" * 64},
    "arguments": {"HORCRUX_BASE": "sha256:b", "A": "1"},
    "labels": {"horcrux.environment": "dev"},
    "tag": "horcrux-dev/web:dddddddddddd",
    "image_id": "sha256:1",
}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({}, False),
        ({"source": {**BUILT["source"], "digest": "e" * 64}}, True),  # type: ignore[dict-item]
        ({"arguments": {"HORCRUX_BASE": "sha256:c"}}, True),
        ({"labels": {}}, True),
        ({"image_id": None, "tag": None}, False),
    ],
)
def test_an_image_is_built_anew_when_its_content_is_another(
    monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], changed: bool
) -> None:
    monkeypatch.setattr(image, "exists", lambda *_: True)
    assert image.diff(BUILT, {**BUILT, **change}) is changed


def test_an_image_that_is_gone_from_the_engine_is_built_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image, "exists", lambda *_: False)
    assert image.diff(BUILT, BUILT)
    base = {"tag": "t", "release": "bookworm", "labels": {}, "image_id": "sha256:1"}
    assert base_image.diff(base, base)


def test_the_build_command_is_in_a_fixed_order_and_a_list() -> None:
    command = image.build_command("t:1", BUILT["source"], {"B": "x y", "A": "$(1)"}, {"l": "v"})  # type: ignore[arg-type]
    assert command == [
        *("docker", "build", "--tag", "t:1", "--file", "web/Dockerfile", "--force-rm"),
        *("--build-arg", "A=$(1)", "--build-arg", "B=x y", "--label", "l=v", "web"),
    ]


PUSHED = {
    "image": {"name": "web", "tag": "t", "image_id": "sha256:1"},
    "registry": {
        "push_address": "127.0.0.1:8500",
        "address": "registry.dev.internal:5000",
        "username": "push",
        "password": "p",
        "instance": "i1",
    },
    "reference": "registry.dev.internal:5000/web:1@sha256:9",
}


def other(part: str, key: str) -> dict[str, Any]:
    return {**PUSHED, part: {**PUSHED[part], key: "another"}}  # type: ignore[dict-item]


def test_an_image_is_pushed_again_when_it_or_the_registry_is_another() -> None:
    assert not pushed_image.diff(PUSHED, PUSHED)
    assert not pushed_image.diff(PUSHED, other("registry", "password"))
    assert not pushed_image.diff(PUSHED, other("image", "tag"))
    for part, key in (("image", "image_id"), ("registry", "instance"), ("registry", "address")):
        assert pushed_image.diff(PUSHED, other(part, key)), key


def pushing(monkeypatch: pytest.MonkeyPatch, *events: dict[str, Any]) -> MagicMock:
    engine = MagicMock()
    engine.api.push.return_value = events
    machine = MagicMock()
    machine.return_value.__enter__.return_value = engine
    machine.return_value.__exit__.return_value = False
    monkeypatch.setattr("horcrux.docker_api.machine", machine)
    return engine


def test_a_pushed_image_is_known_by_its_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = pushing(monkeypatch, {"status": "…"}, {"aux": {"Digest": "sha256:9"}})
    assert pushed_image.create(PUSHED)[1]["reference"] == PUSHED["reference"]
    engine.api.remove_image.assert_called_once_with("127.0.0.1:8500/web:1", noprune=True)


@pytest.mark.parametrize(
    ("event", "told"),
    [({"error": "unauthorized"}, "cannot be pushed .*: unauthorized"), ({}, "told no digest")],
)
def test_an_image_that_cannot_be_pushed_is_an_error_and_leaves_no_tag(
    monkeypatch: pytest.MonkeyPatch, event: dict[str, Any], told: str
) -> None:
    engine = pushing(monkeypatch, event)
    with pytest.raises(RuntimeError, match=told):
        pushed_image.create(PUSHED)
    engine.api.remove_image.assert_called_once()


def test_a_password_is_made_once_and_fits_its_hash() -> None:
    _, made = password.create({"length": 32.0})
    assert len(made["value"]) == 32
    assert made["value"].isalnum()
    assert bcrypt.checkpw(made["value"].encode(), made["bcrypt"].encode())
    assert password.diff(made, {"length": 32}) == []
    assert password.diff(made, {"length": 40}) == ["length"]
    assert password.create({"length": 32})[1]["value"] != made["value"]


def test_what_pulumi_pickles_is_a_module_s_name_only() -> None:
    assert vars(Delegate("providers.password")) == {"module": "providers.password"}


@pytest.mark.parametrize(
    ("old", "new", "changes", "replaces"), [(32, 32, False, []), (32, 40, True, ["length"])]
)
def test_a_list_of_properties_is_a_replacement(
    old: int, new: int, changes: bool, replaces: list[str]
) -> None:
    found = Delegate("providers.password").diff("id", {"length": old}, {"length": new})
    assert (found.changes, found.replaces) == (changes, replaces)


def test_a_change_in_place_replaces_nothing() -> None:
    found = Delegate("providers.node").diff("id", props(), props("manager"))
    assert (found.changes, found.replaces) == (True, [])


def test_what_is_not_known_yet_may_change_and_is_not_looked_into() -> None:
    """A registry that is replaced is unknown to what is pushed to it, until the new one is there."""
    unknown = Unknown()  # type: ignore[no-untyped-call]
    for registry in (unknown, {"password": unknown}, {"accounts": [unknown]}):
        new = {"image": {"image_id": "sha256:1"}, "registry": registry}
        found = Delegate("providers.pushed_image").diff("id", {}, new)
        assert (found.changes, found.replaces) == (True, [])


def test_what_has_no_delete_is_simply_forgotten() -> None:
    Delegate("providers.password").delete("id", {})


def test_a_program_may_have_more_resources_than_python_has_stack() -> None:
    serialized = {serialize_provider(Delegate("providers.rollout")) for _ in range(1500)}
    assert len(serialized) == 1, "and each is told as the same provider"
