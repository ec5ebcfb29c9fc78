"""The gate's tokens, and the keys that they are signed with."""

import base64
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from supply.registry.keys import OVERLAP_SECONDS, ROTATE_SECONDS, Keys
from supply.registry.tokens import SECONDS, Tokens

PULL = [{"type": "repository", "name": "web", "actions": ["pull"]}]


class Clock:
    """A clock that a test moves."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock) -> Keys:
    return Keys(tmp_path / "tokens.pem", clock)


def header(tokens: Tokens) -> str:
    return f"Bearer {tokens.make('ci', PULL)['token']}"


def test_a_token_allows_what_it_says_and_nothing_else(keys: Keys) -> None:
    tokens = Tokens(keys)
    told = header(tokens)
    assert tokens.allows(told, "web", "pull")
    assert not tokens.allows(told, "web", "push")
    assert not tokens.allows(told, "blog", "pull")
    assert tokens.allows(tokens.own("web", "delete")["Authorization"], "web", "delete")


@pytest.mark.parametrize(("late", "allowed"), [(30, True), (90, False)])
def test_a_token_is_looked_at_for_as_long_as_distribution_takes_it(
    keys: Keys, monkeypatch: pytest.MonkeyPatch, late: int, allowed: bool
) -> None:
    """What the gate took for none would pass it by."""
    began = time.time() - SECONDS - late
    with monkeypatch.context() as earlier:
        earlier.setattr("supply.registry.tokens.time.time", lambda: began)
        told = header(Tokens(keys))
    assert Tokens(keys).allows(told, "web", "pull") is allowed


@pytest.mark.parametrize("told", [None, "", "Bearer", "Bearer x.y.z", "Basic cHVzaDpw"])
def test_anything_else_allows_nothing(keys: Keys, told: str | None) -> None:
    assert not Tokens(keys).allows(told, "web", "pull")


def test_a_token_of_another_s_making_allows_nothing(keys: Keys, tmp_path: Path) -> None:
    other = Tokens(Keys(tmp_path / "other.pem"))
    assert not Tokens(keys).allows(header(other), "web", "pull")
    claims: dict[str, Any] = {"iss": "horcrux", "aud": "horcrux", "access": PULL}
    unsigned = jwt.encode(claims, "", "none")
    assert not Tokens(keys).allows(f"Bearer {unsigned}", "web", "pull")


def test_a_key_is_changed_when_it_is_old_and_its_tokens_still_hold(
    keys: Keys, clock: Clock
) -> None:
    tokens, first = Tokens(keys), keys.current()
    clock.now += ROTATE_SECONDS - 1
    assert keys.current() is first
    told = header(tokens)
    clock.now += 1
    assert keys.current() is not first
    clock.now += SECONDS
    assert tokens.allows(told, "web", "pull")
    assert tokens.allows(header(tokens), "web", "pull")
    clock.now += OVERLAP_SECONDS
    assert not tokens.allows(told, "web", "pull")


def test_each_token_carries_its_key_s_certificate_and_distribution_knows_the_root_alone(
    keys: Keys, tmp_path: Path
) -> None:
    before = (tmp_path / "tokens.pem").read_bytes()
    root = x509.load_pem_x509_certificate(before)
    signer = root.public_key()
    assert isinstance(signer, ec.EllipticCurvePublicKey)
    certificates = []
    for _ in range(2):
        told = jwt.get_unverified_header(Tokens(keys).make("ci", PULL)["token"])
        made = x509.load_der_x509_certificate(base64.b64decode(told["x5c"][0]))
        algorithm = made.signature_hash_algorithm
        assert algorithm
        signer.verify(made.signature, made.tbs_certificate_bytes, ec.ECDSA(algorithm))
        constraints = made.extensions.get_extension_for_class(x509.BasicConstraints)
        assert not constraints.value.ca
        certificates.append(made)
        keys.rotate()
    assert certificates[0] != certificates[1]
    assert (tmp_path / "tokens.pem").read_bytes() == before
    assert b"PRIVATE" not in before
