"""An authority that signs certificates for servers on loopback, good ones and bad ones."""

import ipaddress
import ssl
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)
"""Python 3.13 takes no authority that does not say what its key is for."""


class Certificates:
    """Makes servers' TLS contexts; `authority` is the file of who signed them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("The tests' authority")
        self.authority = directory / "authority.pem"
        basic = x509.BasicConstraints(ca=True, path_length=0)
        made = self._certificate(self._name, self._key, days=(-10, 10)).add_extension(
            basic, critical=True
        )
        made = made.add_extension(_SIGNS, critical=True)
        self.authority.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))

    def server(
        self,
        *,
        host: str = "127.0.0.1",
        days: tuple[int, int] = (-1, 1),
        signed: bool = True,
        old: bool = False,
    ) -> ssl.SSLContext:
        """Make the context of a server at an address, with a certificate for these days."""
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = self._certificate(_named(host), key, days=days, signed=signed).add_extension(
            x509.SubjectAlternativeName([_general(host)]), critical=False
        )
        certificate = wanted.sign(self._key if signed else key, hashes.SHA256())
        pem = self._directory / "server.pem"
        pem.write_bytes(_private(key) + _pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if old:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # that is what we are here for
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1
        context.load_cert_chain(pem)
        return context

    def _certificate(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        days: tuple[int, int],
        signed: bool = True,
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        issuer = (self._key if signed else key).public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name if signed else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), False)
        )


def _general(host: str) -> x509.GeneralName:
    if host[-1].isdigit():
        return x509.IPAddress(ipaddress.ip_address(host))
    return x509.DNSName(host)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
