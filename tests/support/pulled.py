"""Images that hosts of a test's environment pull, and the upstream that has them."""

import subprocess
import threading
import zlib
from typing import Any

from tests.support.sandbox import Sandbox
from tests.support.upstream import FakeUpstream, Image, image

HOSTS = ("manager-1", "manager-2", "manager-3")
PULL_SECONDS = 120


def docker(cloud: Sandbox, host: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "exec", cloud.container(host), "docker", *words],
        capture_output=True,
        text=True,
        timeout=PULL_SECONDS,
        check=False,
    )


def pull(cloud: Sandbox, host: str, name: str) -> None:
    done = docker(cloud, host, "pull", "-q", name)
    assert done.returncode == 0, done.stderr


def pull_on_all(cloud: Sandbox, name: str) -> None:
    threads = [threading.Thread(target=pull, args=(cloud, host, name)) for host in HOSTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for host in HOSTS:
        assert docker(cloud, host, "image", "inspect", name).returncode == 0, f"{host} lacks {name}"


def forget(cloud: Sandbox, name: str) -> None:
    for host in HOSTS:
        docker(cloud, host, "rmi", "-f", name)


def offered(images: FakeUpstream, name: str, *sizes: int, **how: Any) -> Image:
    """An image that the upstream has, under `REPOSITORY:TAG`."""
    repository, _, tag = name.partition(":")
    found = image(*sizes, seed=zlib.crc32(name.encode()), **how)
    images.put(repository, tag, found)
    images.bytes_sent = 0
    return found
