"""What the models' docstrings say of the API's types and fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import msgspec

_FIELDS = "**parameters**"
_FIELD = re.compile(r"^\s*\* \*\*(?P<name>\w+)\*\* ``[^`]*`` - ?", re.MULTILINE)


def of_type(struct: type[msgspec.Struct]) -> str:
    """What a type is for; empty where nothing is told."""
    return _line((struct.__doc__ or "").partition(_FIELDS)[0])


def of_fields(struct: type[msgspec.Struct]) -> Mapping[str, str]:
    """What its fields are for, under their names in Python."""
    told = (struct.__doc__ or "").partition(_FIELDS)[2]
    parts = _FIELD.split(told)[1:]
    return {name: _line(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def _line(text: str) -> str:
    """Wrapped text as one line."""
    return " ".join(text.split())
