"""Images for tests, as registries have them: small, whole, and made here."""

import gzip
import hashlib
import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.support.file_trees import Files, packed

ZSTD_BLOCK = 128 << 10  # bytes, the most


def digest_of(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


class Types(NamedTuple):
    """What the parts of an image say that they are."""

    manifest: str
    listing: str
    config: str
    layer: str


OCI = Types(
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.oci.image.layer.v1.tar",
)
DOCKER = Types(
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.container.image.v1+json",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
)


@dataclass
class Image:
    """An image as a registry has it: its manifests by reference, its blobs by digest."""

    digest: str
    manifests: dict[str, tuple[bytes, str]]
    blobs: dict[str, bytes]

    @property
    def size(self) -> int:
        """Bytes that a client without any of it pulls."""
        return sum(map(len, self.blobs.values())) + sum(len(d) for d, _ in self.manifests.values())


def image(
    *sizes: int, seed: int = 0, index: bool = False, zstd: bool = False, docker: bool = False
) -> Image:
    """An image with a layer of about each of the sizes, which cannot be compressed; engines can pull it.

    `zstd`: its layers are zstd's, not gzip's; `docker`: its manifests are of Docker's schema 2, as from
    before OCI; `index`: it is behind an index, or behind a manifest list of Docker's.
    """
    chance = random.Random(seed)
    layers = [{f"file-{n}": chance.randbytes(size)} for n, size in enumerate(sizes)]
    found = image_of(layers, zstd=zstd, docker=docker)
    return index_of({"amd64": found}, docker=docker) if index else found


def image_of(layers: Iterable[Files], *, zstd: bool = False, docker: bool = False) -> Image:
    """An image of these files, as `image` has it."""
    types, kind = (DOCKER, "") if docker else (OCI, "+zstd" if zstd else "+gzip")
    plain = [packed(files) for files in layers]
    sent = [_zstd(each) if zstd else gzip.compress(each, 1, mtime=0) for each in plain]
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Cmd": ["/file-0"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(each) for each in plain]},
        }
    ).encode()
    manifest = _manifest(
        types.manifest,
        config=_described(config, types.config),
        layers=[_described(each, types.layer + kind) for each in sent],
    )
    digest = digest_of(manifest[0])
    return Image(digest, {digest: manifest}, {digest_of(b): b for b in (*sent, config)})


def index_of(images: Mapping[str, Image], *, docker: bool = False) -> Image:
    """One name for images of several architectures."""
    children = [
        {
            **_described(*found.manifests[found.digest]),
            "platform": {"architecture": architecture, "os": "linux"},
        }
        for architecture, found in images.items()
    ]
    manifest = _manifest((DOCKER if docker else OCI).listing, manifests=children)
    digest = digest_of(manifest[0])
    manifests = {digest: manifest}
    blobs: dict[str, bytes] = {}
    for found in images.values():
        manifests |= found.manifests
        blobs |= found.blobs
    return Image(digest, manifests, blobs)


def _zstd(data: bytes) -> bytes:
    """A frame of zstd (RFC 8878, 3.1.1) whose blocks are stored as they are."""
    blocks = [data[at : at + ZSTD_BLOCK] for at in range(0, len(data), ZSTD_BLOCK)]
    framed = b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little")
    for number, block in enumerate(blocks):
        header = len(block) << 3 | (number == len(blocks) - 1)
        framed += header.to_bytes(3, "little") + block
    return framed


def _described(data: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _manifest(media_type: str, **parts: Any) -> tuple[bytes, str]:
    return json.dumps({"schemaVersion": 2, "mediaType": media_type, **parts}).encode(), media_type
