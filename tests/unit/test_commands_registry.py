"""The verbs `registry`: credentials, catalog, gc."""

import json
from typing import Any

import pytest

from horcrux.exits import Exit
from horcrux.report.units import NOTHING
from tests.support.answering import DIGEST, Reply
from tests.support.played_images import Played, playing, refused, run


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> Any:
    with playing(monkeypatch) as found:
        yield found


@pytest.mark.parametrize(
    ("words", "account"),
    [
        ((), ("pull", "a-password")),
        (("--account", "pull"), ("pull", "a-password")),
        (("--account", "shop-ci"), ("shop-ci", "of-the-shop")),
    ],
)
def test_credentials_are_the_platform_s_or_an_account_s(
    dev: Played, words: tuple[str, ...], account: tuple[str, str]
) -> None:
    told = json.loads(run("registry", "credentials", *words, "--json").output)
    assert list(told) == ["url", "username", "password", "ca"]
    assert (told["username"], told["password"]) == account


def test_an_account_that_is_not_there_is_told_with_those_that_are(dev: Played) -> None:
    error = refused("registry", "credentials", "--account", "ship-ci")
    assert error.code == Exit.USAGE
    assert "there are: pull, shop-ci" in str(error)


def test_the_catalog_is_shown(dev: Played) -> None:
    tags = [{"tag": "1.4", "digest": DIGEST, "size": 5000, "pushed": None}]
    told = {"repositories": [{"name": "web", "tags": tags}]}
    dev.answers["GET", "/horcrux/catalog"] = Reply(content=told)
    lines = [" ".join(line.split()) for line in run("registry", "catalog").output.splitlines()]
    assert lines[1] == f"web 1.4 {'a' * 12} 5.0 kB {NOTHING}"
    assert json.loads(run("registry", "catalog", "--json").output)[0]["digest"] == DIGEST


@pytest.mark.parametrize(
    ("told", "said"), [({"freed": 3000}, "freed 3.0 kB"), ({"freed": 0}, "nothing to free")]
)
def test_gc_says_what_it_freed(dev: Played, told: dict[str, int], said: str) -> None:
    dev.answers["POST", "/horcrux/gc"] = Reply(content=told)
    assert said in run("registry", "gc").output


def test_a_collection_that_cannot_be_is_told_with_when_to_try_again(dev: Played) -> None:
    busy = {"errors": [{"code": "UNAVAILABLE", "message": "a push is under way"}]}
    dev.answers["POST", "/horcrux/gc"] = Reply(503, busy, {"Retry-After": "60"})
    assert "a push is under way; try again in 60 s" in str(refused("registry", "gc"))
