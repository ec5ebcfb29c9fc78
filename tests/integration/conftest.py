"""One environment for all integration tests, and who is told of its alerts."""

from collections.abc import Iterator
from typing import Any

import docker
import pytest

from tests.support.receivers import Recorder, recorder
from tests.support.sandbox import Sandbox, make, objects
from tests.support.upstream import FakeUpstream, upstream

MACHINE = "10.88.1.1"  # this machine, as the environment's network has it
SECRET_PATH = "a-path-that-nobody-may-see"

# It dies at once on SIGTERM. Its answers take a while, so that there is something for SIGTERM to meet, and
# so that a release that is three times slower is slower than what the machine's noise makes of others.
ABRUPT: dict[str, Any] = {
    "build": {"context": "samples/hello"},
    "port": 8080,
    "routes": ["/"],
    "replicas": 2,
    "health": {"http": "/healthz"},
    "limits": {"cpus": 1, "memory": "128M"},
    "env": {"HELLO_IGNORE_SIGTERM": "die", "HELLO_DELAY_SECONDS": "0.05"},
    "drain": 8,  # the longest of the load's requests take 5 s
    "canary": {
        "steps": [{"weight": 20, "pause": 15}],
        "analysis": {"min_requests": 50, "on_no_data": "rollback"},
    },
}
# Its WebSockets stay as long as they may: the least that a slow request needs is enough here.
HELLO: dict[str, Any] = {
    "drain": 8,
    "canary": {
        "steps": [{"weight": 50, "pause": 10}],
        "analysis": {"min_requests": 50, "on_no_data": "promote"},
    },
}


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    try:
        client = docker.from_env()
        client.ping()
    except docker.errors.DockerException as error:
        pytest.fail(f"no Docker engine answers: run `make setup` ({error})")
    return client


@pytest.fixture(scope="session")
def receiver() -> Iterator[Recorder]:
    """Somebody on this machine who is told of alerts."""
    with recorder("0.0.0.0") as found:
        yield found


@pytest.fixture(scope="session")
def upstream_registry() -> Iterator[FakeUpstream]:
    """A registry on this machine that the environment caches."""
    with upstream("0.0.0.0") as found:
        found.private = {"team/secret"}
        yield found


@pytest.fixture
def images(upstream_registry: FakeUpstream) -> Iterator[FakeUpstream]:
    """The same. Whatever a test does to it ends with the test."""
    yield upstream_registry
    upstream_registry.gone, upstream_registry.status = False, None
    upstream_registry.limit_rate, upstream_registry.wrong_digest = None, False


def _upstreams(port: int) -> dict[str, Any]:
    """The same registry as docker.io, and as one with an account that may read what is private."""
    url = f"http://{MACHINE}:{port}"
    account = {"username": "puller", "password": "upstream-password"}
    return {"docker.io": {"url": url, "ttl": 1}, "up.test": {"url": url, "ttl": 1, **account}}


@pytest.fixture(scope="session")
def cloud(
    engine: docker.DockerClient, receiver: Recorder, upstream_registry: FakeUpstream
) -> Iterator[Sandbox]:
    """The environment `dev` under another name: up for all tests, down after them."""
    ports = {"http": 18080, "https": 18443, "api": 18376, "registry": 18500, "cache": 18543}
    config = {
        "horcrux:extends": "dev",
        "horcrux:apps": {
            "wiki": {"env": {"WIKI_URL": "http://wiki.itest.localhost:18080"}},
            "hello": HELLO,
            "abrupt": ABRUPT,
        },
        "horcrux:images": {"cache": {"upstreams": _upstreams(upstream_registry.port)}},
        "horcrux:registry": {"accounts": {"shop-ci": {"pull": ["base"], "push": ["shop"]}}},
        "horcrux:monitoring": {"receivers": {"ops": {"kind": "webhook", "url": "ops-url"}}},
    }
    sandbox = make("itest", config, ports, "10.88.1.0/24")
    url = f"http://{MACHINE}:{receiver.port}/{SECRET_PATH}"
    sandbox.horcrux("secrets", "set", "monitoring", "ops-url", "-s", "itest", text=url)
    sandbox.horcrux("secrets", "set", "images", "upstream-password", "-s", "itest", text="secret")
    sandbox.up()
    yield sandbox
    sandbox.horcrux("down", "-s", "itest", "-y")
    assert objects("itest") == []
