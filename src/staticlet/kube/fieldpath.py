"""Paths to fields, as Kubernetes writes them: `spec.containers[0].image`, `limits[cpu]`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a map (a label, an annotation, a resource name), unlike a field of a type."""

    name: str


Step: TypeAlias = str | int | Key
Path: TypeAlias = tuple[Step, ...]


def render(path: Path) -> str:
    """Write a path as the API server does in its field errors.

    A field name is joined with a dot, an index and a map key stand in brackets. The empty path,
    the object itself, is written as the empty string.
    """
    out = ""
    for step in path:
        match step:
            case int():
                out += f"[{step}]"
            case Key(name):
                out += f"[{name}]"
            case str():
                out += f".{step}" if out else step
    return out


def raw(path: Path) -> tuple[str | int, ...]:
    """The path as plain keys and indexes, the form in which a decoder keys its positions."""
    return tuple(step.name if isinstance(step, Key) else step for step in path)
