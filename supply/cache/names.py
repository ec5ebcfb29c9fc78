"""What a request asks for: the distribution API's paths, the upstream as the name's first part. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from supply.oci import DIGEST, REPOSITORY, TAG

HUB = "docker.io"
Kind = Literal["manifests", "blobs", "tags"]


@dataclass(frozen=True)
class Name:
    """A repository of an upstream."""

    upstream: str
    repository: str

    def __str__(self) -> str:
        return f"{self.upstream}/{self.repository}"


@dataclass(frozen=True)
class Wanted:
    """What a client asks for; `reference` is a tag, a digest, or `list`."""

    kind: Kind
    name: Name
    reference: str

    @property
    def path(self) -> str:
        """Where a peer is asked for the same."""
        return f"/v2/{self.name}/{self.kind}/{self.reference}"


def parse(path: str, namespace: str | None, upstreams: Collection[str]) -> Wanted | None:
    """A path below /v2/; None where it asks for nothing that a registry has.

    `namespace`: the query's `ns`, which containerd sends to mirrors. Without either the image is
    docker.io's: that is what Docker's engine asks a mirror for.
    """
    full, _, reference = path.removeprefix("/v2/").rpartition("/")
    name, _, kind = full.rpartition("/")
    head, _, rest = name.partition("/")
    if namespace in upstreams:
        found = Name(str(namespace), name)
    elif head in upstreams:
        found = Name(head, rest)
    elif HUB in upstreams:
        found = Name(HUB, name)
    else:
        return None
    if not REPOSITORY.fullmatch(found.repository):
        return None
    if kind == "manifests" and (DIGEST.fullmatch(reference) or TAG.fullmatch(reference)):
        return Wanted("manifests", found, reference)
    if kind == "blobs" and DIGEST.fullmatch(reference):
        return Wanted("blobs", found, reference)
    if kind == "tags" and reference == "list":
        return Wanted("tags", found, reference)
    return None
