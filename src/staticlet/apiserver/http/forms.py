"""In which form a client wants its answer, by its Accept header and query. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from staticlet.apiserver.http import path
from staticlet.kube import refusal
from staticlet.web import accept

JSON = "application/json"
YAML = "application/yaml"
SUPPORTED = (JSON, YAML)
META_GROUP = "meta.k8s.io"

PRETTY_AGENTS = ("curl/", "Wget/", "Mozilla/5.0")
"""Clients behind which a person sits: they get indented JSON unless they say otherwise."""


class Shape(enum.Enum):
    """What is made of objects."""

    FULL = ""
    TABLE = "Table"
    METADATA = "PartialObjectMetadata"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of an answer.

    Attributes:
        media: `application/json` or `application/yaml`.
        shape: What is made of objects.
        pretty: Whether JSON is indented.
        include: What rows of a table carry: `Metadata`, `Object` or `None`.
    """

    media: str = JSON
    shape: Shape = Shape.FULL
    pretty: bool = False
    include: str = "Metadata"

    @property
    def plain(self) -> bool:
        """Whether stored objects can be sent as they are."""
        return self.shape is Shape.FULL and self.media == JSON and not self.pretty


PLAIN = Form()
_SHAPES = {
    "": Shape.FULL,
    "Table": Shape.TABLE,
    "PartialObjectMetadata": Shape.METADATA,
    "PartialObjectMetadataList": Shape.METADATA,
}
INCLUDES = ("None", "Metadata", "Object")


def choose(headers: Mapping[str, str], query: Mapping[str, str], *, stream: bool) -> Form:
    """The first form that the client takes and that can be made.

    Args:
        headers: The request's.
        query: The request's.
        stream: Whether the answer is a watch, which is not made as YAML.

    Raises:
        refusal.Refusal: 406: there is none; 400: a parameter makes no sense.
    """
    include = query.get("includeObject") or "Metadata"
    if include not in INCLUDES:
        raise refusal.bad_request(
            f"unrecognized value for includeObject {include!r}: must be one of {INCLUDES}"
        )
    for media in accept.parse(headers.get("Accept", "")):
        shape = _shape(media)
        if shape is None:
            continue
        if media.takes(JSON):
            pretty = _pretty(media, headers, query) and not stream
            return Form(media=JSON, shape=shape, pretty=pretty, include=include)
        if media.takes(YAML) and not stream:
            return Form(media=YAML, shape=shape, include=include)
    raise refusal.not_acceptable(SUPPORTED)


def _shape(media: accept.Media) -> Shape | None:
    """What a media type makes of objects; None where that is not known here."""
    shape = _SHAPES.get(media.get("as"))
    if shape in (None, Shape.FULL):
        return shape
    known = media.get("g") in ("", META_GROUP) and media.get("v") in ("", "v1")
    return shape if known else None


def _pretty(media: accept.Media, headers: Mapping[str, str], query: Mapping[str, str]) -> bool:
    if "pretty" in query:
        return path.truth(query["pretty"])
    if media.get("pretty"):
        return path.truth(media.get("pretty"))
    return headers.get("User-Agent", "").startswith(PRETTY_AGENTS)
