"""Signatures and keys: what cosign made is taken, and what proves nothing is not."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as some

from horcrux.signatures.signing import TYPE, Found, Signature, names, proven, signed
from horcrux.signatures.signing_keys import (
    PassphraseError,
    fingerprint,
    private,
    public,
    sign,
    verifies,
)
from tests.support.signed import (
    DIGEST,
    OTHER,
    RECORDED,
    key,
    private_pem,
    public_pem,
    signature,
)

COSIGN_KEY = RECORDED["cosign.key"].encode()
PASSPHRASE = RECORDED["passphrase"]
LAYERS = json.loads(RECORDED["manifest"])["layers"]
MADE = [
    Signature(
        payload.encode(),
        base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]),
    )
    for payload, layer in zip(RECORDED["payloads"], LAYERS, strict=True)
]


@pytest.mark.parametrize(("file", "number"), [("cosign.pub", 0), ("rsa.pub", 1)])
def test_what_cosign_signed_is_proven_by_its_public_key(file: str, number: int) -> None:
    by = public(RECORDED[file])
    assert verifies(by, MADE[number].payload, MADE[number].value)
    found = proven(MADE, RECORDED["digest"], [by])
    assert (found.signers, found.elsewhere, found.strangers) == ((fingerprint(by),), (), 1)


def test_a_payload_is_written_as_cosign_writes_it() -> None:
    name = json.loads(RECORDED["payloads"][1])["critical"]["identity"]["docker-reference"]
    made = signed(key(), name, RECORDED["digest"])
    assert made.payload.decode() == RECORDED["payloads"][1]


def test_cosign_s_private_key_opens_and_is_the_one_of_its_public_key() -> None:
    opened = private(COSIGN_KEY, PASSPHRASE)
    assert public_pem(opened) == RECORDED["cosign.pub"]


@pytest.mark.parametrize("passphrase", [None, "", "another"])
def test_cosign_s_private_key_opens_with_its_passphrase_alone(passphrase: str | None) -> None:
    with pytest.raises(PassphraseError):
        private(COSIGN_KEY, passphrase)


def rewritten(**changed: object) -> bytes:
    """Cosign's key file with something changed in its JSON."""
    first, *middle, last = RECORDED["cosign.key"].strip().splitlines()
    told = json.loads(base64.b64decode("".join(middle))) | changed
    return "\n".join([first, base64.b64encode(json.dumps(told).encode()).decode(), last]).encode()


@pytest.mark.parametrize(
    "pem",
    [
        rewritten(kdf={"name": "scrypt", "params": {"N": 2**40, "r": 8, "p": 1}, "salt": "AAAA"}),
        rewritten(kdf={"name": "scrypt", "params": {"N": 3, "r": 8, "p": 1}, "salt": "AAAA"}),
        rewritten(kdf={"name": "scrypt", "params": {"N": 2, "r": 8, "p": 10**9}, "salt": "AAAA"}),
        rewritten(kdf={"name": "argon2"}),
        rewritten(kdf=[]),
        rewritten(cipher={"name": "nacl/box", "nonce": ""}),
        rewritten(ciphertext=7),
        b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----",
        b"-----BEGIN ENCRYPTED COSIGN PRIVATE KEY-----\n!!\n-----END-----",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        RECORDED["cosign.pub"].encode(),
        b"\xff\x00",
        b"",
    ],
)
def test_what_is_no_key_is_an_error_and_takes_neither_time_nor_memory(pem: bytes) -> None:
    with pytest.raises(ValueError, match="private key") as error:
        private(pem, PASSPHRASE)
    assert not isinstance(error.value, PassphraseError)


@pytest.mark.parametrize("changed", [{"ciphertext": "AAAA"}, {"ciphertext": ""}])
def test_a_damaged_box_does_not_open(changed: dict[str, object]) -> None:
    with pytest.raises(PassphraseError):
        private(rewritten(**changed), PASSPHRASE)


