"""Who says that the proxy may speak for Zoom? An authority of its own, made at each start.

Its key is never written down. Whoever finds the certificate can trust it and no more; and
whoever trusts it trusts it for zoom.us alone, for the certificate itself says so.
"""

import os
import secrets
import ssl
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from innkeeper.errors import InnkeeperError

DOMAIN: Final = "zoom.us"
_NAME: Final = x509.Name(
    [x509.NameAttribute(NameOID.COMMON_NAME, "Innkeeper's emulated Zoom, on this machine only")]
)
_EARLY: Final = timedelta(days=1)
_LIFETIME: Final = timedelta(days=365)
_LARGEST_BYTES: Final = 65_536


class CertificateRefused(InnkeeperError):
    """The authority's certificate cannot be written where it was asked for."""

    code = "certificate_refused"
    fix = "Name another file with --ca-file."


class Authority:
    """A certificate authority for zoom.us, and the one certificate that it gives.

    Args:
        now: When it begins to hold, give or take a day.
    """

    def __init__(self, now: datetime) -> None:
        self._since, self._until = now - _EARLY, now + _LIFETIME
        self._key = generate_private_key(SECP256R1())
        key = self._key.public_key()
        self._certificate = (
            self._draft(_NAME, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.NameConstraints([x509.DNSName(DOMAIN)], None), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, SHA256())
        )

    @property
    def certificate(self) -> bytes:
        """The certificate that a client has to trust, as PEM."""
        return self._certificate.public_bytes(Encoding.PEM)

    def write(self, file: Path) -> None:
        """Put the certificate into a file, in place of an earlier one of ours and of nothing else.

        Raises:
            CertificateRefused: If something else is there, or it cannot be written.
        """
        try:
            if file.exists() and not _is_ours(file):
                raise CertificateRefused(f"{file} stays as it is", "it holds something else")
            handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(self.certificate)
                Path(draft).chmod(0o644)  # for every client to read
                Path(draft).replace(file)
            except BaseException:
                with suppress(OSError):
                    Path(draft).unlink()
                raise
        except OSError as error:
            why = f"{file} cannot be written ({error.strerror})"
            raise CertificateRefused("", why) from None

    def context(self) -> ssl.SSLContext:
        """Make what a server speaks TLS with, as zoom.us and every host right below it."""
        key = generate_private_key(SECP256R1())
        names = [x509.DNSName(DOMAIN), x509.DNSName(f"*.{DOMAIN}")]
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
        issuer = self._key.public_key()
        certificate = (
            self._draft(name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
            )
            .sign(self._key, SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        _load(context, key, [certificate, self._certificate])
        return context

    def _draft(self, name: x509.Name, key: EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(_NAME)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._since)
            .not_valid_after(self._until)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _usage(*, signs_certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _is_ours(file: Path) -> bool:
    with file.open("rb") as stream:
        held = stream.read(_LARGEST_BYTES)
    try:
        return x509.load_pem_x509_certificate(held).subject == _NAME
    except ValueError:
        return False


def _load(
    context: ssl.SSLContext, key: EllipticCurvePrivateKey, chain: Sequence[x509.Certificate]
) -> None:
    """Give a context its key; `ssl` reads files only, so it lies there sealed and for a moment."""
    password = secrets.token_bytes(32)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password))
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "chain.pem")
        file.write_bytes(sealed + b"".join(each.public_bytes(Encoding.PEM) for each in chain))
        context.load_cert_chain(file, password=password)
