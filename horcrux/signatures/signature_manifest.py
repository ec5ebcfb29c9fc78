"""Where cosign keeps an image's signatures: a manifest with a layer for each, under a tag made of the digest.

Pure; after https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md. Whoever may push to a
repository may put anything there, so nothing of it is believed, and there are limits.
"""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from horcrux.exits import HorcruxError
from horcrux.images.content import OCI_MANIFEST, Content
from horcrux.signatures.signing import Signature
from supply import oci

LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"
CONFIG = "application/vnd.oci.image.config.v1+json"
# An entry takes 500 bytes, and one with a certificate and a log's receipt some 10 KB; nobody signs an image
# 64 times. The limits bound what a check reads and how often it asks.
ENTRIES = 64
MANIFEST_BYTES = 1 << 20
PAYLOAD_BYTES = 64 << 10  # it has 250 bytes, and the signer's annotations
VALUE_LETTERS = 684  # the Base64 of the longest that is taken: RSA of 4096 bits

Layers = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Entry:
    """A signature as the manifest has it: its payload's digest, and its bytes."""

    payload: str
    value: bytes


def tag(digest: str) -> str:
    """The tag of the signatures of the image with this digest. Raises HorcruxError."""
    if not oci.is_digest(digest):
        raise HorcruxError(f"{digest!r} is not the digest of an image: sha256:, and 64 digits")
    return f"{digest.replace(':', '-')}.sig"


def layers(found: Content, where: str) -> list[Any]:
    """What the manifest lists. Raises HorcruxError for one that is none of signatures; `where` it is."""
    try:
        told = json.loads(found.data) if found.kind == OCI_MANIFEST else None
        listed = told["layers"] if isinstance(told, dict) else None
    except (ValueError, LookupError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise HorcruxError(
            f"{where} is not a manifest of signatures (but {found.kind[:80] or 'of no type'!r}), so nothing "
            "proves who made the image; remove this tag and sign the image again"
        )
    if len(listed) > ENTRIES:
        raise HorcruxError(
            f"{where} has {len(listed)} entries, and no more than {ENTRIES} are looked at; remove this tag "
            "and sign the image again"
        )
    return listed


def value_of(text: object) -> bytes | None:
    """A signature's bytes from its Base64; None where it is none, or longer than any."""
    if not isinstance(text, str) or len(text) > VALUE_LETTERS:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def entry(layer: Any) -> Entry:
    """A signature of the manifest. Raises ValueError, with why it is none."""
    if not isinstance(layer, dict) or layer.get("mediaType") != LAYER:
        raise ValueError(f"is not of the type {LAYER}")
    payload, size, notes = (layer.get(key) for key in ("digest", "size", "annotations"))
    if not isinstance(payload, str) or not oci.is_digest(payload):
        raise ValueError("names no payload by its SHA-256")
    if not isinstance(size, int) or size > PAYLOAD_BYTES:
        raise ValueError(f"has a payload above {PAYLOAD_BYTES} bytes")
    value = value_of(notes.get(ANNOTATION)) if isinstance(notes, dict) else None
    if value is None:
        raise ValueError(f"has no signature in {ANNOTATION}, or a longer one than keys make")
    return Entry(payload, value)


def layer_of(signature: Signature) -> dict[str, Any]:
    """How the manifest lists a signature."""
    value = base64.b64encode(signature.value).decode()
    payload = Content(signature.payload, LAYER)
    return _described(payload) | {"annotations": {ANNOTATION: value}}


def config_of(listed: Layers) -> Content:
    """The configuration that clients of images want of any image: the layers lie unpacked."""
    told = {
        "architecture": "",
        "config": {},
        "created": "0001-01-01T00:00:00Z",  # Go's time of nothing, as cosign writes it
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in listed]},
    }
    return Content(json.dumps(told, separators=(",", ":")).encode(), CONFIG)


def manifest_of(listed: Layers) -> Content:
    """The manifest with these layers."""
    told = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _described(config_of(listed)),
        "layers": list(listed),
    }
    return Content(json.dumps(told, separators=(",", ":")).encode(), OCI_MANIFEST)


def _described(content: Content) -> dict[str, Any]:
    return {"mediaType": content.kind, "size": len(content.data), "digest": content.digest}
