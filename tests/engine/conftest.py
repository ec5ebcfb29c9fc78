"""A bench for the real Pulumi engine and the real Docker engine.

Both are there after `make setup`; where one is missing, the tests fail and say so.
"""

import io
import os
import secrets
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import APIError, DockerException, NotFound
from workbench import Bench

PROGRAMS = Path(__file__).with_name("programs")


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    try:
        client = docker.from_env()
        client.ping()
    except DockerException as error:
        pytest.fail(f"no Docker engine answers ({error}): run `make setup`")
    return client


@pytest.fixture(scope="session")
def path() -> str:
    """PATH as an activated virtual environment has it, with a `pulumi` on it."""
    found = f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}"
    if not shutil.which("pulumi", path=found):
        pytest.fail("there is no `pulumi`: run `make setup`")
    return found


@pytest.fixture(scope="session")
def prefix(engine: docker.DockerClient) -> Iterator[str]:
    """A prefix for all names in Docker; what carries it is removed at the end."""
    name = f"horcrux-engine-{secrets.token_hex(4)}"
    yield name
    for container in engine.containers.list(all=True, filters={"name": name}):
        container.remove(force=True, v=True)
    for network in engine.networks.list(names=[name]):
        network.remove()
    for volume in engine.volumes.list(filters={"name": name}):
        volume.remove(force=True)


@pytest.fixture(scope="session")
def image(engine: docker.DockerClient, prefix: str) -> Iterator[str]:
    """An image with one file in it, for containers that are made but never started."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        note = b"an image for tests\n"
        entry = tarfile.TarInfo("note")
        entry.size = len(note)
        archive.addfile(entry, io.BytesIO(note))
    engine.api.import_image_from_data(content.getvalue(), repository=prefix, tag="test")
    yield f"{prefix}:test"
    try:
        engine.images.remove(f"{prefix}:test", force=True)
    except (NotFound, APIError) as error:
        print(f"the image {prefix}:test stays: {error}")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, prefix: str, path: str) -> Bench:
    folder = tmp_path_factory.mktemp("engine")
    shutil.copytree(PROGRAMS, folder, dirs_exist_ok=True)
    (folder / "app" / "venv").symlink_to(sys.prefix)
    (folder / "state").mkdir()
    env = {
        **os.environ,
        "PATH": path,
        "PULUMI_BACKEND_URL": f"file://{folder}/state",
        "PULUMI_CONFIG_PASSPHRASE": "engine",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "NO_COLOR": "1",
    }
    return Bench(folder, prefix, env)


@pytest.fixture
def stack(bench: Bench, image: str) -> Iterator[Bench]:
    """The bench with a fresh stack `dev` of the app program, label `blue`; destroyed after."""
    bench.must("stack", "init", "dev")
    bench.must("config", "set", "--secret", "password", "s3cret", "-s", "dev")
    plain = {"prefix": bench.prefix, "image": image, "label": "blue"}
    words = [word for name, value in plain.items() for word in ("--plaintext", f"{name}={value}")]
    bench.must("config", "set-all", "-s", "dev", *words)
    yield bench
    bench.must("destroy", "--yes", "--skip-preview", "--remove", "-s", "dev")
