"""A registry with a replica, as it is registered: the password is in one file, and nowhere else."""

import json
from typing import Any

import pytest

from horcrux.commands.apps import _asked_for
from horcrux.settings import SettingsError, parse
from tests.support.recording import Stack, build, plain_texts

PASSWORD = "of-the-vault-nobody-may-see"
REPLICA = {"url": "https://vault.example.org", "username": "copier", "password": "vault"}
FILE = "/etc/horcrux/registry/replica.json"


def stack(replica: dict[str, Any] | None = None, **secrets: str) -> Stack:
    settings: dict[str, Any] = {"registry": {"replica": replica}} if replica else {}
    return build(settings, "dev", {"images": secrets})


def uploads(found: Stack) -> dict[str, Any]:
    (registry,) = (c for c in found.of("Container") if c.name == "registry")
    return {upload["file"]: upload for upload in registry.inputs["uploads"]}


def test_the_registry_alone_is_told_of_its_replica_by_a_file_that_its_own_process_reads() -> None:
    found = stack(REPLICA, vault=PASSWORD)
    file = uploads(found)[FILE]
    assert file["permissions"] == "0440"
    assert "owner" not in file, "Docker would look for the owner on this machine"
    (registry,) = (c for c in found.of("Container") if c.name == "registry")
    assert registry.inputs["groupAdds"] == ["0"]
    assert json.loads(file["content"]) == {
        "url": "https://vault.example.org",
        "prefix": "dev",
        "username": "copier",
        "password": PASSWORD,
        "ca": None,
    }
    told = [(r.urn, text) for r in found.resources for text in plain_texts(r.wire)]
    assert [urn for urn, text in told if PASSWORD in text] == [], "it is a secret of the state"
    inside = [r.urn for r in found.resources if PASSWORD in json.dumps(r.inputs, default=str)]
    assert [urn.rpartition("::")[2] for urn in inside] == ["registry"]


def test_its_secret_is_among_those_that_the_settings_ask_for() -> None:
    settings = parse({"registry": {"replica": REPLICA}}, "dev")
    assert ("images", "vault", None) in list(_asked_for(settings))


@pytest.mark.parametrize("name", ["push", "pull", "metrics"])
def test_the_platform_s_own_accounts_are_nobody_else_s(name: str) -> None:
    with pytest.raises(SettingsError, match="is an account of the platform's own"):
        parse({"registry": {"accounts": {name: {"pull": ["*"]}}}}, "dev")


def test_a_prefix_is_the_settings_own() -> None:
    file = uploads(stack({**REPLICA, "prefix": "acme/cloud"}, vault=PASSWORD))[FILE]
    assert json.loads(file["content"])["prefix"] == "acme/cloud"


def test_without_a_replica_there_is_no_file() -> None:
    found = stack()
    assert FILE not in uploads(found)
    (registry,) = (c for c in found.of("Container") if c.name == "registry")
    assert not registry.inputs.get("groupAdds")


def test_a_password_without_a_value_is_told_with_what_to_do() -> None:
    with pytest.raises(SettingsError, match=r"registry\.replica\.password: has no value; set it: "):
        stack(REPLICA)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "http://vault.example.org"}, "write https://HOST"),
        ({"url": "https://vault.example.org/path"}, "write https://HOST"),
        ({"prefix": "/dev"}, "does not begin a repository's name"),
        ({"prefix": "Dev"}, "does not begin a repository's name"),
        ({"ca": "no certificate"}, "is not a certificate in PEM"),
        ({"username": ""}, "registry.replica.username"),
        ({"password": None}, "registry.replica.password"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse({"registry": {"replica": {**REPLICA, **change}}}, "dev", "the settings")
