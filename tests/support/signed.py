"""Signatures for tests: what cosign itself made, and keys and manifests that are made here."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from horcrux.images.content import OCI_INDEX, OCI_MANIFEST
from horcrux.signatures.signature_bundle import BUNDLE
from horcrux.signatures.signature_manifest import config_of, layer_of, manifest_of
from horcrux.signatures.signing import IN_TOTO, SIGNED, STATEMENT, Signature, enveloped, signed
from horcrux.signatures.signing_keys import sign
from tests.support.image import Image, digest_of

FOLDER = Path(__file__).parents[1] / "unit" / "recorded"
RECORDED: dict[str, Any] = json.loads((FOLDER / "cosign.json").read_text())
BUNDLES: dict[str, Any] = json.loads((FOLDER / "cosign_bundles.json").read_text())
DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(10)]


def key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """A key of cosign's kind; each number has its own."""
    return KEYS[number]


def public_pem(private: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    made: bytes = private.public_key().public_bytes(serialization.Encoding.PEM, form)
    return made.decode()


def private_pem(private: Any, passphrase: str | None = None) -> bytes:
    how: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        how = serialization.BestAvailableEncryption(passphrase.encode())
    form = serialization.PrivateFormat.PKCS8
    made: bytes = private.private_bytes(serialization.Encoding.PEM, form, how)
    return made


def signature(number: int = 0, digest: str = DIGEST) -> Signature:
    return signed(key(number), "registry.test/shop", digest)


def kept(*signatures: Signature) -> Image:
    """A manifest with these signatures, and its blobs."""
    return listing([layer_of(each) for each in signatures], *(each.payload for each in signatures))


def listing(layers: Sequence[Any], *blobs: bytes, kind: str = OCI_MANIFEST) -> Image:
    """A manifest with just these layers, whatever they are."""
    right = [layer for layer in layers if isinstance(layer, dict) and "digest" in layer]
    told = json.loads(manifest_of(right).data) | {"layers": list(layers), "mediaType": kind}
    return of(json.dumps(told).encode(), config_of(right).data, *blobs, kind=kind)


def of(manifest: bytes, *blobs: bytes, kind: str = OCI_MANIFEST) -> Image:
    """What is to lie under a tag, as it is."""
    digest = digest_of(manifest)
    return Image(digest, {digest: (manifest, kind)}, {digest_of(blob): blob for blob in blobs})


def of_cosign() -> Image:
    """The signatures that cosign made, byte by byte."""
    blobs = [RECORDED["config"], *RECORDED["payloads"]]
    return of(RECORDED["manifest"].encode(), *(blob.encode() for blob in blobs))


def of_cosign_3(what: str) -> Image:
    """What cosign 3 made: the image that it `signed`, or the one that it `attested` something of."""
    told = BUNDLES[what]
    manifests = [told["index"], *told["manifests"]]
    kinds = [OCI_INDEX, *(OCI_MANIFEST for _ in told["manifests"])]
    data = [manifest.encode() for manifest in manifests]
    blobs = [b"{}", *(bundle.encode() for bundle in told["bundles"])]
    return Image(
        digest_of(data[0]),
        {digest_of(each): (each, kind) for each, kind in zip(data, kinds, strict=True)},
        {digest_of(blob): blob for blob in blobs},
    )


def statement(digest: str = DIGEST, **changed: Any) -> dict[str, Any]:
    """What cosign 3 states of an image that it signs."""
    subject = [{"digest": {"sha256": digest.partition(":")[2]}, "annotations": {}}]
    return {
        "_type": STATEMENT,
        "subject": subject,
        "predicateType": SIGNED,
        "predicate": {},
    } | changed


def bundle(stated: Any, number: int = 0, **changed: Any) -> dict[str, Any]:
    """A bundle with this statement, signed; `changed`: what is otherwise in its envelope."""
    data = json.dumps(stated).encode()
    value = sign(key(number), enveloped(data))
    envelope = {
        "payload": base64.b64encode(data).decode(),
        "payloadType": IN_TOTO,
        "signatures": [{"sig": base64.b64encode(value).decode()}],
    }
    return {"mediaType": BUNDLE, "dsseEnvelope": envelope | changed}


def referring(*bundles: Any, **changed: Any) -> Image:
    """A list of referrers with these bundles; `changed`: what is otherwise in their manifests."""
    blobs = [json.dumps(each).encode() for each in bundles]
    made = [
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": BUNDLE, "layers": [
            {"mediaType": BUNDLE, "digest": digest_of(blob), "size": len(blob)}
        ]} | changed
        for blob in blobs
    ]  # fmt: skip
    manifests = [json.dumps(each).encode() for each in made]
    return index(
        [{"artifactType": BUNDLE, "digest": digest_of(each)} for each in manifests],
        manifests,
        blobs,
    )


def index(listed: Any, manifests: Sequence[bytes] = (), blobs: Sequence[bytes] = ()) -> Image:
    """A list of referrers, whatever it is."""
    data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}).encode()
    known = {digest_of(each): (each, OCI_MANIFEST) for each in manifests}
    all_ = known | {digest_of(data): (data, OCI_INDEX)}
    return Image(digest_of(data), all_, {digest_of(blob): blob for blob in blobs})
