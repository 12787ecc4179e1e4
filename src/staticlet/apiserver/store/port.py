"""What the rest of the API server knows of its store: values, and the protocol.

A write is decided in the event loop, by a pure function over the object as it is, and is answered
when it lasts. What is read is what lasts: neither a reader nor a watcher ever sees a write that a
power cut could take back.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias

import msgspec

Object: TypeAlias = dict[str, Any]


class Key(NamedTuple):
    """What names an object in the store.

    Attributes:
        resource: The resource as `GroupResource` writes it: `pods`, `leases.coordination.k8s.io`.
        namespace: Empty for what has none.
        name: The object's name.
    """

    resource: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """The key within its resource as one text, by which lists are in order, as in etcd.

        So the objects of the namespace `a-b` stand before those of `a`.
        """
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One object at one revision.

    Attributes:
        key: Its name.
        revision: The revision that wrote it, which is its `metadata.resourceVersion`.
        encoded: The object as JSON, `metadata.resourceVersion` included: what readers are sent.
        labels: Its labels.
        fields: The values of the fields by which its resource is selected.
    """

    key: Key
    revision: int
    encoded: bytes
    labels: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)

    def object(self) -> Object:
        """The object, decoded anew at every call: the caller may change it."""
        decoded: Object = msgspec.json.decode(self.encoded)
        return decoded


class Action(enum.Enum):
    """What a change did, by the words of watch events."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One revision.

    Attributes:
        action: What it did.
        record: The object after it. Of a deletion: the object as it was last, with the revision of
            the deletion as its resourceVersion.
        previous: The object before it; None when it was added.
    """

    action: Action
    record: Record
    previous: Record | None

    @property
    def revision(self) -> int:
        """The revision that this change made."""
        return self.record.revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Objects of a resource at one revision.

    Attributes:
        revision: The revision of the whole store that they show.
        records: In the order of their keys' paths.
    """

    revision: int
    records: Sequence[Record]


@dataclass(frozen=True, slots=True)
class Put:
    """Write this object; its resourceVersion is set by the store."""

    object: Object


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove the object; this is how it was last, for the watchers."""

    object: Object


@dataclass(frozen=True, slots=True)
class Keep:
    """Write nothing: the object is as it should be."""


Decision: TypeAlias = Put | Remove | Keep
Decide: TypeAlias = Callable[[Record | None], Decision]


class Gone(Exception):
    """A revision that is not kept any more.

    Attributes:
        asked: The revision that was asked for.
        oldest: The oldest that is kept.
    """

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")
        self.asked = asked
        self.oldest = oldest


class Future(Exception):
    """A revision that does not exist yet, and did not come in time.

    Attributes:
        asked: The revision that was asked for.
        newest: The newest that there is.
    """

    def __init__(self, asked: int, newest: int) -> None:
        super().__init__(f"Too large resource version: {asked}, current: {newest}")
        self.asked = asked
        self.newest = newest


class WriteFailed(Exception):
    """The disk did not take a write; the text says why. Nothing of it is there.

    Attributes:
        full: Whether there was no room.
    """

    def __init__(self, why: str, *, full: bool = False) -> None:
        super().__init__(why)
        self.full = full


class Overrun(Exception):
    """A watcher that read too slowly: it is ended, and may list and watch again."""


class Subscription(Protocol):
    """The changes of one resource, in order, none missing, none twice."""

    def __aiter__(self) -> AsyncIterator[Change]:
        """Iterate over the changes; ends when the store closes.

        Raises:
            Overrun: The reader was too slow.
        """
        ...

    async def batch(self, *, until: float | None = None) -> Sequence[Change]:
        """All changes that are there, at least one; none when the store closes, or time is up.

        Args:
            until: The time of the loop's clock at which it is.

        Raises:
            Overrun: The reader was too slow.
        """
        ...

    @property
    def ended(self) -> bool:
        """Whether the store was closed and everything was handed out."""
        ...

    @property
    def revision(self) -> int:
        """Everything up to this revision of the whole store was handed out."""
        ...


class Objects(Protocol):
    """What admission and authorization may read: the store without its writes."""

    def get(self, key: Key) -> Record | None:
        """The object as it is."""
        ...

    def list(self, resource: str, namespace: str = "", *, revision: int | None = None) -> Listing:
        """All objects of a resource."""
        ...


class Store(Protocol):
    """Objects by key, at revisions that count up by each write."""

    @property
    def revision(self) -> int:
        """The newest revision that lasts."""
        ...

    @property
    def oldest(self) -> int:
        """The oldest revision from which changes are still known."""
        ...

    def get(self, key: Key) -> Record | None:
        """The object as it is."""
        ...

    def list(self, resource: str, namespace: str = "", *, revision: int | None = None) -> Listing:
        """All objects of a resource, in a namespace where one is given.

        Args:
            resource: Which.
            namespace: Empty for all.
            revision: How they were at this revision; None for now.

        Raises:
            Gone: The revision is too old.
            Future: It has not come yet.
        """
        ...

    async def reach(self, revision: int, *, within_s: float) -> None:
        """Return when the store is at this revision or beyond.

        Raises:
            Future: It did not get there in time.
        """
        ...

    async def write(self, key: Key, decide: Decide) -> Record | None:
        """Write what `decide` says, and return when it lasts.

        `decide` is called once, in the event loop, with the object as it is after all writes that
        were begun before on the same key; what it raises comes out here, and nothing is written.

        Returns:
            The object as it is now. Of a removal: as it was last, with the revision of the
            removal. None where there was none and none was made.

        Raises:
            WriteFailed: The disk did not take it.
        """
        ...

    async def check(self) -> None:
        """Return when something that changes nothing was written, and lasts.

        Raises:
            WriteFailed: The disk did not take it.
        """
        ...

    def subscribe(
        self, resource: str, namespace: str = "", *, since: int
    ) -> AbstractContextManager[Subscription]:
        """Follow a resource from after a revision on.

        Raises:
            Gone: Changes after that revision are not all known any more.
            Future: The revision has not come yet.
        """
        ...
