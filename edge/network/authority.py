"""Makes X.509 certificates (RFC 5280) on the curve P-256: an authority's, and those that it signs."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CLOCK_SKEW = timedelta(hours=1)  # a scanner's clock may be behind


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def make_authority(days: float, key: ec.EllipticCurvePrivateKey | None = None) -> Pair:
    """A certificate authority that is valid for `days` from now; with a former one's `key` it is the same."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = _name("scanside certificate authority")
    builder = _builder(name, name, key, days).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def read_pair(certificate: bytes, key: bytes) -> Pair:
    """A certificate and its key, from PEM.

    Raises:
        ValueError: one is none, the key is of another kind or has a password, or they don't belong together.
    """
    try:
        private = serialization.load_pem_private_key(key, None)
    except TypeError as error:  # it has a password
        raise ValueError(str(error)) from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ValueError("the key was not made by edge certs")
    public = x509.load_pem_x509_certificate(certificate)
    if public.public_key() != private.public_key():
        raise ValueError("certificate and key don't belong together")
    return Pair(public, private)


def renew(authority: Pair, old: Pair, days: float, hosts: Sequence[str] = ()) -> Pair:
    """The same certificate for `days` from now: same key, same name, same hosts, and `hosts`.

    Raises:
        ValueError: another authority has signed it.
    """
    try:
        old.certificate.verify_directly_issued_by(authority.certificate)
    except Exception as error:  # ValueError, TypeError, InvalidSignature
        raise ValueError("another authority has signed it") from error
    (name,) = old.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    named = [*hosts_of(old.certificate), *hosts]
    return issue(authority, str(name.value), list(dict.fromkeys(named)), days, old.key)


def hosts_of(certificate: x509.Certificate) -> list[str]:
    """The names and addresses that a certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = map(str, names.get_values_for_type(x509.IPAddress))
    return [*names.get_values_for_type(x509.DNSName), *addresses]


def issue(
    authority: Pair,
    common_name: str,
    hosts: Sequence[str],
    days: float,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Pair:
    """A certificate for both roles, client and server; `days` may be negative: one that has expired."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _builder(_name(common_name), authority.certificate.subject, key, days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_host, hosts))), critical=False)
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: float
) -> x509.CertificateBuilder:
    end = datetime.now(timezone.utc) + timedelta(days=days)
    begin = min(datetime.now(timezone.utc), end) - _CLOCK_SKEW
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
