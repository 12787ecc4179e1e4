"""The fields of a kubeconfig: what kind they are of, and where a wrong one stands."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BadKubeconfig(Exception):
    """A kubeconfig, or a file that it names, cannot be used: says which, where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pem:
    """Something in PEM: in the kubeconfig itself, or in a file.

    Attributes:
        field: Where the kubeconfig says so, for people.
        data: The text; empty when it is in a file.
        path: The file; None when it is not in one.
    """

    field: str
    data: bytes = b""
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A map within a kubeconfig, and where it stands; all its methods raise BadKubeconfig.

    Attributes:
        data: The map.
        at: Its place in the kubeconfig; empty for the whole.
        path: The kubeconfig.
    """

    data: Mapping[str, Any]
    at: str
    path: Path

    def where(self, field: str) -> str:
        """The name of a field, with all that it stands in."""
        return f"{self.at}.{field}" if self.at else field

    def bad(self, field: str, words: str) -> BadKubeconfig:
        """A fault of a field."""
        return BadKubeconfig(f"{self.path}: {self.where(field)}: {words}")

    def value(self, field: str) -> Any:
        """A field, whatever it is."""
        return self.data.get(field)

    def text(self, field: str) -> str:
        """A string; empty where there is none."""
        value = self.data.get(field)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.bad(field, "is not a string: put it in quotes")
        if any(character < " " for character in value) and field != "installHint":
            raise self.bad(field, "holds control characters")
        return value

    def required(self, field: str) -> str:
        """A string, which must not be empty."""
        text = self.text(field)
        if not text:
            raise self.bad(field, "is missing")
        return text

    def flag(self, field: str) -> bool:
        """A boolean; false where there is none."""
        value = self.data.get(field)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise self.bad(field, "is neither true nor false")
        return value

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self.data.get(field)
        if values is None:
            return ()
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.bad(field, "is not a list of strings: put each in quotes")
        return tuple(values)

    def part(self, field: str) -> Part:
        """A map within this one."""
        value = self.data.get(field)
        if not isinstance(value, Mapping):
            raise self.bad(field, "is not a map" if field in self.data else "is missing")
        return Part(value, self.where(field), self.path)

    def parts(self, field: str) -> list[Part]:
        """A list of maps; empty where there is none."""
        values = self.data.get(field)
        if values is None:
            return []
        if not isinstance(values, list) or not all(isinstance(one, Mapping) for one in values):
            raise self.bad(field, "is not a list of maps")
        return [
            Part(one, f"{self.where(field)}[{number}]", self.path)
            for number, one in enumerate(values)
        ]

    def named(self, plural: str, singular: str, name: str, by: str) -> Part:
        """The entry of a list that has a name."""
        found = [one for one in self.parts(plural) if one.text("name") == name]
        if not found:
            raise self.bad(by, f"names {name!r}, which is not among the {plural}")
        if len(found) > 1:
            raise self.bad(plural, f"has two entries called {name!r}")
        return found[0].part(singular)

    def beside(self, text: str) -> Path:
        """A path as the kubeconfig has it, which begins at its directory."""
        return self.path.parent / text

    def pem(self, field: str) -> Pem | None:
        """`field`, a path, or `field-data`, the base64 of what is in it."""
        text, encoded = self.text(field), self.value(f"{field}-data")
        if not encoded:
            return Pem(field=self.where(field), path=self.beside(text)) if text else None
        if text:
            raise self.bad(field, f"may not stand beside {field}-data: drop one")
        return Pem(field=self.where(f"{field}-data"), data=self._decoded(f"{field}-data"))

    def _decoded(self, field: str) -> bytes:
        value = self.data.get(field)
        if not isinstance(value, str):
            raise self.bad(field, "is not a string")
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError) as fault:
            raise self.bad(field, "is not base64") from fault
