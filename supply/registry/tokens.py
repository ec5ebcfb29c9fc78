"""Tokens for distribution: signed with a key that is made at every start and never leaves memory.

Distribution's token specification: https://distribution.github.io/distribution/spec/auth/jwt/
"""

import base64
import datetime
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SERVICE = ISSUER = "horcrux"
SECONDS = 300  # a push of a large layer is authorized when it begins
CERTIFICATE_DAYS = 3650  # of the key's certificate, which ends with the process
EARLY_SECONDS = 10  # two clocks on one machine agree; a token is valid from a moment ago


class Tokens:
    """Makes tokens, and reads its own."""

    def __init__(self, bundle: Path) -> None:
        """`bundle`: where distribution finds the certificate."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(self._key)
        bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        der = certificate.public_bytes(serialization.Encoding.DER)
        self._headers = {"x5c": [base64.b64encode(der).decode()]}

    def make(self, account: str, access: list[dict[str, Any]]) -> dict[str, Any]:
        """A token as the specification answers it; `access`: see supply.registry.accounts.granted."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": account,
            "aud": SERVICE,
            "iat": now,
            "nbf": now - EARLY_SECONDS,
            "exp": now + SECONDS,
            "jti": uuid.uuid4().hex,
            "access": access,
        }
        token = jwt.encode(claims, self._key, "ES256", headers=self._headers)
        issued = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"token": token, "access_token": token, "expires_in": SECONDS, "issued_at": issued}

    def allows(self, header: str | None, repository: str, action: str) -> bool:
        """Whether a request carries a token of ours that allows this."""
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        try:
            claims = jwt.decode(
                token, self._key.public_key(), algorithms=["ES256"], audience=SERVICE
            )
        except jwt.InvalidTokenError:
            return False
        return any(
            entry["type"] == "repository"
            and entry["name"] == repository
            and action in entry["actions"]
            for entry in claims["access"]
        )

    def own(self, repository: str, *actions: str) -> dict[str, str]:
        """The header of a request that the gate makes itself."""
        access = [{"type": "repository", "name": repository, "actions": list(actions)}]
        return {"Authorization": f"Bearer {self.make('gate', access)['token']}"}


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Horcrux registry tokens")])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=CERTIFICATE_DAYS))
        .sign(key, hashes.SHA256())
    )
