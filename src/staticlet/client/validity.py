"""Until when a client's certificate holds: the one field of it that this side has to know.

A server that finds it out of date answers 401, or just cuts the connection: neither says why. The
library for certificates would take megabytes for one date, so it is read here, from DER.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import UTC, datetime

_FIRST = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _INTEGER, _VERSION = 0x30, 0x02, 0xA0
_FORMATS = {0x17: "%y%m%d%H%M%SZ", 0x18: "%Y%m%d%H%M%SZ"}


def ends(pem: bytes) -> datetime | None:
    """The last moment of the first certificate in a text; None where that cannot be read."""
    found = _FIRST.search(pem)
    if found is None:
        return None
    try:
        return _ends(base64.b64decode(found.group(1)))
    except (binascii.Error, ValueError, IndexError, StopIteration):
        return None


def _ends(der: bytes) -> datetime:
    """The second time of `validity` in RFC 5280's Certificate."""
    _, certificate = next(_parts(der))
    _, signed = next(_parts(certificate))
    fields = [(tag, body) for tag, body in _parts(signed) if tag != _VERSION]
    expected = [_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE]  # serial, algorithm, issuer, validity
    if [tag for tag, _ in fields[:4]] != expected:
        raise ValueError("no certificate")
    _, (tag, text) = list(_parts(fields[3][1]))[:2]
    return datetime.strptime(text.decode("ascii"), _FORMATS.get(tag, "")).replace(tzinfo=UTC)


def _parts(der: bytes) -> Iterator[tuple[int, bytes]]:
    """The elements of a sequence: tag and content of each."""
    at = 0
    while at < len(der):
        tag, length, at = der[at], der[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, at = int.from_bytes(der[at : at + octets], "big"), at + octets
        if at + length > len(der):
            raise ValueError("cut short")
        yield tag, der[at : at + length]
        at += length