def test_a_plain_key_needs_no_passphrase_and_an_encrypted_one_its_own() -> None:
    wanted = public_pem(key())
    assert public_pem(private(private_pem(key()), None)) == wanted
    assert public_pem(private(private_pem(key()), "of another key")) == wanted
    encrypted = private_pem(key(), "right")
    assert public_pem(private(encrypted, "right")) == wanted
    for wrong in (None, "", "wrong"):
        with pytest.raises(PassphraseError):
            private(encrypted, wrong)


@pytest.mark.parametrize(
    "other",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),
        dsa.generate_private_key(1024),
    ],
    ids=["ed25519", "p-384", "secp256k1", "rsa-1024", "dsa"],
)
def test_keys_of_other_kinds_are_not_taken(other: Any) -> None:
    with pytest.raises(ValueError, match="kind that is not taken; taken are: ECDSA on P-256"):
        public(public_pem(other))
    with pytest.raises(ValueError, match="kind that is not taken"):
        private(private_pem(other), None)


@pytest.mark.parametrize("pem", ["", "no key", "-----BEGIN PUBLIC KEY-----", "\ud800"])
def test_what_is_no_public_key_is_an_error(pem: str) -> None:
    with pytest.raises(ValueError, match="not a public key in PEM"):
        public(pem)


@pytest.mark.parametrize("by", [key(), rsa.generate_private_key(65537, 2048)], ids=["p-256", "rsa"])
def test_a_signature_is_of_one_key_over_one_payload(by: Any) -> None:
    made = sign(by, b"payload")
    assert verifies(by.public_key(), b"payload", made)
    assert not verifies(by.public_key(), b"Payload", made)
    assert not verifies(by.public_key(), b"payload", made[:-1])
    assert not verifies(key(7).public_key(), b"payload", made)


def test_only_what_names_this_image_counts_for_it() -> None:
    by = key().public_key()
    found = proven([signature(digest=OTHER)], DIGEST, [by])
    assert found == Found(elsewhere=(OTHER,))
    both = proven([signature(digest=OTHER), signature()], DIGEST, [by])
    assert both.signers == (fingerprint(by),)


def test_one_key_of_several_is_enough_and_all_that_signed_are_named() -> None:
    keys = [key(n).public_key() for n in range(3)]
    found = proven([signature(2), signature(0), signature(2)], DIGEST, keys)
    assert found.signers == (fingerprint(keys[2]), fingerprint(keys[0]))
    assert proven([signature(9)], DIGEST, keys) == Found(strangers=1)
    assert proven([signature(0)], DIGEST, []) == Found(strangers=1)


@pytest.mark.parametrize(
    "payload",
    [
        {"critical": {"image": {"docker-manifest-digest": DIGEST}, "type": "something else"}},
        {"critical": {"image": {"docker-manifest-digest": DIGEST}}},
        {"critical": {"image": DIGEST, "type": TYPE}},
        {"critical": {"image": {"docker-manifest-digest": [DIGEST]}, "type": TYPE}},
        {"critical": None},
        [],
        None,
        "critical",
    ],
)
def test_a_payload_of_another_kind_is_about_no_image_even_when_it_is_signed(
    payload: object,
) -> None:
    data = json.dumps(payload).encode()
    found = proven([Signature(data, sign(key(), data))], DIGEST, [key().public_key()])
    assert found == Found(elsewhere=("no image at all",))


@given(some.binary() | some.just(b"[" * 100_000))
def test_no_payload_is_more_than_a_name_or_none(payload: bytes) -> None:
    assert names(payload) is None


@given(some.binary(max_size=200))
def test_bytes_that_nobody_signed_are_no_signature(value: bytes) -> None:
    assert proven([Signature(signature().payload, value)], DIGEST, [key().public_key()]) == Found(
        strangers=1
    )


def test_a_fingerprint_is_the_one_that_openssl_and_sha256sum_tell() -> None:
    # openssl pkey -pubin -in cosign.pub -outform DER | sha256sum
    told = "04e40cdc94d332594c1ee2cb236e4ce049822c5145477113b0de04f140985ec9"
    assert fingerprint(public(RECORDED["cosign.pub"])) == told
