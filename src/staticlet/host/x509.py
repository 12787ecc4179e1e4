"""Certificates and private keys: PEM in, PEM out, no I/O; `signing` makes certificates.

`cryptography` is imported where it is used: an agent without an API server never pays for it. Keys
are ECDSA P-256.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec


class Unusable(Exception):
    """What is no certificate or key of the kind that is needed; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Who a certificate is for: Kubernetes reads users from the name and groups from `groups`."""

    name: str
    groups: tuple[str, ...] = ()


class Certificate:
    """A certificate, and what must be known of it.

    Attributes:
        name: Whom it is for, as X.509 has it.
    """

    def __init__(self, parsed: x509.Certificate) -> None:
        self._parsed = parsed
        self.name = parsed.subject

    @classmethod
    def read(cls, pem: bytes) -> Certificate:
        """Read the first certificate of a PEM text.

        Raises:
            Unusable: There is none.
        """
        from cryptography import x509

        allow_long_names()
        try:
            return cls(x509.load_pem_x509_certificate(pem))
        except ValueError as fault:
            raise Unusable("holds no certificate in PEM form") from fault

    @classmethod
    def of_der(cls, der: bytes) -> Certificate:
        """Read one as TLS hands it over.

        Raises:
            Unusable: It is none.
        """
        from cryptography import x509

        allow_long_names()
        try:
            return cls(x509.load_der_x509_certificate(der))
        except ValueError as fault:
            raise Unusable("is no certificate") from fault

    @property
    def pem(self) -> bytes:
        """It in PEM form."""
        from cryptography.hazmat.primitives import serialization

        return self._parsed.public_bytes(serialization.Encoding.PEM)

    @property
    def begins(self) -> datetime:
        """When it begins to be valid."""
        return self._parsed.not_valid_before_utc

    @property
    def ends(self) -> datetime:
        """When it ends."""
        return self._parsed.not_valid_after_utc

    @property
    def subject(self) -> Subject:
        """Who it is for."""
        from cryptography.x509 import NameOID

        names = self.name.get_attributes_for_oid(NameOID.COMMON_NAME)
        groups = self.name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return Subject(
            name=str(names[0].value) if names else "",
            groups=tuple(str(one.value) for one in groups),
        )

    @property
    def names(self) -> frozenset[str]:
        """The DNS names and addresses of a server."""
        from cryptography import x509

        try:
            found = self._parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (x509.ExtensionNotFound, ValueError):
            return frozenset()
        return frozenset(
            str(one.value)
            for one in found.value
            if isinstance(one, (x509.DNSName, x509.IPAddress))
        )

    def lasts(self, now: datetime, margin: timedelta) -> bool:
        """Whether it is valid now, and will be for some time yet."""
        return self.begins <= now < self.ends - margin

    def issued_by(self, authority: Certificate) -> bool:
        """Whether this CA signed it."""
        from cryptography.exceptions import InvalidSignature

        try:
            self._parsed.verify_directly_issued_by(authority._parsed)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def has_key(self, key: Key) -> bool:
        """Whether this is the private key to it."""
        return bool(self._parsed.public_key() == key.public)

    @property
    def is_authority(self) -> bool:
        """Whether it may sign others."""
        from cryptography import x509

        try:
            found = self._parsed.extensions.get_extension_for_class(x509.BasicConstraints)
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

    def sign(self, builder: x509.CertificateBuilder) -> Certificate:
        """Sign a certificate."""
        from cryptography.hazmat.primitives import hashes

        return Certificate(builder.sign(self._made, hashes.SHA256()))


def allow_long_names() -> None:
    """Do not warn of names longer than X.509 foresees: node names may be, and nobody minds.

    For the whole process, since to switch it on and off would not suit threads.
    """
    warnings.filterwarnings("ignore", message="Attribute's length must be", category=UserWarning)
