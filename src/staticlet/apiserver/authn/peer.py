"""The client's certificate, as TLS has verified it, and what it says of the client."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import UTC, datetime

from staticlet.host import x509


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCertificate:
    """What a client's certificate says.

    Attributes:
        name: The subject's common name: the user.
        organizations: The subject's organizations: the user's groups.
        not_before: When it begins to be valid.
        not_after: When it ends: a connection may outlive it.
        verified: Whether the handshake has found a trusted CA behind it.
    """

    name: str
    organizations: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    verified: bool = True

    def valid(self, now: datetime) -> bool:
        """Whether it proves anything now."""
        return self.verified and bool(self.name) and self.not_before <= now <= self.not_after


def read(der: bytes | None) -> PeerCertificate | None:
    """What a verified certificate says; None where the client showed none.

    What cannot be read (it came through the handshake, so that hardly happens) proves nothing.
    """
    return _read(der) if der else None


@functools.lru_cache(maxsize=256)
def _read(der: bytes) -> PeerCertificate:
    try:
        certificate = x509.Certificate.of_der(der)
    except x509.Unusable:
        return _NOTHING
    subject = certificate.subject
    return PeerCertificate(
        name=subject.name,
        organizations=subject.groups,
        not_before=certificate.begins,
        not_after=certificate.ends,
    )


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOTHING = PeerCertificate(
    name="", organizations=(), not_before=_EPOCH, not_after=_EPOCH, verified=False
)
