"""An authority for zoom.us alone, whose key is written nowhere."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from innkeeper.emulator.proxy.authority import Authority, CertificateRefused

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def shaken_hands(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> str | None:
    """Let two sides of TLS meet in memory; give the protocol they agreed on above it."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=host)
    for side in (theirs, ours, theirs, ours):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return theirs.selected_alpn_protocol()


def trusting(authority: Authority) -> ssl.SSLContext:
    client = ssl.create_default_context(cadata=authority.certificate.decode())
    client.set_alpn_protocols(["h2", "http/1.1"])
    return client


@pytest.mark.parametrize(
    "host", ["zoom.us", "api.zoom.us", "api-us.zoom.us", "marketplace.zoom.us"]
)
def test_speaks_as_every_host_of_zoom(host: str) -> None:
    authority = Authority(datetime.now(UTC))
    assert shaken_hands(authority.context(), trusting(authority), host) == "http/1.1"


@pytest.mark.parametrize(
    "host", ["example.com", "zoom.us.example.com", "a.b.zoom.us", "notzoom.us"]
)
def test_speaks_as_nobody_else(host: str) -> None:
    authority = Authority(datetime.now(UTC))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        shaken_hands(authority.context(), trusting(authority), host)


def test_is_trusted_by_nobody_who_was_not_told() -> None:
    authority, another = Authority(datetime.now(UTC)), Authority(datetime.now(UTC))
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken_hands(authority.context(), trusting(another), "zoom.us")


def test_its_certificate_allows_zooms_domain_and_no_further_authority() -> None:
    certificate = x509.load_pem_x509_certificate(Authority(NOW).certificate)
    constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert constraints.value.permitted_subtrees == [x509.DNSName("zoom.us")]
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (basic.ca, basic.path_length) == (True, 0)
    assert certificate.not_valid_before_utc == NOW - timedelta(days=1)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=365)


def test_writes_its_certificate_over_an_earlier_one_and_never_its_key(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    Authority(NOW).write(file)
    authority = Authority(NOW)
    authority.write(file)
    assert file.read_bytes() == authority.certificate
    assert b"PRIVATE" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("held", [b"", b"notes", b"-----BEGIN CERTIFICATE-----\nx\n"])
def test_writes_over_nothing_else(held: bytes, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(held)
    with pytest.raises(CertificateRefused, match=r"mine\.txt stays as it is.*--ca-file"):
        Authority(NOW).write(file)
    assert file.read_bytes() == held


def test_says_why_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CertificateRefused, match=r"cannot be written \(No such file"):
        Authority(NOW).write(tmp_path / "nowhere" / "ca.pem")
