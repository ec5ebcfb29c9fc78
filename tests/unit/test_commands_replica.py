"""The verbs about the registry's replica."""

import asyncio
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from horcrux.exits import Exit, HorcruxError
from horcrux.images import replica
from horcrux.project import Project
from tests.support.answering import DIGEST, OTHER, Reply
from tests.support.image import image
from tests.support.played_images import WEB, Played, playing, refused, run
from tests.support.played_registry import RIGHT, registry
from tests.support.vault import PREFIX, tell, way

STATE: dict[str, Any] = {
    "enabled": True,
    "replica": "vault.example.org/dev",
    "level": True,
    "pending": 0,
    "since": None,
    "failure": None,
    "again_seconds": None,
    "problems": [],
    "conflicts": [],
    "compared": 1.0,
    "copied": {"manifests": 0, "blobs": 0, "bytes": 0},
}
BEHIND = {**STATE, "level": False, "pending": 2, "since": time.time() - 90}
COPIED = {**STATE, "copied": {"manifests": 2, "blobs": 5, "bytes": 3_000_000}}
RESTORED: dict[str, Any] = {
    "images": 3, "done": 3, "present": 1, "kept": [], "absent": [], "problems": [],
    "copied": {"manifests": 2, "blobs": 5, "bytes": 3_000_000}, "ended": True,
}  # fmt: skip
BAD = [{"image": "web:v1", "digest": DIGEST, "reason": "a layer is damaged"}]


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> Any:
    with playing(monkeypatch) as found:
        yield found


def test_replicate_says_what_it_took(dev: Played) -> None:
    dev.answers["POST", "/horcrux/replica"] = Reply(lines=[BEHIND, {**COPIED, "ended": True}])
    said = run("registry", "replicate").output
    assert "vault.example.org/dev is level: 2 manifests and 3.0 MB copied, after 0 s" in said


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"failure": "it does not answer", "again_seconds": 20}, Exit.FAILED, "itself, in 20 s"),
        ({"problems": BAD}, Exit.UNHEALTHY, "1 image cannot be brought"),
        ({"conflicts": BAD}, Exit.UNHEALTHY, "1 tag of the replica would have to change"),
    ],
)
def test_replicate_fails_with_the_reason(
    dev: Played, change: dict[str, Any], code: Exit, told: str
) -> None:
    dev.answers["POST", "/horcrux/replica"] = Reply(
        lines=[BEHIND, {**BEHIND, **change, "ended": True}]
    )
    error = refused("registry", "replicate")
    assert error.code == code
    assert told in str(error)


def test_an_answer_that_ends_too_soon_is_no_success(dev: Played) -> None:
    dev.answers["POST", "/horcrux/replica"] = Reply(lines=[BEHIND])
    assert "the same command carries on" in str(refused("registry", "replicate"))


@pytest.mark.parametrize("verb", ["replicate", "restore"])
def test_without_a_replica_the_settings_are_named(dev: Played, verb: str) -> None:
    error = refused("registry", verb)
    assert error.code == Exit.USAGE
    assert "registry.replica" in str(error)


