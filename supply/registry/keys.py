"""The keys that tokens are signed with: changed every day, without anybody's noticing.

Distribution reads once, when it starts, whom it trusts. So it is told of a root that lives as long as
this process; the root certifies the keys, and each token carries its key's certificate. A new key needs
no restart, and a key that got out is worthless when its certificate ends. All are in memory alone.
"""

import base64
import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ROTATE_SECONDS = 24 * 3600.0
OVERLAP_SECONDS = 3600.0  # a key's tokens outlive it by minutes (tokens.SECONDS)
EARLY = datetime.timedelta(minutes=5)  # a clock that is set back
ROOT_DAYS = 3650  # the process ends long before


@dataclass(frozen=True)
class Key:
    """A key, when it was made (seconds since the epoch), and its certificate as tokens carry it."""

    private: ec.EllipticCurvePrivateKey
    made: float
    x5c: str


class Keys:
    """The key for new tokens, and the one before it, whose tokens are still about."""

    def __init__(self, bundle: Path, clock: Callable[[], float] = time.time) -> None:
        """`bundle`: where distribution finds the root's certificate."""
        self._clock = clock
        self._root = ec.generate_private_key(ec.SECP256R1())
        days = datetime.timedelta(days=ROOT_DAYS)
        root = _certificate("root", self._root, self._root, _moment(clock()), days, ca=True)
        bundle.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self._keys = [self._made()]

    def current(self) -> Key:
        """The key for a token that is made now."""
        if self._clock() - self._keys[0].made >= ROTATE_SECONDS:
            self.rotate()
        return self._keys[0]

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._keys = [self._made(), self._keys[0]]

    def trusted(self) -> list[ec.EllipticCurvePublicKey]:
        """The keys whose tokens are believed, the newest first."""
        now = self._clock()
        return [
            key.private.public_key()
            for key in self._keys
            if now - key.made < ROTATE_SECONDS + OVERLAP_SECONDS
        ]

    def _made(self) -> Key:
        key, now = ec.generate_private_key(ec.SECP256R1()), self._clock()
        life = datetime.timedelta(seconds=ROTATE_SECONDS + OVERLAP_SECONDS)
        made = _certificate("key", key, self._root, _moment(now), life, ca=False)
        der = made.public_bytes(serialization.Encoding.DER)
        return Key(key, now, base64.b64encode(der).decode())


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: ec.EllipticCurvePrivateKey,
    now: datetime.datetime,
    life: datetime.timedelta,
    *,
    ca: bool,
) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name("root"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(now + life)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(issuer, hashes.SHA256())
    )


def _name(role: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Horcrux registry tokens {role}")])
