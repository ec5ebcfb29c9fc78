"""A signature of an image as cosign makes it with a key: what is signed, and what it proves. Pure.

What is signed names the image's digest: a simple-signing payload, see
https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md, or since cosign 3 an in-toto statement
in an envelope, see https://github.com/secure-systems-lab/dsse. The name in a payload is what the signer
called the image then; like cosign, nothing here relies on it, so that an image may be copied with its
signatures.
Certificates and transparency logs (keyless signatures) prove nothing here: a signature counts by its key.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from horcrux.signatures.signing_keys import PrivateKey, PublicKey, fingerprint, sign, verifies

TYPE = "cosign container image signature"
STATEMENT = "https://in-toto.io/Statement/v1"
# That an image was signed. What else people state of an image (an SBOM, how it was built) is no signature.
SIGNED = "https://sigstore.dev/cosign/sign/v1"
IN_TOTO = "application/vnd.in-toto+json"
ENVELOPE = b"DSSEv1 %d %s " % (len(IN_TOTO), IN_TOTO.encode())  # no JSON begins so


@dataclass(frozen=True)
class Signature:
    """A payload, and the signature over just these bytes."""

    payload: bytes
    value: bytes


@dataclass(frozen=True)
class Found:
    """What signatures prove of an image.

    `signers`: fingerprints of the keys that signed it; `elsewhere`: what the same keys signed under this
    image's name, and what is of another image; `strangers`: how many signatures are by none of the keys.
    """

    signers: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()
    strangers: int = 0


def signed(key: PrivateKey, name: str, digest: str) -> Signature:
    """A new signature; `name` as in `registry.example/shop`, without a version."""
    payload = {
        "critical": {
            "identity": {"docker-reference": name},
            "image": {"docker-manifest-digest": digest},
            "type": TYPE,
        },
        "optional": None,
    }
    data = json.dumps(payload, separators=(",", ":")).encode()
    return Signature(data, sign(key, data))


def proven(signatures: Iterable[Signature], digest: str, keys: Sequence[PublicKey]) -> Found:
    """What these signatures prove of the image with this digest, to who trusts these keys."""
    signers: dict[str, None] = {}
    elsewhere: dict[str, None] = {}
    strangers = 0
    for signature in signatures:
        by = [key for key in keys if verifies(key, signature.payload, signature.value)]
        strangers += not by
        named = names(signature.payload) if by else None
        if named == digest:
            signers |= dict.fromkeys(map(fingerprint, by))
        elif by:
            elsewhere[named or "no image at all"] = None
    return Found(tuple(signers), tuple(elsewhere), strangers)


def enveloped(statement: bytes) -> bytes:
    """What is signed of an in-toto statement (DSSE's pre-authentication encoding)."""
    return b"%s%d %s" % (ENVELOPE, len(statement), statement)


def names(payload: bytes) -> str | None:
    """The digest of the image that a payload is about; None where it is about none."""
    try:
        if payload.startswith(ENVELOPE):
            return _of_statement(json.loads(payload.removeprefix(ENVELOPE).partition(b" ")[2]))
        critical: Any = json.loads(payload)["critical"]
        found = critical["image"]["docker-manifest-digest"] if critical["type"] == TYPE else None
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) else None


def _of_statement(told: Any) -> str | None:
    if (told["_type"], told["predicateType"]) != (STATEMENT, SIGNED):
        return None
    (subject,) = told["subject"]
    return f"sha256:{subject['digest']['sha256']}"
