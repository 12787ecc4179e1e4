"""Reading fields of plain data, whatever is in it.

Data of a wrong type is reported before validation, by the schema check. Here it reads as absent,
so that one wrong field never hides what is wrong with the others, and no input makes a check fail.
A null reads as absent too, as it does to the API server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

# Keys are strings by then, save for what a schema check has refused already.
Object: TypeAlias = Mapping[Any, Any]
_NOTHING: Object = {}


def has(obj: Object, key: str) -> bool:
    """Whether the field is set; an empty object counts as set."""
    return obj.get(key) is not None


def child(obj: Object, key: str) -> Object:
    """An object field, empty when it is absent."""
    value = obj.get(key)
    return value if isinstance(value, Mapping) else _NOTHING


def objects(obj: Object, key: str) -> tuple[Object, ...]:
    """A list of objects. What is no object reads as an empty one, so that indexes stay true."""
    value = obj.get(key)
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(item if isinstance(item, Mapping) else _NOTHING for item in value)


def text(obj: Object, key: str) -> str:
    """A string field, empty when it is absent."""
    value = obj.get(key)
    return value if isinstance(value, str) else ""


def texts(obj: Object, key: str) -> tuple[str, ...]:
    """A list of strings. What is no string reads as an empty one."""
    value = obj.get(key)
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(item if isinstance(item, str) else "" for item in value)


def number(obj: Object, key: str) -> int | None:
    """A whole number."""
    value = obj.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def numbers(obj: Object, key: str) -> tuple[int | None, ...]:
    """A list of whole numbers. What is no number reads as None."""
    value = obj.get(key)
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(
        item if isinstance(item, int) and not isinstance(item, bool) else None for item in value
    )


def flag(obj: Object, key: str) -> bool | None:
    """A boolean; None when it is absent, which often means something of its own."""
    value = obj.get(key)
    return value if isinstance(value, bool) else None


def text_map(obj: Object, key: str) -> Mapping[str, str]:
    """A map of strings, such as labels. What is no string reads as an empty one."""
    return {
        name: value if isinstance(value, str) else ""
        for name, value in child(obj, key).items()
        if isinstance(name, str)
    }
