"""Where a list goes on: the token of its next page. Pure."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

import msgspec

from staticlet.kube import refusal

ANY = -1
"""The revision of a token that takes what is there now."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list.

    Attributes:
        revision: The revision that the list shows; `ANY` for whatever is there.
        namespace: The namespace of the last object before it.
        name: That object's name.
    """

    revision: int
    namespace: str
    name: str


class _Token(msgspec.Struct):
    v: str
    rv: int
    start: tuple[str, str]


_VERSION = "staticlet/v1"
_LONGEST = 4096


def token(place: Place) -> str:
    """The token that leads to a place; clients take it as it is."""
    made = _Token(v=_VERSION, rv=place.revision, start=(place.namespace, place.name))
    return base64.urlsafe_b64encode(msgspec.json.encode(made)).decode().rstrip("=")


def read(text: str) -> Place:
    """The place that a token leads to.

    Raises:
        refusal.Refusal: 400, this server did not make it.
    """
    try:
        padded = text[:_LONGEST] + "=" * (-len(text) % 4)
        data = base64.b64decode(padded, altchars=b"-_", validate=True)
        found = msgspec.json.decode(data, type=_Token)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise refusal.bad_request("continue key is not valid: this server did not give it") from (
            error
        )
    if found.v != _VERSION or found.rv < ANY:
        raise refusal.bad_request("continue key is not valid: it is of another server")
    return Place(found.rv, *found.start)
