"""The kinds of field error, each made in one word, with the details Kubernetes gives them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from staticlet.kube import fieldpath
from staticlet.kube.finding import FieldError, Kind

Errors: TypeAlias = Iterator[FieldError]

NOT_NEGATIVE = "must be greater than or equal to 0"
POSITIVE = "must be greater than zero"


def required(path: fieldpath.Path, detail: str = "") -> FieldError:
    """A field that is missing or empty."""
    return FieldError(Kind.REQUIRED, path, None, detail)


def invalid(path: fieldpath.Path, value: Any, detail: str) -> FieldError:
    """A value that breaks a rule."""
    return FieldError(Kind.INVALID, path, value, detail)


def each(path: fieldpath.Path, value: Any, messages: Iterable[str]) -> Errors:
    """One error for each thing wrong with a value, as `names` reports them."""
    for message in messages:
        yield invalid(path, value, message)


def unsupported(path: fieldpath.Path, value: Any, allowed: Iterable[str]) -> FieldError:
    """A value that is not one of a few; `allowed` in the order in which to show them."""
    shown = ", ".join(f'"{choice}"' for choice in allowed)
    return FieldError(Kind.NOT_SUPPORTED, path, value, f"supported values: {shown}")


def duplicate(path: fieldpath.Path, value: Any) -> FieldError:
    """A value that may stand only once."""
    return FieldError(Kind.DUPLICATE, path, value)


def forbidden(path: fieldpath.Path, detail: str) -> FieldError:
    """A field that may not be set here."""
    return FieldError(Kind.FORBIDDEN, path, None, detail)


def not_found(path: fieldpath.Path, value: Any, detail: str = "") -> FieldError:
    """A name that nothing has."""
    return FieldError(Kind.NOT_FOUND, path, value, detail)


def too_long(path: fieldpath.Path, limit: int) -> FieldError:
    """Text, or a sum of texts, of more than `limit` bytes."""
    return FieldError(Kind.TOO_LONG, path, None, f"may not be more than {limit} bytes")


def too_many(path: fieldpath.Path, count: int, limit: int) -> FieldError:
    """A list of more than `limit` items."""
    return FieldError(Kind.TOO_MANY, path, count, f"{count}: must have at most {limit} items")


def one_of(path: fieldpath.Path, value: str, allowed: Iterable[str]) -> Errors:
    """Refuse a value that is set and not among the allowed ones."""
    choices = tuple(allowed)
    if value and value not in choices:
        yield unsupported(path, value, choices)


def not_negative(path: fieldpath.Path, value: int | None) -> Errors:
    """Refuse a number below zero."""
    if value is not None and value < 0:
        yield invalid(path, value, NOT_NEGATIVE)
