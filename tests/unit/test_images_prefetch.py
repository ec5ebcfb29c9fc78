"""Pulling on hosts: what each engine is asked, what its lines mean, and what is told of a failure."""

import base64
import json
import threading
from typing import Any

import pytest

from horcrux.images import prefetch
from horcrux.images.names import split
from horcrux.images.prefetch import pull_on_hosts
from horcrux.images.pulling import Layers, Pull
from tests.support.answering import DIGEST, HOSTS, Answering, Question, Reply

IMAGE = f"cache.dev.internal:5443/quay.io/acme/shop:1.4@{DIGEST}"
NAME = IMAGE.partition("@")[0].rpartition(":")[0]
AUTH = {"server_address": "cache.dev.internal:5443", "username": "pull", "password": "p"}
LINES: list[dict[str, Any]] = [
    {"status": "Pulling from quay.io/acme/shop", "id": DIGEST},
    {"status": "Already exists", "progressDetail": {}, "id": "base"},
    {"status": "Downloading", "progressDetail": {"current": 40, "total": 100}, "id": "one"},
    {"status": "Downloading", "progressDetail": {"current": 10, "total": 50}, "id": "two"},
    {"status": "Download complete", "progressDetail": {}, "id": "one"},
    {"status": "Extracting", "progressDetail": {"current": 1, "total": 100}, "id": "one"},
    {"status": "Pull complete", "progressDetail": {}, "id": "two"},
    {"status": f"Digest: {DIGEST}"},
    {"status": "Status: Downloaded newer image"},
]
PULL, LOOK = ("POST", "/images/create"), ("GET", f"/images/{NAME}@{DIGEST}/json")
THERE = Reply(content={"Id": "sha256:1"})


def failing(host: str, reply: Reply) -> dict[tuple[str, str], Any]:
    """All hosts' engines, of which one answers otherwise."""
    good = Reply(lines=LINES)
    return {PULL: lambda question: reply if question.host == host else good, LOOK: THERE}


def test_every_host_s_own_engine_pulls_by_digest_with_the_account() -> None:
    with Answering({PULL: Reply(lines=LINES), LOOK: THERE}) as engines:
        assert pull_on_hosts(engines.access, HOSTS, IMAGE, AUTH) == dict.fromkeys(HOSTS)
        pulls = [question for question in engines.asked if question.method == "POST"]
    assert sorted(str(question.host) for question in pulls) == HOSTS
    assert pulls[0].query == {"fromImage": NAME, "tag": DIGEST}
    account = json.loads(base64.urlsafe_b64decode(pulls[0].headers["X-Registry-Auth"]))
    assert account == {
        "serveraddress": AUTH["server_address"], "username": "pull", "password": "p",
    }  # fmt: skip


def test_no_account_is_shown_where_none_is_wanted() -> None:
    with Answering({PULL: Reply(lines=LINES), LOOK: THERE}) as engines:
        pull_on_hosts(engines.access, HOSTS[:1], IMAGE, {})
        assert "X-Registry-Auth" not in engines.asked[0].headers


def test_hosts_pull_at_the_same_time() -> None:
    together = threading.Barrier(len(HOSTS), timeout=10)

    def answer(_: Question) -> Reply:
        together.wait()
        return Reply(lines=LINES)

    with Answering({PULL: answer, LOOK: THERE}) as engines:
        assert pull_on_hosts(engines.access, HOSTS, IMAGE, {}) == dict.fromkeys(HOSTS)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply(lines=[*LINES[:3], {"error": "x", "errorDetail": {"message": "unexpected EOF"}}]),
            "unexpected EOF",
        ),
        (
            Reply(lines=[{"error": "write /var/lib/docker/tmp/1: no space left on device"}]),
            "write /var/lib/docker/tmp/1: no space left on device; make room there: horcrux images prune",
        ),
        (Reply(404, {"message": "manifest unknown"}), "manifest unknown"),
        (
            Reply(500, {"message": "received unexpected HTTP status: 502\n"}),
            "received unexpected HTTP status: 502",
        ),
    ],
)
def test_a_host_that_cannot_is_named_with_the_reason_and_the_others_have_it(
    reply: Reply, said: str
) -> None:
    with Answering(failing("worker-1", reply)) as engines:
        found = pull_on_hosts(engines.access, HOSTS, IMAGE, {})
    assert found == {"manager-1": None, "manager-2": None, "worker-1": said}


def test_an_answer_that_ends_well_without_the_image_is_a_failure() -> None:
    with Answering({PULL: Reply(lines=LINES)}) as engines:
        (reason,) = pull_on_hosts(engines.access, HOSTS[:1], IMAGE, {}).values()
    assert reason


def test_a_host_that_does_not_answer_is_an_answer_too() -> None:
    with Answering() as engines:
        access = engines.access
    (reason,) = pull_on_hosts(access, HOSTS[:1], IMAGE, {}).values()
    assert reason
    assert "refused" in reason


def test_an_engine_that_says_nothing_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prefetch, "QUIET_SECONDS", 0.05)
    over = threading.Event()

    def answer(_: Question) -> Reply:
        over.wait(10)
        return Reply(lines=[])

    with Answering({PULL: answer}) as engines:
        (reason,) = pull_on_hosts(engines.access, HOSTS[:1], IMAGE, {}).values()
        over.set()
    assert reason == "its engine said nothing for 0.05 s; see: horcrux images stats"


def test_a_pull_that_goes_on_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "PULL_SECONDS", 0)
    with Answering({PULL: Reply(lines=LINES), LOOK: THERE}) as engines:
        (reason,) = pull_on_hosts(engines.access, HOSTS[:1], IMAGE, {}).values()
    assert reason == "it was not there within 0 s; see: horcrux images stats"


def test_no_hosts_are_no_pulls() -> None:
    with Answering() as engines:
        assert pull_on_hosts(engines.access, [], IMAGE, {}) == {}
        assert engines.asked == []


def test_each_host_tells_how_far_it_is_and_once_that_it_is_over() -> None:
    told: list[tuple[str, Pull]] = []
    with Answering(failing("worker-1", Reply(lines=[{"error": "no"}]))) as engines:
        pull_on_hosts(engines.access, HOSTS, IMAGE, {}, lambda *it: told.append(it))
    endings = {host: pull for host, pull in told if pull.over}
    assert sorted(endings) == HOSTS
    assert sum(pull.over for _, pull in told) == len(HOSTS)
    assert (endings["manager-1"].received, endings["manager-1"].reason) == (150, None)
    assert endings["worker-1"].reason == "no"


@pytest.mark.parametrize(
    ("lines", "received", "size"),
    [(2, 0, 0), (3, 40, 100), (4, 50, 150), (5, 110, 150), (6, 110, 150), (7, 150, 150)],
)
def test_bytes_are_counted_over_the_layers_that_were_lacking(
    lines: int, received: int, size: int
) -> None:
    layers = Layers()
    for line in LINES[:lines]:
        layers.note(line)
    assert layers.pull(1.0) == Pull(received, size, 1.0)


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("nginx", "latest")),
        ("nginx:1.27", ("nginx", "1.27")),
        ("localhost:5000/web", ("localhost:5000/web", "latest")),
        (f"localhost:5000/web:2@{DIGEST}", ("localhost:5000/web", DIGEST)),
        (IMAGE, (NAME, DIGEST)),
    ],
)
def test_engines_get_a_name_and_one_version(image: str, parts: tuple[str, str]) -> None:
    assert split(image) == parts
