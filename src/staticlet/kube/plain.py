"""Plain objects (dicts and lists) as defaulting handles them: copied, then filled in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]


def copied(value: Any) -> Any:
    """A deep copy of plain data, with every mapping made a dict."""
    kind = type(value)
    if kind is str:
        return value  # the most frequent kind
    if kind is dict or isinstance(value, Mapping):
        return {name: copied(item) for name, item in value.items()}
    if kind is list or kind is tuple:
        return [copied(item) for item in value]
    return value


def objects(holder: Mapping[str, Any], field: str) -> list[Object]:
    """The objects of a list field, which may be absent."""
    found: list[Object] = holder.get(field) or []
    return found


def filled(holder: Object, **defaults: Any) -> None:
    """Set fields that are absent, empty or zero, which Go does not tell apart."""
    for name, value in defaults.items():
        if not holder.get(name):
            holder[name] = value
