"""What is wrong with a patch: one exception, which knows the Status that a client gets for it."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from staticlet.kube import refusal

LIMIT_DEPTH = 200
"""How deep patches and what they make may be nested: far deeper than any type of the API."""


class Kind(enum.Enum):
    """How a patch fails; the value is the HTTP status."""

    MALFORMED = 400
    """It is no patch, whatever it is applied to."""
    CONFLICT = 409
    """It takes fields that others manage."""
    TOO_LARGE = 413
    """It has too many operations."""
    UNFIT = 422
    """It is a patch, but cannot be applied to this object."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A field that another manager holds.

    Attributes:
        field: Its path: `.spec.containers[name="c"].image`.
        message: `conflict with "other"`.
    """

    field: str
    message: str


class Fault(Exception):
    """A patch that is refused.

    Attributes:
        kind: How it fails.
        message: What is wrong.
        causes: Of a conflict: every field that is held by others.
    """

    def __init__(self, kind: Kind, message: str, *, causes: Sequence[Cause] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.causes = tuple(causes)

    def refusal(self) -> refusal.Refusal:
        """The answer to the client, with kube-apiserver's code and reason.

        Where kube-apiserver says only that the request was in error, the reason follows after a
        colon here.
        """
        match self.kind:
            case Kind.MALFORMED:
                return refusal.bad_request(self.message)
            case Kind.TOO_LARGE:
                return refusal.Refusal(413, "RequestEntityTooLarge", self.message)
            case Kind.CONFLICT:
                causes: list[dict[str, Any]] = [
                    {
                        "reason": "FieldManagerConflict",
                        "message": cause.message,
                        "field": cause.field,
                    }
                    for cause in self.causes
                ]
                return refusal.Refusal(409, "Conflict", self.message, details={"causes": causes})
            case Kind.UNFIT:
                words = "the server rejected our request due to an error in our request"
                return refusal.Refusal(422, "Invalid", f"{words}: {self.message}")


def malformed(message: str) -> Fault:
    """400: it is no patch."""
    return Fault(Kind.MALFORMED, message)


def unfit(message: str) -> Fault:
    """422: it does not apply."""
    return Fault(Kind.UNFIT, message)


def too_deep() -> Fault:
    """400: nested too deep."""
    return malformed(f"the patch is nested more than {LIMIT_DEPTH} levels deep")


def check_depth(value: object) -> None:
    """See that plain data is not nested deeper than the limit; needs no stack of its own.

    Raises:
        Fault: It is.
    """
    level: list[object] = [value]
    for _ in range(LIMIT_DEPTH + 1):
        deeper: list[object] = []
        for item in level:
            if type(item) is dict:
                deeper += item.values()
            elif type(item) is list:
                deeper += item
        if not deeper:
            return
        level = deeper
    raise too_deep()
