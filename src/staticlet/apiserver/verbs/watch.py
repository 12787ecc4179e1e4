"""watch: what changes, from a version on, until the client has had enough.

A watch without a version, or with 0, begins with what there is. A selector makes objects come and
go: one that leaves the selection is told as deleted, as it was while it still belonged to it, at
the version that took it out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import (
    Action,
    Change,
    Future,
    Gone,
    Overrun,
    Record,
    Subscription,
)
from staticlet.apiserver.verbs import freshness, options, place, selection
from staticlet.apiserver.verbs.answers import Event, Stream
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal

_T = TypeVar("_T")

TOGETHER = 64
"""So many events, at most, are told at once."""

TOGETHER_BYTES = 64 * 1024
"""And no more after so many bytes of objects: a watcher that does not read holds them twice."""

INITIAL_EVENTS_END = "k8s.io/initial-events-end"
BOOKMARK_S = 60.0
LASTS_S = 2700.0
"""How long a watch lasts that does not say: clients begin anew from where they are."""


async def watch(backend: Backend, call: calls.Call, kind: Kind) -> Stream:
    """The events that the request selects.

    A version that is not kept any more is told as an ERROR event (410), as Kubernetes does it.

    Raises:
        refusal.Refusal: 400 or 422 for options that are not right; 504 when the version to begin
            from does not come.
    """
    asked = options.reading(call.query, watch=True)
    chosen = selection.of(kind, asked)
    if asked.version:
        await freshness.reached(backend.store, asked.version)
    where = place.namespace(kind, call)
    since = asked.version or backend.store.revision
    return Stream(kind=kind, batches=_batches(backend, kind, where, asked, chosen, since=since))


async def _batches(
    backend: Backend,
    kind: Kind,
    where: str,
    asked: options.Reading,
    chosen: selection.Selection,
    *,
    since: int,
) -> AsyncIterator[Sequence[Event]]:
    store = backend.store
    from_start = asked.initial if asked.initial is not None else not asked.version
    there: tuple[Record, ...] = ()
    if from_start:
        listing = store.list(kind.key_resource, where)
        since, there = listing.revision, tuple(listing.records)
    try:
        with store.subscribe(kind.key_resource, where, since=since) as changes:
            for some in _portions(there, _size):
                if found := [_added(record) for record in some if chosen.matches(record)]:
                    yield found
            if asked.initial and asked.bookmarks:
                yield [_bookmark(kind, since, {INITIAL_EVENTS_END: "true"})]
            async for events in _following(changes, kind, asked, chosen):
                yield events
    except Gone as error:
        yield [Event(type="ERROR", object=refusal.expired(str(error)).status())]
    except Future as error:
        yield [Event(type="ERROR", object=freshness.too_new(error).status())]


async def _following(
    changes: Subscription, kind: Kind, asked: options.Reading, chosen: selection.Selection
) -> AsyncIterator[Sequence[Event]]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + (asked.timeout_s or LASTS_S)
    marks = loop.time() + BOOKMARK_S
    while (now := loop.time()) < ends:
        if now >= marks:
            marks = now + BOOKMARK_S
            if asked.bookmarks:
                yield [_bookmark(kind, changes.revision)]
        try:
            happened = await changes.batch(until=min(ends, marks))
        except Overrun:
            return
        for some in _portions(happened, lambda change: _size(change.record)):
            if found := [event for change in some if (event := told(change, chosen))]:
                yield found
        if changes.ended:
            return
    if asked.bookmarks:
        yield [_bookmark(kind, changes.revision)]


def _portions(items: Sequence[_T], size: Callable[[_T], int]) -> Iterator[Sequence[_T]]:
    """All items in their order, as many at a time as are told at once."""
    begin = taken = 0
    for end, item in enumerate(items, 1):
        taken += size(item)
        if taken >= TOGETHER_BYTES or end - begin == TOGETHER:
            yield items[begin:end]
            begin, taken = end, 0
    if begin < len(items):
        yield items[begin:]


def _size(record: Record) -> int:
    return len(record.encoded)


def _added(record: Record) -> Event:
    return Event(type="ADDED", record=record)


def told(change: Change, chosen: selection.Selection) -> Event | None:
    """What a watcher of a selection is told of a change; None when it is none of its business."""
    if chosen.everything:
        return Event(type=change.action.value, record=change.record)
    was = change.previous is not None and chosen.matches(change.previous)
    if change.action is Action.DELETED:
        return Event(type="DELETED", record=change.record) if was else None
    if chosen.matches(change.record):
        return Event(type="MODIFIED" if was else "ADDED", record=change.record)
    if was and change.previous is not None:
        return Event(type="DELETED", record=_at(change.previous, change.revision))
    return None


def _at(record: Record, revision: int) -> Record:
    """An object as it was, with a later resourceVersion."""
    obj = record.object()
    obj["metadata"]["resourceVersion"] = str(revision)
    return Record(
        key=record.key,
        revision=revision,
        encoded=msgspec.json.encode(obj),
        labels=record.labels,
        fields=record.fields,
    )


def _bookmark(kind: Kind, revision: int, annotations: dict[str, str] | None = None) -> Event:
    meta: dict[str, Any] = {"resourceVersion": str(revision)}
    if annotations:
        meta["annotations"] = annotations
    return Event(
        type="BOOKMARK",
        object={"kind": kind.kind, "apiVersion": kind.api_version, "metadata": meta},
    )
