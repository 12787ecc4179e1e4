"""What the fields of Kubernetes' protobuf messages hold.

Go writes each field that is no pointer, empty or not, and each pointer that is set. So what is
empty is left out of the object here, unless the field is a pointer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """A string."""


@dataclass(frozen=True, slots=True)
class Flag:
    """A boolean; `pointer` where false is something else than absent."""

    pointer: bool = True


@dataclass(frozen=True, slots=True)
class Whole:
    """A number; `pointer` where 0 is something else than absent."""

    pointer: bool = True


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes, in JSON as base64."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: seconds and nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A field that may be repeated."""

    item: Type


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map with strings as keys: a repeated message of key and value."""

    value: Type


@dataclass(frozen=True, slots=True)
class Bare:
    """A message with a single field, for which JSON has the field's value alone."""

    value: ListOf


@dataclass(frozen=True, slots=True)
class Message:
    """A message: its fields by number, each with its name in JSON."""

    fields: Mapping[int, tuple[str, Type]]


Type: TypeAlias = Text | Flag | Whole | Blob | Moment | ListOf | MapOf | Bare | Message
