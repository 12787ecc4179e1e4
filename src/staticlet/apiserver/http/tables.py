"""Objects as rows of a Table, and as their metadata alone. Pure.

Works on the encoded objects: of those that are shown by their metadata, nothing else is decoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from staticlet.apiserver.resources import columns
from staticlet.apiserver.resources.kind import Columns, Kind, Object

encode = msgspec.json.encode

_PARTIAL = b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":'


class _Metadata(msgspec.Struct):
    metadata: msgspec.Raw


class _Versioned(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815  the API's own spelling


class _WithVersion(msgspec.Struct):
    metadata: _Versioned


_metadata = msgspec.json.Decoder(_Metadata)
_version = msgspec.json.Decoder(_WithVersion)


def partial(encoded: bytes) -> bytes:
    """An object as PartialObjectMetadata."""
    return _PARTIAL + bytes(_metadata.decode(encoded).metadata) + b"}"


def resource_version(encoded: bytes) -> str:
    """The resourceVersion of an encoded object; empty when it has none."""
    return _version.decode(encoded).metadata.resourceVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """How rows of one kind are made.

    Attributes:
        kind: The kind.
        include: What a row carries of its object: `Metadata`, `Object` or `None`.
        now: The time that ages are told from.
    """

    kind: Kind
    include: str
    now: datetime

    @property
    def columns(self) -> Columns:
        """The kind's columns."""
        return self.kind.columns or columns.of(self.kind.group, self.kind.plural)

    def head(self, meta: dict[str, Any], *, headed: bool = True) -> bytes:
        """The beginning of a table, up to its first row.

        Args:
            meta: The table's metadata.
            headed: Whether the columns are defined; in a watch only the first table does that.
        """
        head = encode(
            {
                "kind": "Table",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": meta,
                "columnDefinitions": self.columns.definitions if headed else None,
            }
        )
        return head[:-1] + b',"rows":['

    def row(self, encoded: bytes) -> bytes:
        """One row."""
        obj: Object = msgspec.json.decode(encoded)
        cells = encode(self.columns.cells(obj, self.now))
        return b'{"cells":' + cells + b',"object":' + self._carried(encoded) + b"}"

    def blank(self, encoded: bytes) -> bytes:
        """The row of a bookmark, which is not shown."""
        return b'{"cells":[],"object":' + self._carried(encoded) + b"}"

    def _carried(self, encoded: bytes) -> bytes:
        if self.include == "None":
            return b"null"
        return encoded if self.include == "Object" else partial(encoded)


def table(rows: Rows, encoded: Iterable[bytes], version: str) -> bytes:
    """A whole table of these objects."""
    meta = {"resourceVersion": version}
    return rows.head(meta) + b",".join(rows.row(one) for one in encoded) + b"]}"
