"""Which of the forms that a server can make a client wants: the Accept header. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MOST = 64
"""How many media types of a header are looked at; no client names more."""


@dataclass(frozen=True, slots=True)
class Media:
    """One media type that a client takes.

    Attributes:
        type: `application/json`, `*/*`; lower case.
        parameters: `as`, `g`, `v`, `pretty` and others; without `q`.
    """

    type: str
    parameters: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """A parameter; empty when it is not there."""
        return dict(self.parameters).get(name, "")

    def takes(self, made: str) -> bool:
        """Whether a type that is made (`application/json`) is what this asks for."""
        if self.type in (made, "*/*"):
            return True
        return self.type.endswith("/*") and made.startswith(self.type[:-1])


@lru_cache(maxsize=256)
def parse(header: str) -> Sequence[Media]:
    """The media types of an Accept header, the one that is wanted most first.

    No header at all is `*/*`. Types of quality 0 are left out, as is what makes no sense.
    """
    if not header.strip():
        return (Media("*/*"),)
    wanted: list[tuple[float, Media]] = []
    for clause in header.split(",")[:MOST]:
        kind, *rest = clause.split(";")
        pairs = [_pair(one) for one in rest]
        quality = _quality(dict(pairs).get("q", "1"))
        kind = kind.strip().lower()
        if "/" in kind and quality > 0:
            given = tuple((name, value) for name, value in pairs if name and name != "q")
            wanted.append((quality, Media(kind, given)))
    wanted.sort(key=lambda one: -one[0])  # the sort is stable: among equals the first is first
    return tuple(media for _, media in wanted)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _quality(text: str) -> float:
    try:
        return min(1.0, max(0.0, float(text)))
    except ValueError:
        return 1.0


def content_type(header: str) -> str:
    """The media type of a body, lower case and without parameters."""
    return header.partition(";")[0].strip().lower()
