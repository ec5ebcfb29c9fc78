"""Certificates, asked of those who have to accept them."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from providers import authority, certificate
from providers.x509 import CLOCKS_DIFFER, self_signed, signed

NAMES = ["manager-1", "cluster", "localhost", "127.0.0.1", "10.87.1.10"]
CA, CA_KEY = self_signed("Horcrux dev", 3650)


def loaded(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def handshake(tmp_path: Path, server_name: str, client_usage: str | None) -> None:
    """A TLS connection in memory, each side as strict as can be. Raises ssl.SSLError."""
    sides = []
    for side, usage in (("server", "server"), ("client", client_usage)):
        protocol = ssl.PROTOCOL_TLS_SERVER if side == "server" else ssl.PROTOCOL_TLS_CLIENT
        context = ssl.SSLContext(protocol)
        context.load_verify_locations(cadata=CA)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.verify_mode = ssl.CERT_REQUIRED
        if usage:
            file = tmp_path / f"{side}.pem"
            file.write_text("".join(signed(CA, CA_KEY, NAMES, usage, 397)))
            context.load_cert_chain(file)
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        name = server_name if side == "client" else None
        tls = context.wrap_bio(inward, outward, side == "server", name)
        sides.append((tls, inward, outward))
    (server, to_server, from_server), (client, to_client, from_client) = sides
    done: set[ssl.SSLObject] = set()
    for _ in range(10):
        for tls in (client, server):
            try:
                tls.do_handshake()
                done.add(tls)
            except ssl.SSLWantReadError:
                pass
            to_server.write(from_client.read())
            to_client.write(from_server.read())
    assert done == {client, server}


@pytest.mark.parametrize("name", NAMES)
def test_a_host_is_trusted_by_each_of_its_names(tmp_path: Path, name: str) -> None:
    handshake(tmp_path, name, "client")


def test_a_host_is_not_trusted_by_another_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        handshake(tmp_path, "manager-2", "client")


@pytest.mark.parametrize("usage", ["server", None])
def test_a_host_lets_nobody_in_without_a_client_s_certificate(
    tmp_path: Path, usage: str | None
) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(tmp_path, "cluster", usage)


def test_another_authority_s_certificate_is_not_trusted() -> None:
    other, key = self_signed("Horcrux dev", 3650)
    pem, _ = signed(other, key, ["localhost"], "server", 397)
    verifier = PolicyBuilder().store(Store([loaded(CA)]))
    with pytest.raises(VerificationError):
        verifier.build_server_verifier(x509.DNSName("localhost")).verify(loaded(pem), [])


def test_the_strict_rules_of_the_web_are_kept() -> None:
    pem, _ = signed(CA, CA_KEY, ["dev.localhost", "*.dev.localhost"], "server", 397)
    builder = PolicyBuilder().store(Store([loaded(CA)]))
    verifier = builder.build_server_verifier(x509.DNSName("web.dev.localhost"))
    assert verifier.verify(loaded(pem), [])[-1] == loaded(CA)


@pytest.mark.parametrize(
    ("usage", "oid"),
    [("server", ExtendedKeyUsageOID.SERVER_AUTH), ("client", ExtendedKeyUsageOID.CLIENT_AUTH)],
)
def test_a_certificate_is_for_one_use_and_signs_nothing(
    usage: str, oid: x509.ObjectIdentifier
) -> None:
    found = loaded(signed(CA, CA_KEY, NAMES, usage, 397)[0]).extensions
    assert list(found.get_extension_for_class(x509.ExtendedKeyUsage).value) == [oid]
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not found.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == NAMES[:3]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == NAMES[3:]


def test_the_authority_signs_end_certificates_only() -> None:
    constraints = loaded(CA).extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert (constraints.value.ca, constraints.value.path_length) == (True, 0)


def test_a_certificate_is_valid_for_clocks_that_are_behind_and_no_longer_than_said() -> None:
    found = loaded(signed(CA, CA_KEY, NAMES, "server", 397)[0])
    span = found.not_valid_after_utc - found.not_valid_before_utc
    assert span == timedelta(days=397) + CLOCKS_DIFFER


def test_two_certificates_share_neither_key_nor_number() -> None:
    one, two = (signed(CA, CA_KEY, NAMES, "server", 9) for _ in range(2))
    assert one[1] != two[1]
    assert loaded(one[0]).serial_number != loaded(two[0]).serial_number


PROPS = {
    "authority": {"certificate": CA, "key": CA_KEY},
    "usage": "server",
    "names": ["web.test"],
    "certificate": None,
    "key": None,
    "renew_after": None,
}


def test_an_issued_certificate_comes_with_its_authority_s() -> None:
    id_, outputs = certificate.create(PROPS)
    assert id_ == "web.test"
    assert outputs["certificate"].endswith(CA)
    assert outputs["certificate"].count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"names": ["other.test"]},
        {"usage": "client"},
        {"authority": {"certificate": "another", "key": "another"}},
    ],
)
def test_a_certificate_that_no_longer_fits_is_renewed(change: dict[str, object]) -> None:
    _, old = certificate.create(PROPS)
    assert certificate.diff(old, {**PROPS, **change})


def test_a_certificate_is_renewed_in_its_last_two_months(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    _, old = certificate.create(PROPS)
    assert not certificate.diff(old, PROPS)
    now, day = time.time(), 86400
    monkeypatch.setattr("time.time", lambda: now + 336 * day)
    assert not certificate.diff(old, PROPS)
    monkeypatch.setattr("time.time", lambda: now + 338 * day)
    assert certificate.diff(old, PROPS)
    assert certificate.update(old, PROPS)["certificate"] != old["certificate"]


def test_an_authority_lives_as_long_as_its_name() -> None:
    _, old = authority.create({"common_name": "Horcrux dev", "certificate": None, "key": None})
    assert authority.diff(old, {"common_name": "Horcrux dev"}) == []
    assert authority.diff(old, {"common_name": "Horcrux test"}) == ["common_name"]
