"""Quantities in fields: read once, and reported where they cannot be read."""

from __future__ import annotations

from typing import Any

from staticlet.kube import fieldpath, quantity
from staticlet.kube.validate import errors


def read(value: Any) -> quantity.Quantity | None:
    """The quantity a field holds, as text or as a JSON number; None when it holds none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return quantity.parse(str(value).strip())
    except (quantity.InvalidQuantityError, ValueError):
        return None


def readable(value: Any, path: fieldpath.Path) -> errors.Errors:
    """Refuse what is no quantity. The API server refuses it earlier, while decoding."""
    if read(value) is not None or value is None:
        return
    try:
        quantity.parse(str(value).strip())
    except ValueError as error:
        yield errors.invalid(path, value, str(error))
