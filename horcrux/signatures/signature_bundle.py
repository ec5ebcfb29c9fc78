"""Where cosign 3 keeps an image's signatures: each in a bundle, named in the list of the image's referrers.

Pure; after https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md and, for the list, the OCI
distribution specification (Referrers Tag Schema). Nothing of it is believed, as in `signature_manifest`.
"""

import base64
import json
from typing import Any

from horcrux.images.content import OCI_INDEX, Content
from horcrux.signatures.signature_manifest import PAYLOAD_BYTES, value_of
from horcrux.signatures.signing import IN_TOTO, SIGNED, Signature, enveloped
from supply import oci

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PREDICATE = "dev.sigstore.bundle.predicateType"


def tag(digest: str) -> str:
    """The tag of the list of what refers to this image."""
    return digest.replace(":", "-")


def referrers(found: Content) -> list[str] | None:
    """Digests of the manifests of bundles; None where it is no list of referrers."""
    told = _json(found.data) if found.kind == OCI_INDEX else None
    listed = told.get("manifests") if isinstance(told, dict) else None
    if not isinstance(listed, list):
        return None
    bundles = [one for one in listed if isinstance(one, dict) and one.get("artifactType") == BUNDLE]
    return [one["digest"] for one in bundles if _is_digest(one.get("digest"))]


def content_of(manifest: bytes) -> str | None:
    """The digest of a bundle, from its manifest; None where it says to be about something else.

    Raises ValueError, with what is wrong with it.
    """
    told = _json(manifest)
    if not isinstance(told, dict):
        raise ValueError("has no manifest")
    notes = told.get("annotations")
    if isinstance(notes, dict) and notes.get(PREDICATE, SIGNED) != SIGNED:
        return None
    listed = told.get("layers")
    layer = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    if not isinstance(layer, dict) or layer.get("mediaType") != BUNDLE:
        raise ValueError(f"is not of the type {BUNDLE}")
    digest, size = layer.get("digest"), layer.get("size")
    if not _is_digest(digest) or not isinstance(size, int) or size > PAYLOAD_BYTES:
        raise ValueError(f"names no content by its SHA-256, or some above {PAYLOAD_BYTES} bytes")
    return str(digest)


def signature(bundle: bytes) -> Signature:
    """The signature in a bundle. Raises ValueError, with what is wrong with it."""
    told = _json(bundle)
    envelope = told.get("dsseEnvelope") if isinstance(told, dict) else None
    if not isinstance(envelope, dict) or envelope.get("payloadType") != IN_TOTO:
        raise ValueError("has no in-toto statement in an envelope")
    listed, payload = envelope.get("signatures"), envelope.get("payload")
    one = listed[0] if isinstance(listed, list) and len(listed) == 1 else None
    value = value_of(one.get("sig")) if isinstance(one, dict) else None
    if value is None or not isinstance(payload, str):
        raise ValueError("has not one signature, or a longer one than keys make")
    try:
        return Signature(enveloped(base64.b64decode(payload, validate=True)), value)
    except ValueError:
        raise ValueError("has something else than Base64 in its envelope") from None


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and oci.is_digest(value)


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
