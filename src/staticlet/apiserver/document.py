"""Documents that the server makes of what it knows of itself: discovery and OpenAPI."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

_PART = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An encoded document that does not change while the server runs.

    Attributes:
        content_type: Its media type.
        etag: Its hash, as the ETag header wants it: in quotes.
        packed: The document, compressed with gzip: to be sent as it is to clients that take it.
    """

    content_type: str
    etag: str
    packed: bytes

    def body(self) -> bytes:
        """The document, decompressed anew at every call."""
        return gzip.decompress(self.packed)

    def parts(self) -> Iterator[bytes]:
        """The document, decompressed part by part as they are taken."""
        unpacking, left = zlib.decompressobj(_GZIP), self.packed
        while not unpacking.eof:
            yield unpacking.decompress(left, _PART)
            left = unpacking.unconsumed_tail

    @property
    def hash(self) -> str:
        """The hash alone."""
        return self.etag.strip('"')


def of(body: bytes, content_type: str) -> Document:
    """The document of these bytes."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32].upper()}"'
    packed = gzip.compress(body, compresslevel=6, mtime=0)
    return Document(content_type=content_type, etag=etag, packed=packed)


def of_json(value: Any, content_type: str = "application/json") -> Document:
    """The document of a value, as JSON."""
    return of(msgspec.json.encode(value), content_type)
