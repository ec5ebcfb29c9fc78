"""Images of other registries, pulled by real engines through the cache of a real environment."""

import json
import subprocess
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import requests

from engine.layout import Layout
from tests.support.observed import query
from tests.support.pulled import HOSTS, PULL_SECONDS, docker, forget, offered, pull, pull_on_all
from tests.support.sandbox import Sandbox, eventually
from tests.support.upstream import FakeUpstream

CACHE = "cache.itest.internal:5443"
MEASURED_SECONDS = 60
CLIENT_SECONDS = 180
LARGE = 12 << 20


def told(cloud: Sandbox) -> dict[str, Any]:
    done = cloud.horcrux("images", "stats", "-s", cloud.name, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_hosts_that_pull_at_once_are_one_to_the_upstream(
    cloud: Sandbox, images: FakeUpstream
) -> None:
    """By docker.io's own name, for which engines ask the cache by themselves."""
    wanted = offered(images, "library/thing:1", LARGE, LARGE // 2, 100_000)
    images.limit_rate = 10_000_000
    pull_on_all(cloud, "thing:1")
    assert images.bytes_sent <= 1.02 * wanted.size
    numbers = told(cloud)["upstreams"]["docker.io"]
    assert numbers["fetched_bytes"] == images.bytes_sent
    assert numbers["saved_bytes"] >= 1.9 * wanted.size
    measured = 'horcrux_cache_requests_total{upstream="docker.io"}'
    eventually(
        lambda: any(s["value"] > 0 for s in query(cloud, measured)),
        MEASURED_SECONDS,
        "Prometheus has measured it",
    )


def test_what_is_cached_is_pulled_while_the_upstream_is_gone_also_by_tag(
    cloud: Sandbox, images: FakeUpstream
) -> None:
    forget(cloud, "thing:1")
    images.gone = True
    for host in HOSTS:
        pull(cloud, host, "thing:1")
    done = docker(cloud, "manager-1", "pull", "-q", "thing:2")
    assert done.returncode != 0
    eventually(
        lambda: any(
            s["value"] > 0 for s in query(cloud, 'horcrux_cache_requests_total{result="stale"}')
        ),
        MEASURED_SECONDS,
        "Prometheus has heard that it was stale",
    )


def test_a_limited_upstream_is_waited_for(cloud: Sandbox, images: FakeUpstream) -> None:
    offered(images, "library/limited:1", 200_000)
    # What did not answer a moment ago is not asked again at once.
    eventually(
        lambda: docker(cloud, "manager-1", "pull", "-q", "thing:1").returncode == 0,
        MEASURED_SECONDS,
        "the upstream is asked again",
    )
    images.status, images.retry_after, images.busy_times = 429, "2", 2
    eventually(
        lambda: docker(cloud, "manager-1", "pull", "-q", "limited:1").returncode == 0,
        MEASURED_SECONDS,
        "a pull waits for a limited upstream",
    )


def test_nothing_private_is_given_to_a_host_without_an_account(
    cloud: Sandbox, images: FakeUpstream
) -> None:
    wanted = offered(images, "team/secret:1", 300_000)
    name = f"{CACHE}/up.test/team/secret:1"
    access = json.loads(cloud.horcrux("registry", "credentials", "-s", cloud.name, "--json").stdout)
    assert docker(cloud, "manager-1", "pull", "-q", name).returncode != 0
    cloud.horcrux("images", "prefetch", "up.test/team/secret:1", "-s", cloud.name)
    pulled = docker(cloud, "manager-2", "images", "-q", "--no-trunc", "--digests", "--all")
    assert pulled.returncode == 0
    # It is cached now, and still nobody's who does not say who he is.
    url = f"https://127.0.0.1:{cloud.ports['cache']}"
    with requests.Session() as session:
        session.trust_env = False
        ca = cloud.folder / "build-ca.pem"
        ca.write_text(access["ca"])
        for path in (f"manifests/{wanted.digest}", *(f"blobs/{d}" for d in wanted.blobs)):
            for headers in ({}, {"X-Horcrux-Peer": "1"}):
                answer = session.get(
                    f"{url}/v2/up.test/team/secret/{path}", headers=headers, verify=ca, timeout=20
                )
                assert answer.status_code == 401, path
            for other in ("team/secret", "up.test/library/thing", "library/thing"):
                answer = session.get(f"{url}/v2/{other}/{path}", verify=ca, timeout=20)
                assert answer.status_code in (401, 404), (other, path)
        metrics = session.get(f"{url}/metrics", verify=ca, timeout=20)
        assert metrics.status_code == 404


def test_a_pull_ends_well_though_its_cache_is_killed(cloud: Sandbox, images: FakeUpstream) -> None:
    offered(images, "library/slow:1", LARGE)
    images.limit_rate = 2_000_000
    pulling = threading.Thread(target=pull_on_all, args=(cloud, "slow:1"))
    pulling.start()
    eventually(lambda: images.bytes_sent > LARGE // 4, PULL_SECONDS, "the transfer is under way")
    kill = "docker ps -qf name=horcrux-cache | xargs -r docker kill"
    assert cloud.inside("manager-2", "sh", "-c", kill).strip()
    pulling.join(PULL_SECONDS)
    assert not pulling.is_alive()
    pull_on_all(cloud, "slow:1")


def test_a_blob_that_decays_on_a_disk_comes_anew(cloud: Sandbox, images: FakeUpstream) -> None:
    wanted = offered(images, "library/decays:1", 400_000)
    pull_on_all(cloud, "decays:1")
    forget(cloud, "decays:1")
    layer = max(wanted.blobs, key=lambda d: len(wanted.blobs[d])).partition(":")[2]
    file = f"/var/lib/docker/volumes/horcrux-cache/_data/blobs/{layer[:2]}/{layer}"
    for host in HOSTS:
        spoil = f"[ ! -f {file} ] || printf x | dd of={file} bs=1 conv=notrunc 2>/dev/null"
        cloud.inside(host, "sh", "-c", spoil)
        # It is read anew after an hour, or by a process that has not read it yet.
        cloud.inside(host, "sh", "-c", "docker ps -qf name=horcrux-cache | xargs -r docker kill")
    eventually(
        lambda: all(
            docker(cloud, host, "pull", "-q", "decays:1").returncode == 0 for host in HOSTS
        ),
        PULL_SECONDS,
        "every host pulls it whole again",
    )


def test_the_registry_s_accounts_may_do_what_they_may_and_no_more(
    cloud: Sandbox, tmp_path: Path
) -> None:
    account = json.loads(
        cloud.horcrux(
            *("registry", "credentials", "--account", "shop-ci", "-s", cloud.name, "--json")
        ).stdout
    )
    registry = f"127.0.0.1:{cloud.ports['registry']}"
    home = {"DOCKER_CONFIG": str(tmp_path)}
    run(
        ["docker", "login", registry, "-u", "shop-ci", "--password-stdin"],
        account["password"],
        home,
    )
    for name, well in (("shop:1", True), ("wiki:1", False)):
        run(["docker", "tag", "horcrux/base:bookworm", f"{registry}/{name}"])
        done = run(["docker", "push", "-q", f"{registry}/{name}"], env=home, check=False)
        assert (done.returncode == 0) is well, done.stdout + done.stderr
        run(["docker", "rmi", f"{registry}/{name}"])


def test_the_registry_passes_the_conformance_suite(cloud: Sandbox, tmp_path: Path) -> None:
    """The distribution specification's own: pull, push, discovery with referrers, and management."""
    suite = Layout.here().conformance
    assert suite.is_file(), "run `make setup-test`: it builds the suite"
    access = json.loads(cloud.horcrux("registry", "credentials", "-s", cloud.name, "--json").stdout)
    ca = tmp_path / "ca.pem"
    ca.write_text(access["ca"])
    told = {
        "OCI_REGISTRY": f"127.0.0.1:{cloud.ports['registry']}",
        "OCI_TLS": "enabled",
        "SSL_CERT_FILE": str(ca),
        "OCI_REPO1": "conformance/one",
        "OCI_REPO2": "conformance/two",
        "OCI_USERNAME": access["username"],
        "OCI_PASSWORD": access["password"],
        "OCI_RESULTS_DIR": str(tmp_path),
        "OCI_VERSION": "1.1",
        # Optional in the specification, and not in distribution 2.8.
        "OCI_DATA_SHA512": "false",
        "OCI_DATA_NONDISTRIBUTABLE": "false",
    }
    run([str(suite)], env=told, check=False)
    cases = ElementTree.parse(tmp_path / "junit.xml").iter("testcase")
    ended = {str(case.get("name")).partition("/")[2]: case.get("status") for case in cases}
    assert sum(status == "passed" for status in ended.values()) > 200, ended
    assert [name for name, status in ended.items() if status not in ("passed", "skipped")] == []


def test_room_is_freed_while_images_are_pulled_and_nothing_that_runs_goes(cloud: Sandbox) -> None:
    before = cloud.status()["apps"]
    done = cloud.horcrux("images", "prune", "-s", cloud.name, "--keep", "1")
    assert done.returncode == 0, done.stderr
    for host in HOSTS:
        names = cloud.inside(host, "sh", "-c", "docker ps --format '{{.Image}}' | sort -u").split()
        assert names
    catalog = json.loads(cloud.horcrux("registry", "catalog", "-s", cloud.name, "--json").stdout)
    there = {f"{row['repository']}@{row['digest']}" for row in catalog}
    services = cloud.inside("manager-1", "docker", "service", "ls", "-q").split()
    inspected = json.loads(cloud.inside("manager-1", "docker", "service", "inspect", *services))
    for service in inspected:
        reference = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
        host, _, rest = reference.partition("/")
        if host.startswith("registry."):
            name, _, digest = rest.partition("@")
            assert f"{name.partition(':')[0]}@{digest}" in there, reference
    assert [a["release"] for a in cloud.status()["apps"]] == [a["release"] for a in before]


def run(
    command: list[str], text: str = "", env: dict[str, str] | None = None, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """A client on this machine."""
    import os

    done = subprocess.run(
        command,
        input=text,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=CLIENT_SECONDS,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stdout + done.stderr
    return done
