"""Images that survive the loss of the registry's disk, by a second registry that has them too."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt

from providers.x509 import self_signed, signed
from tests.support.pulled import HOSTS, docker
from tests.support.sandbox import Sandbox, eventually

VAULT = "vault.test"
PASSWORD = "of-the-vault"
ANSWER_SECONDS = 60


def run(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout


@contextmanager
def vault(cloud: Sandbox, folder: Path) -> Iterator[str]:
    """A registry like the environment's own, beside it; its CA."""
    ca = self_signed("vault", 2)
    certificate, key = signed(*ca, [VAULT, "127.0.0.1"], "server", 2)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    rights = {"pull": ["*"], "push": ["*"], "bcrypt": hashed}
    files = {
        "cert.pem": certificate,
        "key.pem": key,
        "accounts.json": json.dumps({"copier": rights}),
        "settings.json": "{}",
    }
    own = folder / "horcrux" / "registry"
    own.mkdir(parents=True)
    for name, text in files.items():
        (own / name).write_text(text)
    container = f"horcrux-{cloud.name}-vault"
    image = run("inspect", cloud.container("registry"), "--format", "{{.Image}}").strip()
    label = f"horcrux.environment={cloud.name}"  # removed with the rest if this is interrupted
    network = ("--network", f"horcrux-{cloud.name}", "--network-alias", VAULT)
    run("create", "--name", container, "--label", label, *network, image)
    try:
        run("cp", str(own.parent), f"{container}:/etc")
        run("start", container)
        ask = "import socket; socket.create_connection(('127.0.0.1', 5000), 2)"
        answers = ["docker", "exec", container, "python3", "-c", ask]
        eventually(
            lambda: subprocess.run(answers, capture_output=True, check=False).returncode == 0,
            ANSWER_SECONDS,
            "the vault answers",
        )
        yield ca[0]
    finally:
        run("rm", "-fv", container)


def catalog(cloud: Sandbox) -> set[tuple[str, str, str]]:
    """What the registry has: repository, tag, digest."""
    done = cloud.horcrux("registry", "catalog", "-s", cloud.name, "--json")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return {(row["repository"], row["tag"], row["digest"]) for row in rows}


def lose_disk(cloud: Sandbox) -> None:
    """The registry begins with nothing."""
    registry = cloud.container("registry")
    run("exec", registry, "sh", "-c", "rm -rf /var/lib/registry/*")
    run("restart", registry)
    eventually(lambda: not catalog_or_none(cloud), ANSWER_SECONDS, "the registry answers, empty")


def catalog_or_none(cloud: Sandbox) -> set[tuple[str, str, str]] | bool:
    """True while it does not answer."""
    done = cloud.horcrux("registry", "catalog", "-s", cloud.name, "--json", check=False)
    return bool(json.loads(done.stdout)) if done.returncode == 0 else True


def test_what_the_registry_lost_comes_back_from_its_replica(cloud: Sandbox, tmp_path: Path) -> None:
    settings = cloud.stack_file.read_text()
    with vault(cloud, tmp_path) as ca:
        replica = {"url": f"https://{VAULT}:5000", "username": "copier", "password": "vault"}
        cloud.horcrux("secrets", "set", "images", "vault", "-s", cloud.name, text=PASSWORD)
        cloud.edit(lambda config: config["horcrux:registry"].update(replica={**replica, "ca": ca}))
        try:
            cloud.up()
            cloud.horcrux("registry", "replicate", "-s", cloud.name)
            told = cloud.horcrux("registry", "status", "-s", cloud.name, "--json")
            assert json.loads(told.stdout)["pending"] == 0
            assert PASSWORD not in told.stdout
            before = catalog(cloud)
            assert {"hello", "wiki", "edge"} <= {repository for repository, _, _ in before}
            lose_disk(cloud)
            cloud.horcrux("registry", "restore", "-s", cloud.name)
            assert catalog(cloud) == before
            pulled_anew(cloud)
        finally:
            cloud.stack_file.write_text(settings)
            cloud.up()
    cloud.expect_no_changes()


def pulled_anew(cloud: Sandbox) -> None:
    """A host that has lost an app's image gets it by the reference that the release has."""
    images = json.loads(cloud.horcrux("images", "list", "-s", cloud.name, "--json").stdout)
    pulled = next(row["pulled"] for row in images["images"] if row["app"] == "hello")
    removed = [host for host in HOSTS if docker(cloud, host, "rmi", pulled).returncode == 0]
    assert removed, "two tasks on three hosts: one may lose the image"
    other = removed[0]
    assert docker(cloud, other, "image", "inspect", pulled).returncode != 0
    cloud.horcrux("images", "prefetch", "hello", "-s", cloud.name)
    assert docker(cloud, other, "image", "inspect", pulled).returncode == 0
