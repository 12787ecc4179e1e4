"""What is wrong with an object, first as the API server would say it, then where in the file.

`FieldError` is what validation yields: pure, with no file in sight, shared with the embedded API
server. `Finding` is what a person reads: the same sentence with file, line and column.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any

from staticlet.kube import fieldpath


class Kind(enum.Enum):
    """The kinds of field error, by the reason that the API server gives as a cause."""

    INVALID = "FieldValueInvalid"
    REQUIRED = "FieldValueRequired"
    NOT_SUPPORTED = "FieldValueNotSupported"
    DUPLICATE = "FieldValueDuplicate"
    FORBIDDEN = "FieldValueForbidden"
    NOT_FOUND = "FieldValueNotFound"
    TOO_LONG = "FieldValueTooLong"
    TOO_MANY = "FieldValueTooMany"
    TYPE_INVALID = "FieldValueTypeInvalid"


_PROSE = {
    Kind.INVALID: "Invalid value",
    Kind.REQUIRED: "Required value",
    Kind.NOT_SUPPORTED: "Unsupported value",
    Kind.DUPLICATE: "Duplicate value",
    Kind.FORBIDDEN: "Forbidden",
    Kind.NOT_FOUND: "Not found",
    Kind.TOO_LONG: "Too long",
    Kind.TOO_MANY: "Too many",
    Kind.TYPE_INVALID: "Invalid value",
}
_WITHOUT_VALUE = frozenset({Kind.REQUIRED, Kind.FORBIDDEN, Kind.TOO_LONG, Kind.TOO_MANY})


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refusal of validation.

    Attributes:
        kind: The kind, which decides the first words of the message and the API cause.
        path: The field, from the root of the object.
        value: The refused value; not shown for kinds whose message leaves it out.
        detail: What the rule is, in the API server's words where it has them.
    """

    kind: Kind
    path: fieldpath.Path
    value: Any = None
    detail: str = ""

    @property
    def message(self) -> str:
        """The message without the field, as in a Status cause: `Invalid value: "x": must …`."""
        words = _PROSE[self.kind]
        if self.kind not in _WITHOUT_VALUE:
            words += f": {json.dumps(self.value, ensure_ascii=False)}"
        return f"{words}: {self.detail}" if self.detail else words

    def __str__(self) -> str:
        return f"{fieldpath.render(self.path)}: {self.message}"


class Severity(enum.Enum):
    """How bad a finding is: an error refuses the pod, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file; both numbers count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to say about a manifest, and where.

    Attributes:
        severity: Whether the pod is refused for it.
        source: The file's path or the URL, as the user wrote it.
        position: Where in it; None when the whole file is meant (unreadable, too large).
        path: The field, rendered; empty when no field is meant.
        message: What is wrong and what to do.
    """

    severity: Severity
    source: str
    message: str
    path: str = ""
    position: Position | None = None

    def __str__(self) -> str:
        where = f"{self.source}:"
        if self.position:
            where += f"{self.position.line}:{self.position.column}:"
        return f"{where} {self.path}: {self.message}" if self.path else f"{where} {self.message}"
