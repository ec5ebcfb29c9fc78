"""What an image is now: whom the command asks, and how it tells what it hears."""

from typing import Any

import pytest

from horcrux.exits import Exit, HorcruxError
from horcrux.images import resolve
from horcrux.images.resolve import AbsentError
from tests.support.answering import DIGEST, Answering, Reply, needs_token

CACHE_NAME, REGISTRY_NAME = "cache.dev.internal:5443", "registry.dev.internal:5000"
THERE = Reply(headers={"Docker-Content-Digest": DIGEST})
STALE = 'upstream quay.io does not answer; this is what \\"acme/shop:1\\" was 90 s ago'


def values(server: Answering, **cache: Any) -> dict[str, Any]:
    upstreams = ["docker.io", "quay.io"]
    return {
        "registry": {**server.place, "name": REGISTRY_NAME},
        "cache": {**server.place, "name": CACHE_NAME, "upstreams": upstreams, **cache},
    }


@pytest.mark.parametrize(
    ("image", "asked", "pulled"),
    [
        (
            "quay.io/acme/shop:1",
            "quay.io/acme/shop/manifests/1",
            f"{CACHE_NAME}/quay.io/acme/shop:1",
        ),
        (
            "quay.io/acme/shop",
            "quay.io/acme/shop/manifests/latest",
            f"{CACHE_NAME}/quay.io/acme/shop",
        ),
        ("nginx:1.27", "docker.io/library/nginx/manifests/1.27", "nginx:1.27"),
    ],
)
def test_the_cache_is_asked_and_both_names_are_by_digest(
    image: str, asked: str, pulled: str
) -> None:
    with Answering({("HEAD", f"/v2/{asked}"): THERE}) as server:
        answer = resolve.find(values(server), image)
        assert server.paths() == [f"HEAD /v2/{asked}"]
    assert (answer.written, answer.pulled) == (f"{image}@{DIGEST}", f"{pulled}@{DIGEST}")
    assert (answer.digest, answer.stale) == (DIGEST, None)


def test_an_image_by_digest_is_asked_for_by_it_and_stays_as_it_is() -> None:
    image = f"quay.io/acme/shop:1@{DIGEST}"
    with Answering({("HEAD", f"/v2/quay.io/acme/shop/manifests/{DIGEST}"): THERE}) as server:
        assert resolve.find(values(server), image).written == image


def test_docker_io_has_the_cache_s_name_where_hosts_do_not_mirror_it() -> None:
    with Answering({("HEAD", "/v2/docker.io/library/nginx/manifests/1"): THERE}) as server:
        answer = resolve.find(values(server, mirrors_hub=False), "nginx:1")
    assert answer.pulled == f"{CACHE_NAME}/docker.io/library/nginx:1@{DIGEST}"


def test_a_stale_answer_is_told_as_the_cache_says_it() -> None:
    reply = Reply(headers={**THERE.headers, "Warning": f'110 - "{STALE}"'})
    with Answering({("HEAD", "/v2/quay.io/acme/shop/manifests/1"): reply}) as server:
        answer = resolve.find(values(server), "quay.io/acme/shop:1")
    assert answer.stale == STALE.replace("\\", "")


@pytest.mark.parametrize("host", [REGISTRY_NAME, "localhost", "127.0.0.1"])
def test_the_environment_s_registry_is_asked_for_its_own_by_whichever_name(host: str) -> None:
    answers = {
        ("HEAD", "/v2/web/manifests/1"): needs_token(THERE),
        ("GET", "/token"): Reply(content={"token": "a-token"}),
    }
    with Answering(answers) as server:
        port = server.address.partition(":")[2]
        image = f"{host}/web:1" if ":" in host else f"{host}:{port}/web:1"
        answer = resolve.find(values(server), image)
        assert answer.written == f"{server.address}/web@{DIGEST}"
        assert answer.pulled == f"{REGISTRY_NAME}/web@{DIGEST}"


def test_what_is_not_in_the_registry_is_told_with_how_to_push_it() -> None:
    with Answering() as server, pytest.raises(AbsentError, match="push it first"):
        resolve.find(values(server), f"{REGISTRY_NAME}/web:2")


def test_what_the_cache_may_not_read_is_told_with_the_setting() -> None:
    setting = "horcrux:images.cache.upstreams.quay.io.username"
    with Answering() as server, pytest.raises(AbsentError, match=setting):
        resolve.find(values(server), "quay.io/acme/shop:2")


def test_why_the_cache_cannot_tell_is_asked_once_more_because_heads_have_no_words() -> None:
    path = "/v2/quay.io/acme/shop/manifests/1"
    told = {"errors": [{"code": "UNAVAILABLE", "message": "quay.io does not answer"}]}
    reply = Reply(503, told, {"Retry-After": "7"})
    with Answering({("HEAD", path): reply, ("GET", path): reply}) as server:
        with pytest.raises(HorcruxError, match=r"quay.io does not answer; try again in 7 s"):
            resolve.find(values(server), "quay.io/acme/shop:1")
        assert server.paths() == [f"HEAD {path}", f"GET {path}"]


def test_a_registry_that_the_cache_does_not_have_is_a_wrong_command() -> None:
    with (
        Answering() as server,
        pytest.raises(HorcruxError, match=r"it has: docker.io, quay.io") as error,
    ):
        resolve.find(values(server), "ghcr.io/acme/shop:1")
    assert error.value.code == Exit.USAGE


def test_without_a_cache_the_error_says_how_to_have_one() -> None:
    with Answering() as server, pytest.raises(HorcruxError, match=r"images.cache.enabled"):
        resolve.find({**values(server), "cache": None}, "quay.io/acme/shop:1")
