"""A certificate authority of the tests' own, and servers' certificates that are right or wrong in one way each."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=2)


class Authority:
    """Signs certificates; its own is in the file ``path``, for clients that are to trust it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "authority.pem"
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("The tests' authority")
        builder = _builder(self._name, self._name, self._key.public_key(), datetime.now(UTC) - LIFE)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        self._certificate = builder.add_extension(constraints, critical=True).sign(self._key, hashes.SHA256())
        self.path.write_bytes(_pem(self._certificate))

    def server(self, *hosts: str, is_expired: bool = False) -> ssl.SSLContext:
        """Return what a server of these hosts speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        since = datetime.now(UTC) - (3 * LIFE if is_expired else LIFE)
        names = x509.SubjectAlternativeName([_host(host) for host in hosts])
        builder = _builder(_name(hosts[0]), self._name, key.public_key(), since).add_extension(names, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        path = self._directory / f"server-{certificate.serial_number}.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(secret + _pem(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(since + 2 * LIFE)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
