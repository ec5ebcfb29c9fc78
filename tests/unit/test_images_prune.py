"""What is in use, and what is not: in the registry, and on the hosts."""

from typing import Any

import pytest

from horcrux.exits import HorcruxError
from horcrux.images import prune
from horcrux.images.prune import Unused, unused
from tests.support.answering import DIGEST, HOSTS, OTHER, Answering, Question, Reply

REGISTRY_NAME = "registry.dev.internal:5000"
OLD, OLDER = f"sha256:{'c' * 64}", f"sha256:{'d' * 64}"


def service(image: str, replicas: int = 1, before: str | None = None) -> dict[str, Any]:
    def spec(image: str) -> dict[str, Any]:
        return {
            "Mode": {"Replicated": {"Replicas": replicas}},
            "TaskTemplate": {"ContainerSpec": {"Image": image}},
        }

    return {"Spec": spec(image), **({"PreviousSpec": spec(before)} if before else {})}


def values(*history: str, pulled: str = f"nginx@{DIGEST}") -> dict[str, Any]:
    entries = [{"image": image} for image in history]
    return {
        "images": {"web": {"written": "nginx", "pulled": pulled}},
        "releases": {"web": {"history": entries}},
    }


def image(*digests: str, tags: tuple[str, ...] = (), id_: str = "sha256:1") -> dict[str, Any]:
    names = [f"{REGISTRY_NAME}/web@{digest}" for digest in digests]
    return {"Id": id_, "RepoDigests": names or None, "RepoTags": list(tags), "Size": 1000}


def test_in_use_is_what_runs_what_is_parked_what_ran_before_and_what_is_remembered() -> None:
    listed = [service("a@1"), service("b@2", replicas=0), service("c@3", before="d@4")]
    with Answering({("GET", "/services"): Reply(content=listed)}) as engines:
        found = prune.named(engines.access, values("e@5", "f@6"))
    assert found == {"a@1", "b@2", "c@3", "d@4", "e@5", "f@6", f"nginx@{DIGEST}"}


def test_when_the_cluster_cannot_be_asked_nothing_is_known_to_be_unused() -> None:
    with (
        Answering({("GET", "/services"): Reply(500, {"message": "no leader"})}) as engines,
        pytest.raises(HorcruxError, match=r"no leader.*nothing was removed"),
    ):
        prune.named(engines.access, values())


def test_the_registry_is_told_of_its_own_by_repository_and_digest() -> None:
    with Answering() as server:
        registry = {**server.place, "name": REGISTRY_NAME}
        references = [
            f"{REGISTRY_NAME}/web:source-1@{DIGEST}",
            f"{server.address}/shop/api@{OTHER}",
            f"cache.dev.internal:5443/quay.io/acme/shop@{OTHER}",
            f"nginx@{OTHER}",
        ]
        assert prune.used_in_registry(registry, references) == [
            f"shop/api@{OTHER}",
            f"web@{DIGEST}",
        ]
        assert server.asked == []


def test_a_reference_without_a_digest_is_looked_up_and_one_that_is_gone_left_out() -> None:
    there = Reply(headers={"Docker-Content-Digest": DIGEST})
    with Answering({("HEAD", "/v2/web/manifests/1"): there}) as server:
        registry = {**server.place, "name": REGISTRY_NAME}
        references = [f"{REGISTRY_NAME}/web:1", f"{REGISTRY_NAME}/web:gone"]
        assert prune.used_in_registry(registry, references) == [f"web@{DIGEST}"]


def test_the_registry_is_asked_to_forget_the_rest() -> None:
    told = {"deleted": ["web:source-0"], "kept": [], "freed": 5}
    with Answering({("POST", "/horcrux/prune"): Reply(content=told)}) as server:
        assert prune.in_registry(server.place, 3, [f"web@{DIGEST}"], dry_run=True) == told
        assert server.asked[0].body == {"keep": 3, "used": [f"web@{DIGEST}"], "dry_run": True}


def test_unused_is_what_was_pulled_and_neither_named_nor_held() -> None:
    images = [
        image(DIGEST, id_="sha256:named"),
        image(OLD, id_="sha256:held"),
        image(OLDER, OTHER, id_="sha256:named-by-another-digest"),
        image(tags=("made-there:1",), id_="sha256:never-pulled"),
        image(OLD, tags=("nginx:1.27",), id_="sha256:named-by-tag"),
        image(OLDER, tags=("web:0", "<none>:<none>"), id_="sha256:unused"),
    ]
    references = {f"{REGISTRY_NAME}/web:source-1@{DIGEST}", f"x@{OTHER}", "nginx:1.27"}
    found = unused(images, [{"ImageID": "sha256:held"}], references)
    assert found == [Unused(("web:0", f"{REGISTRY_NAME}/web@{OLDER}"), 1000)]


def host_answers(delete: Any) -> dict[tuple[str, str], Any]:
    return {
        ("GET", "/images/json"): Reply(content=[image(DIGEST), image(OLD, id_="sha256:2")]),
        ("GET", "/containers/json"): Reply(content=[]),
        ("DELETE", f"/images/{REGISTRY_NAME}/web@{OLD}"): delete,
    }


def test_a_dry_run_removes_nothing() -> None:
    with Answering(host_answers(Reply(500))) as engines:
        gone, failed = prune.on_hosts(engines.access, HOSTS, {f"a@{DIGEST}"}, dry_run=True)
        assert not any(question.method == "DELETE" for question in engines.asked)
    assert gone == {host: [Unused((f"{REGISTRY_NAME}/web@{OLD}",), 1000)] for host in HOSTS}
    assert failed == {}


def test_what_a_container_holds_by_now_stays_and_a_host_that_fails_is_named() -> None:
    def delete(question: Question) -> Reply:
        status = {"manager-1": 200, "manager-2": 409, "worker-1": 500}[str(question.host)]
        return Reply(status, [] if status == 200 else {"message": f"it is {status}"})

    with Answering(host_answers(delete)) as engines:
        gone, failed = prune.on_hosts(engines.access, HOSTS, {f"a@{DIGEST}"}, dry_run=False)
    assert {host: len(images) for host, images in gone.items()} == {"manager-1": 1, "manager-2": 0}
    assert failed == {"worker-1": "it is 500"}
