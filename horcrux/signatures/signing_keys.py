"""Keys that images are signed with: read from PEM, sign, verify, and be told apart. Pure.

Private keys come as PKCS#8 (plain or encrypted), or as cosign writes them. Keys are of the kind that cosign
makes, or RSA; with other curves and Ed25519, versions of cosign differ in what they hash. Where a key never
leaves its hardware or its service, cosign signs; its public key is as good as any here.
"""

import base64
import binascii
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
KINDS = "ECDSA on P-256, as cosign makes them, and RSA of 2048 to 4096 bits"
RSA_BITS = range(2048, 4097)  # as sigstore has it (protobuf-specs, PublicKeyDetails); less is weak
# As github.com/sigstore/cosign/v2/pkg/cosign/keys.go names them: the second since 2.0.
COSIGN = ("ENCRYPTED COSIGN PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY")
SCRYPT_BYTES = 512 << 20  # cosign's keys take 64 MiB; a file that asks for more is no key
SCRYPT_TURNS = 16  # cosign's take 1


class PassphraseError(ValueError):
    """The key is encrypted, and the passphrase is missing or wrong."""


def public(pem: str) -> PublicKey:
    """A public key (PEM, SubjectPublicKeyInfo). Raises ValueError."""
    try:
        found = serialization.load_pem_public_key(pem.encode())
    except Exception:  # there is a class for each of many things that are no public key
        found = None
    if found is None:
        raise ValueError("is not a public key in PEM (BEGIN PUBLIC KEY), as cosign.pub is")
    if isinstance(found, PublicKey) and _is_taken(found):
        return found
    raise ValueError(f"is a key of a kind that is not taken; taken are: {KINDS}")


def private(pem: bytes, passphrase: str | None) -> PrivateKey:
    """A private key. Raises PassphraseError, and ValueError for what is none."""
    if any(f"BEGIN {kind}-".encode() in pem for kind in COSIGN):
        found = _of_der(_opened(pem, passphrase))
    else:
        found = _of_pem(pem, passphrase)
    if isinstance(found, PrivateKey) and _is_taken(found.public_key()):
        return found
    raise ValueError(f"is a key of a kind that is not taken; taken are: {KINDS}")


def fingerprint(key: PublicKey) -> str:
    """What a key is called in messages: the SHA-256 of its DER (SubjectPublicKeyInfo), in hex."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def sign(key: PrivateKey, payload: bytes) -> bytes:
    """The signature, as cosign makes it with a key of this kind."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(payload, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(payload, ec.ECDSA(hashes.SHA256()))


def verifies(key: PublicKey, payload: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's over the payload."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, payload, padding.PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, payload, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _is_taken(key: PublicKey) -> bool:
    if isinstance(key, rsa.RSAPublicKey):
        return key.key_size in RSA_BITS
    return isinstance(key.curve, ec.SECP256R1)


def _of_pem(pem: bytes, passphrase: str | None) -> object:
    try:
        return serialization.load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except TypeError as error:
        if passphrase and "not encrypted" in str(error):
            return serialization.load_pem_private_key(pem, None)
        raise PassphraseError("is encrypted, and there is no passphrase") from None
    except Exception:  # the same one for a wrong passphrase and for what is no key
        if passphrase and b"BEGIN ENCRYPTED PRIVATE KEY-" in pem:
            raise PassphraseError("does not open with this passphrase") from None
        raise ValueError(
            "is no private key in PEM (BEGIN PRIVATE KEY), nor one of cosign's"
        ) from None


def _of_der(der: bytes) -> object:
    try:
        return serialization.load_der_private_key(der, None)
    except Exception:
        raise ValueError("is a file of cosign's with something else than a private key") from None


def _opened(pem: bytes, passphrase: str | None) -> bytes:
    """What is in cosign's key file (PKCS#8, DER).

    The format is that of github.com/secure-systems-lab/go-securesystemslib/encrypted: a JSON with scrypt's
    parameters, and a secret box of NaCl. An empty passphrase is one, too: cosign takes it.
    """
    if passphrase is None:
        raise PassphraseError("is encrypted, and there is no passphrase")
    try:
        told: Any = json.loads(base64.b64decode(b"".join(pem.strip().splitlines()[1:-1])))
        kdf, cipher = told["kdf"], told["cipher"]
        if (kdf["name"], cipher["name"]) != ("scrypt", "nacl/secretbox"):
            raise ValueError
        n, r, p = (int(kdf["params"][name]) for name in "Nrp")
        if 128 * n * r > SCRYPT_BYTES or not 0 < p <= SCRYPT_TURNS:
            raise ValueError
        box = Scrypt(base64.b64decode(kdf["salt"]), SecretBox.KEY_SIZE, n, r, p)
        key = box.derive(passphrase.encode())
        nonce, text = (base64.b64decode(part) for part in (cipher["nonce"], told["ciphertext"]))
    except (ValueError, TypeError, LookupError, OverflowError, binascii.Error):
        raise ValueError("begins as a private key of cosign's, and goes on otherwise") from None
    try:
        return SecretBox(key).decrypt(text, nonce)
    except (CryptoError, ValueError):
        raise PassphraseError("does not open with this passphrase") from None
