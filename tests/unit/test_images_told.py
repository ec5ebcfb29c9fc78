"""What is made of what hosts, the cache and the registry tell: rows for people and programs."""

from typing import Any

import pytest

from horcrux.exits import Exit, HorcruxError
from horcrux.images import catalog, listing, stats
from horcrux.images.wanted import Wanted, account, of_apps, wanted
from tests.support.answering import ACCOUNT, DIGEST, OTHER, Answering, Reply

CACHE_NAME, REGISTRY_NAME = "cache.dev.internal:5443", "registry.dev.internal:5000"
PULLED = f"{CACHE_NAME}/quay.io/acme/shop:1@{DIGEST}"
IMAGES = {"shop": {"written": "quay.io/acme/shop:1", "pulled": PULLED}}


def values(**more: Any) -> dict[str, Any]:
    registry = {"url": "https://127.0.0.1:8500", "name": REGISTRY_NAME, "ca": "", **ACCOUNT}
    return {"images": IMAGES, "registry": registry, "cache": None, **more}


def cached(server: Answering) -> dict[str, Any]:
    return values(cache={**server.place, "name": CACHE_NAME, "upstreams": ["docker.io", "quay.io"]})


def test_an_image_lies_where_an_engine_knows_its_digest_by_whatever_name() -> None:
    found = {
        "worker-1": [{"RepoDigests": [f"elsewhere/x@{DIGEST}"], "Size": 7}],
        "manager-1": [{"RepoDigests": None}, {"RepoDigests": [PULLED], "Size": 7}],
        "manager-2": [{"RepoDigests": [f"{CACHE_NAME}/quay.io/acme/shop@{OTHER}"], "Size": 9}],
    }
    (row,) = listing.rows(IMAGES, found)
    assert row == {
        "app": "shop", "written": "quay.io/acme/shop:1", "pulled": PULLED, "digest": DIGEST,
        "hosts": ["manager-1", "worker-1"], "size": 7,
    }  # fmt: skip


def test_an_image_that_lies_nowhere_has_no_size() -> None:
    (row,) = listing.rows(IMAGES, {"manager-1": []})
    assert (row["hosts"], row["size"]) == ([], None)


def test_an_app_is_meant_before_an_image_of_that_name_and_no_name_means_all() -> None:
    assert wanted(values(), ["shop"]) == wanted(values(), []) == [Wanted("shop", PULLED)]


def test_an_image_is_pulled_as_the_cache_has_it_now() -> None:
    reply = Reply(headers={"Docker-Content-Digest": OTHER, "Warning": '110 - "an hour old"'})
    with Answering({("HEAD", "/v2/quay.io/acme/new/manifests/2"): reply}) as server:
        found = wanted(cached(server), ["quay.io/acme/new:2"])
    pulled = f"{CACHE_NAME}/quay.io/acme/new:2@{OTHER}"
    assert found == [Wanted("quay.io/acme/new:2", pulled, "an hour old")]


def test_a_word_that_is_neither_image_nor_app_is_a_wrong_command_that_names_the_apps() -> None:
    with Answering() as server, pytest.raises(HorcruxError, match=r"There are: shop") as error:
        wanted(cached(server), ["shopp"])
    assert error.value.code == Exit.USAGE


def test_an_image_of_another_registry_is_the_hosts_own_affair() -> None:
    image = "registry.acme.test/shop:1"
    assert wanted(values(), [image]) == [Wanted(image, image)]


def test_an_account_is_for_its_own_place_alone() -> None:
    told = values(cache={"name": CACHE_NAME, "username": "pull", "password": "of-the-cache"})
    assert account(told, PULLED)["password"] == "of-the-cache"
    assert account(told, f"{REGISTRY_NAME}/web@{DIGEST}") == {
        "server_address": REGISTRY_NAME, **ACCOUNT,
    }  # fmt: skip
    assert account(told, "nginx:1.27") == account(told, f"quay.io/acme/shop@{DIGEST}") == {}


def test_a_stack_of_an_older_version_is_told_to_be_updated() -> None:
    with pytest.raises(HorcruxError, match="horcrux up"):
        of_apps({"releases": {}})


def test_upstreams_are_told_the_busiest_first_and_what_is_unknown_stays_so() -> None:
    busy = {
        "requests": 200, "hits": 150, "served_bytes": 10, "fetched_bytes": 4, "saved_bytes": 6,
        "saved_seconds": 2.5, "errors": 1, "up": False,
    }  # fmt: skip
    rows = stats.rows({"upstreams": {"quay.io": {"requests": 0}, "docker.io": busy}})
    assert [row["upstream"] for row in rows] == ["docker.io", "quay.io"]
    assert (rows[0]["hit_ratio"], rows[0]["saved_bytes"], rows[0]["up"]) == (0.75, 6, False)
    assert (rows[1]["hit_ratio"], rows[1]["saved_seconds"], rows[1]["up"]) == (None, None, None)


def test_disks_are_told_of_every_manager_also_of_one_that_does_not_answer() -> None:
    told = {"hosts": [{"host": "manager-1", "stored": 5, "limit": 10}, {"host": "manager-2"}]}
    assert [tuple(disk.values()) for disk in stats.disks(told)] == [
        ("manager-1", 5, 10),
        ("manager-2", None, None),
    ]


def test_the_catalog_is_by_repository_the_newest_tag_first() -> None:
    tags = [
        {"tag": "1", "digest": DIGEST, "size": 5, "pushed": "2026-11-01T00:00:00+00:00"},
        {"tag": "2", "digest": OTHER, "size": 6, "pushed": 1_795_000_000},
        {"tag": "odd", "digest": OTHER, "size": 6, "pushed": None},
    ]
    rows = catalog.rows(
        {"repositories": [{"name": "web", "tags": tags}, {"name": "api", "tags": tags[:1]}]}
    )
    assert [(row["repository"], row["tag"]) for row in rows] == [
        ("api", "1"),
        ("web", "2"),
        ("web", "1"),
        ("web", "odd"),
    ]
    assert rows[0]["pushed"] == 1793491200.0
