"""What the OCI image and distribution specifications say: digests, manifests, errors. Pure."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

DIGEST = re.compile(r"sha256:[a-f0-9]{64}")
REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
# The tags of what is about the image with this digest: cosign's signatures, attestations and SBOMs, and the
# list of referrers that the specification has for registries without that API.
ABOUT = re.compile(r"sha256-([a-f0-9]{64})(\.(sig|att|sbom))?")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
IMAGE_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (*IMAGE_TYPES, *INDEX_TYPES)
LARGEST_MANIFEST = 4 << 20  # bytes; the specification asks registries for at least that much


class ManifestError(ValueError):
    """What was given for a manifest is none."""


@dataclass(frozen=True)
class Reference:
    """Something that a manifest names by its digest; `size` in bytes."""

    digest: str
    size: int
    kind: Literal["manifest", "blob"]


@dataclass(frozen=True)
class Manifest:
    """A manifest as it was sent, with what it says of itself; `subject`: the digest of what it is about."""

    data: bytes
    media_type: str
    references: tuple[Reference, ...]
    subject: str | None = None

    @property
    def digest(self) -> str:
        """What it is known by."""
        return digest_of(self.data)


def is_digest(text: str) -> bool:
    """Whether a reference is a digest; otherwise it is a tag."""
    return DIGEST.fullmatch(text) is not None


def digest_of(data: bytes) -> str:
    """The digest of content."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def manifest(data: bytes, content_type: str = "") -> Manifest:
    """Read a manifest. Raises ManifestError for anything else, such as a proxy's HTML page."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"it is not JSON but begins with {data[:40]!r}") from error
    if not isinstance(content, dict) or content.get("schemaVersion") != 2:
        raise ManifestError("it is JSON, but no manifest of schema version 2")
    told = str(content.get("mediaType") or content_type.partition(";")[0].strip())
    children, layers = content.get("manifests"), content.get("layers")
    if told not in MANIFEST_TYPES:
        told = INDEX_TYPES[0] if isinstance(children, list) else IMAGE_TYPES[0]
    try:
        if isinstance(children, list):
            found = [_reference(item, "manifest") for item in children]
        elif isinstance(layers, list):
            own = [item for item in layers if not item.get("urls")]
            found = [_reference(item, "blob") for item in (content["config"], *own)]
        else:
            raise ManifestError("it names neither layers nor other manifests")
    except (KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"a part of it is described badly ({error!r})") from error
    subject = content.get("subject")
    about = subject.get("digest") if isinstance(subject, dict) else None
    return Manifest(data, told, tuple(found), about if is_digest(str(about)) else None)


def _reference(item: dict[str, Any], kind: Literal["manifest", "blob"]) -> Reference:
    digest = str(item["digest"])
    if not is_digest(digest):
        raise ManifestError(f"{digest[:80]!r} is not a digest of SHA-256")
    if not isinstance(item["size"], int):
        raise ManifestError(f"{digest} has the size {item['size']!r}")
    return Reference(digest, item["size"], kind)


def error(code: str, message: str) -> dict[str, Any]:
    """An error in the distribution specification's words; `code` is one of its own."""
    return {"errors": [{"code": code, "message": message, "detail": None}]}