def test_restore_asks_for_everything_or_for_what_the_apps_name(
    dev: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = (f"localhost:{dev.server.address.partition(':')[2]}/blog:1", "quay.io/acme/x:1", None)
    apps = {f"app-{n}": SimpleNamespace(image=image) for n, image in enumerate(images)}
    monkeypatch.setattr(Project, "settings", lambda _: SimpleNamespace(apps=apps))
    dev.answers["POST", "/horcrux/restore"] = Reply(lines=[RESTORED])
    said = run("registry", "restore").output
    assert (
        "the registry has 3 images of the replica: 1 already here, 2 manifests and 3.0 MB came"
        in said
    )
    run("registry", "restore", "--apps")
    everything, named = (q.body for q in dev.server.asked if q.path == "/horcrux/restore")
    assert everything == {}
    assert named == {"images": ["blog:1", f"web@{OTHER}"]}


def test_restore_tells_what_did_not_come_back(dev: Played) -> None:
    told = {**RESTORED, "kept": ["a:v1"], "absent": ["b:v1"], "problems": ["c:v1: damaged"]}
    dev.answers["POST", "/horcrux/restore"] = Reply(lines=[told])
    assert "2 images did not come back" in str(refused("registry", "restore"))


def test_restore_without_a_list_does_not_tell_of_images(dev: Played) -> None:
    told = {**RESTORED, "images": 0, "done": 0, "failure": "the replica has no list"}
    dev.answers["POST", "/horcrux/restore"] = Reply(lines=[told])
    assert str(refused("registry", "restore")) == "the replica has no list"


def test_restore_that_is_broken_off_says_how_far_it_is(dev: Played) -> None:
    told = {**RESTORED, "done": 1, "failure": "the replica does not answer"}
    dev.answers["POST", "/horcrux/restore"] = Reply(lines=[told])
    error = refused("registry", "restore")
    assert str(error) == (
        "the replica does not answer; 1 of 3 images are here, and the same command carries on"
    )


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (STATE, "replica vault.example.org/dev: level"),
        (BEHIND, "replica vault.example.org/dev: lacks 2 tags since "),
        ({**BEHIND, "pending": 0}, "replica vault.example.org/dev: comparing"),
        ({**BEHIND, "failure": "no route", "again_seconds": 9}, "no route; next try in 9 s"),
        (
            {**BEHIND, "failure": "no route", "pending": 0},
            "replica vault.example.org/dev: not known since ",
        ),
        ({**BEHIND, "failure": "no route", "compared": None}, "/dev: not known since "),
    ],
)
def test_status_says_how_far_it_is(dev: Played, told: dict[str, Any], said: str) -> None:
    dev.answers["GET", "/horcrux/replica"] = Reply(content=told)
    assert said in run("registry", "status").output
    assert json.loads(run("registry", "status", "--json").output) == told


def test_status_tells_of_what_does_not_mend_itself(dev: Played) -> None:
    dev.answers["GET", "/horcrux/replica"] = Reply(content={**STATE, "conflicts": BAD})
    assert refused("registry", "status").code == Exit.UNHEALTHY


def test_status_without_a_replica(dev: Played) -> None:
    dev.answers["GET", "/horcrux/replica"] = Reply(content={"enabled": False})
    assert "has no replica" in run("registry", "status").output


def test_the_catalog_tells_of_the_replica_too(dev: Played) -> None:
    dev.answers["GET", "/horcrux/catalog"] = Reply(content={"repositories": []})
    dev.answers["GET", "/horcrux/replica"] = Reply(content=BEHIND)
    assert "lacks 2 tags since" in run("registry", "catalog").output


def test_what_apps_name_is_asked_for_by_digest_where_there_is_one() -> None:
    place = {"url": "https://127.0.0.1:8500", "name": "registry.dev.internal:5000"}
    references = [
        WEB,
        f"127.0.0.1:8500/team/shop@{DIGEST}",
        "localhost:8500/shop:1.4",
        "registry.dev.internal:5000/blog",
        f"quay.io/acme/shop@{DIGEST}",
    ]
    assert replica.of_registry(place, references) == [
        "blog:latest",
        "shop:1.4",
        f"team/shop@{DIGEST}",
        f"web@{OTHER}",
    ]


async def test_the_verbs_work_with_a_real_registry(tmp_path: Path) -> None:
    web = image(50_000)
    async with registry(tmp_path / "vault") as vault, way(vault) as there:
        for name in ("lost", "new"):
            async with registry(tell(tmp_path / name, vault, there.port)) as here:
                place = {
                    "url": f"https://127.0.0.1:{here.port}",
                    "username": "push",
                    "password": RIGHT,
                    "ca": (here.folder / "cert.pem").read_text(),
                }
                if name == "lost":
                    await here.client().push("shop", "v1", web)
                    told = await asyncio.to_thread(lambda its=place: list(replica.replicate(its)))
                    assert told[-1]["level"]
                    assert (await asyncio.to_thread(replica.ask, place))["replica"].endswith(PREFIX)
                    continue
                told = await asyncio.to_thread(lambda its=place: list(replica.restore(its, None)))
                assert told[-1]["done"] == 1
                await here.client().pull("shop", web.digest, web)
                with pytest.raises(HorcruxError, match="REPOSITORY"):
                    await asyncio.to_thread(lambda its=place: list(replica.restore(its, ["Bad"])))
