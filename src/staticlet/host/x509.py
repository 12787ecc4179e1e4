"""X.509 for a small cluster: a CA of its own, and the certificates that it signs.

No I/O: PEM in, PEM out, and the time is handed in. `cryptography` is imported where it is used: an
agent without an API server never pays for it. Keys are ECDSA P-256.
"""

from __future__ import annotations

import ipaddress
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

CA_LIFE = timedelta(days=3650)
LIFE = timedelta(days=365)
SKEW = timedelta(hours=1)
"""How much earlier than now a certificate begins: the clocks of clients differ."""

LONGEST_NAME = 64


class Unusable(Exception):
    """What is no certificate or key of the kind that is needed; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who a certificate is for: Kubernetes reads users from the name and groups from `groups`."""

    name: str
    groups: tuple[str, ...] = ()


class Certificate:
    """A certificate, and what must be known of it."""

    def __init__(self, pem: bytes) -> None:
        """Read the first certificate of a PEM text.

        Raises:
            Unusable: There is none.
        """
        from cryptography import x509

        allow_long_names()
        try:
            self._read = x509.load_pem_x509_certificate(pem)
            self._name = self._read.subject
        except ValueError as fault:
            raise Unusable("holds no certificate in PEM form") from fault
        self.pem = pem

    @property
    def subject(self) -> Subject:
        """Who it is for."""
        from cryptography.x509 import NameOID

        names = self._name.get_attributes_for_oid(NameOID.COMMON_NAME)
        groups = self._name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return Subject(
            name=str(names[0].value) if names else "",
            groups=tuple(str(one.value) for one in groups),
        )

    @property
    def names(self) -> frozenset[str]:
        """The DNS names and addresses of a server."""
        from cryptography import x509

        try:
            found = self._read.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (x509.ExtensionNotFound, ValueError):
            return frozenset()
        return frozenset(
            str(one.value)
            for one in found.value
            if isinstance(one, (x509.DNSName, x509.IPAddress))
        )

    def lasts(self, now: datetime, margin: timedelta) -> bool:
        """Whether it is valid now, and will be for some time yet."""
        return self._read.not_valid_before_utc <= now < self._read.not_valid_after_utc - margin

    def issued_by(self, authority: Certificate) -> bool:
        """Whether this CA signed it."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._read.verify_directly_issued_by(authority._read)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def has_key(self, key: Key) -> bool:
        """Whether this is the private key to it."""
        return bool(self._read.public_key() == key.public)

    @property
    def is_authority(self) -> bool:
        """Whether it may sign others."""
        from cryptography import x509

        try:
            found = self._read.extensions.get_extension_for_class(x509.BasicConstraints)
        except (x509.ExtensionNotFound, ValueError):
            return False
        return found.value.ca


class Key:
    """A private key."""

    def __init__(self, made: ec.EllipticCurvePrivateKey) -> None:
        self._made = made

    @classmethod
    def new(cls) -> Key:
        """Make one."""
        from cryptography.hazmat.primitives.asymmetric import ec

        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, pem: bytes) -> Key:
        """Read one.

        Raises:
            Unusable: There is none without a password, or it is not of the right kind.
        """
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        try:
            made = serialization.load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as fault:
            raise Unusable("holds no private key in PEM form without a password") from fault
        if not isinstance(made, ec.EllipticCurvePrivateKey):
            raise Unusable("holds a key that is not an elliptic curve's")
        return cls(made)

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        """The public half."""
        return self._made.public_key()

    @property
    def pem(self) -> bytes:
        """It in PEM form, not encrypted."""
        from cryptography.hazmat.primitives import serialization

        return self._made.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def _sign(self, builder: x509.CertificateBuilder) -> Certificate:
        from cryptography.hazmat.primitives import hashes, serialization

        made = builder.sign(self._made, hashes.SHA256())
        return Certificate(made.public_bytes(serialization.Encoding.PEM))


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A CA: its certificate and the key that signs."""

    certificate: Certificate
    key: Key

    @classmethod
    def new(cls, key: Key, *, name: str, now: datetime) -> Authority:
        """Make a CA of this key; of the same key again, it stands for the same CA."""
        from cryptography import x509

        builder = (
            _builder(Subject(name=name), key, now, CA_LIFE)
            .issuer_name(_named(Subject(name=name)))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_others=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public), critical=False)
        )
        return cls(certificate=key._sign(builder), key=key)

    def client(self, subject: Subject, key: Key, now: datetime) -> Certificate:
        """Sign a certificate by which a client shows who it is."""
        from cryptography.x509.oid import ExtendedKeyUsageOID

        return self._leaf(subject, key, now, ExtendedKeyUsageOID.CLIENT_AUTH)

    def server(
        self, subject: Subject, names: Sequence[str], key: Key, now: datetime
    ) -> Certificate:
        """Sign a certificate of a server with these DNS names and addresses."""
        from cryptography import x509
        from cryptography.x509.oid import ExtendedKeyUsageOID

        alternatives = x509.SubjectAlternativeName([_alternative(name) for name in names])
        return self._leaf(subject, key, now, ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def _leaf(
        self,
        subject: Subject,
        key: Key,
        now: datetime,
        purpose: x509.ObjectIdentifier,
        *extensions: x509.ExtensionType,
    ) -> Certificate:
        from cryptography import x509

        issuer = self.certificate._read
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public)
        builder = (
            _builder(subject, key, now, LIFE)
            .issuer_name(issuer.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_others=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(authority, critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return self.key._sign(builder)


def server_names(wanted: Iterable[str]) -> tuple[str, ...]:
    """Names as a server's certificate can have them, each once; others are left out."""
    return tuple(dict.fromkeys(text for name in wanted if (text := _plain(name))))


def _plain(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name.lower() if name.isascii() and name.isprintable() and " " not in name else ""


def _alternative(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: Subject, key: Key, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .public_key(key.public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
    )


def _named(subject: Subject) -> x509.Name:
    from cryptography import x509
    from cryptography.x509 import NameOID

    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in subject.groups]
    # Node names may be longer than X.509 foresees for a common name; kubelets' certificates have
    # them all the same, and neither OpenSSL nor Go minds.
    allow_long_names()
    fits = len(subject.name.encode("utf-8")) <= LONGEST_NAME
    name = x509.NameAttribute(NameOID.COMMON_NAME, subject.name, _validate=fits)
    return x509.Name([*parts, name])


def _usage(*, signs_others: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_others,
        crl_sign=signs_others,
        encipher_only=False,
        decipher_only=False,
    )


def allow_long_names() -> None:
    """Do not warn of names longer than X.509 foresees: node names may be, and nobody minds.

    For the whole process, since to switch it on and off would not suit threads.
    """
    warnings.filterwarnings("ignore", message="Attribute's length must be", category=UserWarning)
