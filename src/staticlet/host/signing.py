"""A CA for a small cluster, and the certificates that it signs. No I/O; the time is handed in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from staticlet.host import x509 as keys
from staticlet.host.x509 import Certificate, Key, Subject

if TYPE_CHECKING:
    from cryptography import x509

CA_LIFE = timedelta(days=3650)
LIFE = timedelta(days=365)
SKEW = timedelta(hours=1)
"""How much earlier than now a certificate begins: the clocks of clients differ."""

LONGEST_NAME = 64


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
        return cls(certificate=key.sign(builder), key=key)

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

        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public)
        builder = (
            _builder(subject, key, now, LIFE)
            .issuer_name(self.certificate.name)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_others=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(authority, critical=False)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return self.key.sign(builder)


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
    keys.allow_long_names()
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
