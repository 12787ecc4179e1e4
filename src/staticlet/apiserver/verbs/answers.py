"""What verbs answer, before it is known which form the client takes it in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Record
from staticlet.apiserver.verbs import nodeport


@dataclass(frozen=True, slots=True, kw_only=True)
class One:
    """One object.

    Attributes:
        kind: Its kind.
        record: The object as stored (its `encoded` can be sent as it is, where the kind is stored
            in this version); None where `object` is given.
        object: An object that is not stored as it is: of a dry run, of another version.
        code: The HTTP status: 200, 201, 202.
    """

    kind: Kind
    record: Record | None = None
    object: Object | None = None
    code: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """A list.

    Attributes:
        kind: Their kind; the list's is `<kind>List`.
        records: The objects.
        revision: The list's resourceVersion.
        more: The token of the next page; empty when there is none.
        remaining: How many objects come after this page; None when it is not told.
    """

    kind: Kind
    records: tuple[Record, ...]
    revision: int
    more: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One line of a watch.

    Attributes:
        type: ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.
        record: The object of the first three.
        object: The object of a bookmark, or the Status of an error.
    """

    type: str
    record: Record | None = None
    object: Object | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A watch: its events, until the client goes, time is up, or an ERROR was sent.

    Attributes:
        kind: The kind that is watched.
        batches: The events, those that are there at one time together, never none; closing the
            iterator ends the subscription.
    """

    kind: Kind
    batches: AsyncIterator[Sequence[Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Something that is no object of the store: a Status, a review, a TokenRequest.

    Attributes:
        body: The whole answer.
        code: The HTTP status.
    """

    body: dict[str, Any]
    code: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """What another server answers, passed on as it comes.

    Attributes:
        code: The HTTP status.
        media: The body's media type.
        pieces: The body; closing it ends the request to the other server.
    """

    code: int
    media: str
    pieces: nodeport.Pieces


Answer: TypeAlias = One | Many | Stream | Plain | Relay


def with_code(answer: One, code: int) -> One:
    """The same object, answered with another HTTP status."""
    return replace(answer, code=code)


def success(
    code: int = 200, details: dict[str, Any] | None = None, *, told: bool = False
) -> Plain:
    """The Status of something that was done.

    Args:
        code: The HTTP status.
        details: What it was done to.
        told: Whether the Status says the HTTP status, too.
    """
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
    }
    if details:
        status["details"] = details
    if told:
        status["code"] = code
    return Plain(body=status, code=code)
