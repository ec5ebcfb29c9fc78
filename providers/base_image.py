"""The Debian image that the platform's own images are built on.

Pulled where a registry can be reached, so that its provenance is Debian's own; else made by
mmdebstrap from the packages that this machine's apt can reach, with the same trimmings.
"""

from typing import Any

import pulumi
from pulumi.dynamic import Resource

from providers.delegate import Delegate

RELEASE = "bookworm"
PULLED = f"debian:{RELEASE}-slim"
REGISTRY = ("registry-1.docker.io", 443)
REACH_SECONDS = 3.0  # a registry that does not take a connection in this time is out of reach
MMDEBSTRAP_SECONDS = 900  # takes 20 s on a fast mirror
TRIMMED = ("man", "doc", "locale")
SUITES = (
    ("http://deb.debian.org/debian", RELEASE),
    ("http://deb.debian.org/debian", f"{RELEASE}-updates"),
    ("http://deb.debian.org/debian-security", f"{RELEASE}-security"),
)


class BaseImage(Resource, module="horcrux", name="BaseImage"):
    """`tag` names the image on this machine's engine; `image_id` is its content."""

    image_id: pulumi.Output[str]
    tag: pulumi.Output[str]

    def __init__(
        self, name: str, tag: str, labels: dict[str, str], opts: pulumi.ResourceOptions
    ) -> None:
        """`tag`: what to call it; `labels`: what the image carries."""
        props = {"tag": tag, "labels": labels, "release": RELEASE, "image_id": None, "origin": None}
        super().__init__(Delegate("providers.base_image"), name, props, opts)


def create(props: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Pull it, or make it."""
    return props["tag"], _made(props)


def diff(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Another Debian release or tag, or the image is gone from the engine."""
    from providers.image import exists

    changed = any(old[k] != new[k] for k in ("tag", "release", "labels"))
    return changed or not exists(old["tag"], old["image_id"])


def update(_old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Make it anew."""
    return _made(new)


def _made(props: dict[str, Any]) -> dict[str, Any]:
    """What the engine has under the tag, from whatever environment; else a new one."""
    from docker.errors import ImageNotFound

    from horcrux.docker_api import machine

    with machine() as engine:
        try:
            there = engine.images.get(props["tag"])
        except ImageNotFound:
            pass
        else:
            return {**props, "image_id": there.id, "origin": "engine"}
        source = PULLED if _pull(engine) else None
        if source is None:
            _bootstrap(engine, props["tag"], props["labels"])
        else:
            _install_certificates(engine, source, props["tag"], props["labels"])
        image = engine.images.get(props["tag"])
        return {**props, "image_id": image.id, "origin": source or "mmdebstrap"}


def _pull(engine: Any) -> bool:
    import socket

    from docker.errors import APIError

    try:
        socket.create_connection(REGISTRY, REACH_SECONDS).close()
        engine.images.pull(PULLED)
    except (OSError, APIError):
        return False
    return True


def _install_certificates(engine: Any, source: str, tag: str, labels: dict[str, str]) -> None:
    """Debian's own slim image lacks the certificates that clients of anything need."""
    import io

    install = "apt-get update -q && apt-get install -yq --no-install-recommends ca-certificates"
    dockerfile = f"FROM {source}\nRUN {install} && rm -rf /var/lib/apt/lists/*\n"
    engine.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=tag, labels=labels, rm=True)


def _bootstrap(engine: Any, tag: str, labels: dict[str, str]) -> None:
    import shutil
    import subprocess
    import tempfile
    from pathlib import Path

    if not shutil.which("mmdebstrap"):
        raise RuntimeError(
            f"{PULLED} cannot be pulled and there is no mmdebstrap to make it: "
            "run `make setup`, or install mmdebstrap"
        )
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "base.tar")
        done = subprocess.run(
            mmdebstrap_command(archive),
            capture_output=True,
            text=True,
            timeout=MMDEBSTRAP_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"mmdebstrap failed:\n{done.stderr.strip()[-2000:]}")
        changes = [f"LABEL {key}={value}" for key, value in labels.items()]
        repository, _, version = tag.partition(":")
        engine.api.import_image_from_file(str(archive), repository, version, changes=changes)


def mmdebstrap_command(archive: Any) -> list[str]:
    """The command that makes the image's file system: a value, so that it can be read and tested."""
    excludes = [f"--dpkgopt=path-exclude=/usr/share/{kind}/*" for kind in TRIMMED]
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        "--include=ca-certificates",
        "--skip=output/dev",  # builders without the right to make devices refuse them
        '--aptopt=Dir::Cache::pkgcache ""',
        '--aptopt=Dir::Cache::srcpkgcache ""',
        *excludes,
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        RELEASE,
        str(archive),
        *(f"deb {url} {suite} main" for url, suite in SUITES),
    ]
