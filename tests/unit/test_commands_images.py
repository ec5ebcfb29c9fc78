"""The verbs `images`: what is printed, asked and refused."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from horcrux.cli import app
from horcrux.exits import Exit, HorcruxError
from horcrux.report.units import NOTHING
from tests.support.answering import DIGEST, HOSTS, OTHER, Reply
from tests.support.played_images import (
    CACHE_NAME,
    REGISTRY_NAME,
    SHOP,
    STALE,
    THERE,
    WEB,
    Played,
    node,
    playing,
    refused,
    run,
)

PULL = ("POST", "/images/create")
SUMMED = {
    "requests": 4, "hits": 3, "served_bytes": 4000, "fetched_bytes": 1000, "upstream_seconds": 1,
    "saved_bytes": 3000, "saved_seconds": 130, "errors": 2, "up": False,
}  # fmt: skip


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> Any:
    with playing(monkeypatch) as found:
        yield found


def test_list_shows_both_names_the_size_and_the_hosts(dev: Played) -> None:
    dev.answers["GET", "/images/json"] = lambda question: Reply(
        content=[{"RepoDigests": [SHOP], "Size": 5_000_000}] if question.host != "worker-1" else []
    )
    lines = [" ".join(line.split()) for line in run("images", "list").output.splitlines()]
    shop = f"shop quay.io/acme/shop:1 {CACHE_NAME}/quay.io/acme/shop:1 {'a' * 12} 5.0 MB"
    web = f"web build web {REGISTRY_NAME}/web:source-1 {'b' * 12} {NOTHING}"
    assert lines[1:] == [f"{shop} manager-1, manager-2", f"{web} none"]


def test_list_tells_of_hosts_that_do_not_answer(dev: Played) -> None:
    dev.answers["GET", "/nodes"] = Reply(content=[node("manager-1"), node("worker-1", "down")])
    dev.answers["GET", "/images/json"] = Reply(content=[{"RepoDigests": [SHOP], "Size": 5}])
    assert "worker-1 does not answer (down)" in run("images", "list").output
    told = json.loads(run("images", "list", "--json").output)
    assert told["unknown"] == {"worker-1": "down"}
    assert told["images"][0]["hosts"] == ["manager-1"]


def test_resolve_prints_both_names_and_says_when_they_are_stale(dev: Played) -> None:
    reply = Reply(headers={**THERE.headers, "Warning": f'110 - "{STALE}"'})
    dev.answers["HEAD", "/v2/quay.io/acme/shop/manifests/2"] = reply
    result = run("images", "resolve", "quay.io/acme/shop:2")
    assert result.stdout.splitlines() == [
        f"written: quay.io/acme/shop:2@{DIGEST}",
        f"pulled: {CACHE_NAME}/quay.io/acme/shop:2@{DIGEST}",
    ]
    assert result.stderr == f"! quay.io/acme/shop:2: {STALE}\n"


def test_prefetch_pulls_all_apps_images_on_all_hosts_that_take_tasks(dev: Played) -> None:
    dev.answers["GET", "/nodes"] = Reply(content=[node("manager-1"), node("worker-1", "down")])
    layer = {"status": "Downloading", "progressDetail": {"current": 7, "total": 7}, "id": "one"}
    dev.answers[PULL] = Reply(lines=[layer])
    for image, digest in ((SHOP, DIGEST), (WEB, OTHER)):
        name = image.partition("@")[0].rpartition(":")[0]
        dev.answers["GET", f"/images/{name}@{digest}/json"] = Reply(content={"Id": "1"})
    output = run("images", "prefetch").output
    assert output.count("✓ manager-1  7.0 B") == 2
    assert "worker-1" not in output
    pulls = [question for question in dev.server.asked if question.path == PULL[1]]
    assert [question.query["tag"] for question in pulls] == [DIGEST, OTHER]
    assert all("X-Registry-Auth" in question.headers for question in pulls)


def test_prefetch_names_the_hosts_that_failed_and_fails(dev: Played) -> None:
    dev.answers[PULL] = Reply(lines=[{"error": "toomanyrequests"}])
    result = CliRunner().invoke(app, ["images", "prefetch", "shop"], env={"COLUMNS": "200"})
    for host in HOSTS:
        assert f"✗ {host}  toomanyrequests" in result.output
    assert isinstance(result.exception, HorcruxError)
    assert "3 pulls failed" in str(result.exception)


def prunable(dev: Played) -> None:
    spec = {"TaskTemplate": {"ContainerSpec": {"Image": SHOP}}}
    dev.answers["GET", "/services"] = Reply(content=[{"Spec": spec}])
    gone, kept = ({"repository": "web", "tag": f"source-{n}", "digest": OTHER} for n in (0, 1))
    told = {"deleted": [gone], "kept": [kept], "freed": 2_000_000}
    dev.answers["POST", "/horcrux/prune"] = Reply(content=told)
    dev.answers["POST", "/horcrux/gc"] = Reply(content={"freed": 2_000_000})
    unused = {"Id": "1", "RepoDigests": [f"{REGISTRY_NAME}/web@sha256:{'c' * 64}"], "Size": 3000}
    dev.answers["GET", "/images/json"] = Reply(content=[unused])
    dev.answers["GET", "/containers/json"] = Reply(content=[])
    dev.answers["DELETE", f"/images/{unused['RepoDigests'][0]}"] = Reply(content=[])


def test_prune_forgets_collects_and_clears_the_hosts(dev: Played) -> None:
    prunable(dev)
    output = run("images", "prune").output
    assert dev.bodies("/horcrux/prune") == [
        {"keep": 10, "used": [f"web@{OTHER}"], "dry_run": False}
    ]
    assert "the registry forgot 1 image; it keeps 1 image" in output
    assert "the registry: freed 2.0 MB" in output
    assert output.count("lost 1 image, at most 3.0 kB") == 3


def test_a_dry_run_of_prune_says_what_would_go_and_removes_nothing(dev: Played) -> None:
    prunable(dev)
    output = run("images", "prune", "--keep", "2", "--dry-run").output
    assert dev.bodies("/horcrux/prune") == [{"keep": 2, "used": [f"web@{OTHER}"], "dry_run": True}]
    assert "web:source-0" in output
    assert "the registry would forget 1 image, 2.0 MB" in output
    assert "worker-1 would lose 1 image" in output
    assert not {"POST /horcrux/gc", "DELETE"} & {
        word for path in dev.server.paths() for word in (path, path.partition(" ")[0])
    }


def test_prune_touches_nothing_when_no_manager_answers(dev: Played) -> None:
    prunable(dev)
    dev.answers["GET", "/services"] = Reply(500, {"message": "no leader"})
    assert "no leader" in str(refused("images", "prune"))
    assert dev.server.paths() == ["GET /services"]


def test_stats_has_a_row_for_each_upstream_and_the_disks(dev: Played) -> None:
    hosts = [{"host": "manager-1", "stored": 5_000_000, "limit": 20_000_000_000}]
    told = {"hosts": hosts, "upstreams": {"quay.io": SUMMED}}
    dev.answers["GET", "/horcrux/stats"] = Reply(content=told)
    lines = [" ".join(line.split()) for line in run("images", "stats").output.splitlines()]
    assert lines[1] == "quay.io 4 75 % 4.0 kB 1.0 kB 3.0 kB 2 min 2 does not answer"
    assert lines[2] == "manager-1: 5.0 MB of 20 GB"
    assert json.loads(run("images", "stats", "--json").output) == told


def test_without_a_cache_stats_are_a_wrong_command(dev: Played) -> None:
    dev.values["cache"] = None
    error = refused("images", "stats")
    assert error.code == Exit.USAGE
    assert "images.cache.enabled" in str(error)
