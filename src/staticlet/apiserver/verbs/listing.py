"""list: the objects of a resource, at one revision, in pages where the client wants them."""

from __future__ import annotations

import bisect
import itertools

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import Future, Gone, Key, Listing, Record
from staticlet.apiserver.verbs import freshness, options, pages, place, selection
from staticlet.apiserver.verbs.answers import Many
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal


async def listed(backend: Backend, call: calls.Call, kind: Kind) -> Many:
    """The objects that the request selects.

    Without `resourceVersion`, or with 0, they are as they are now; everything is in memory, so the
    newest costs no more than the older that 0 would allow. A page goes on at the revision of the
    first.

    Raises:
        refusal.Refusal: 400 or 422 for options that are not right; 410 when that revision is not
            kept any more; 504 when it does not come.
    """
    asked = options.reading(call.query, watch=False)
    chosen = selection.of(kind, asked)
    where = place.namespace(kind, call)
    if not asked.token:
        listing = await _snapshot(backend, kind, where, asked)
        return _page(kind, listing, 0, asked, chosen)
    if asked.version:
        raise refusal.bad_request("specifying resource version is not allowed when using continue")
    start = pages.read(asked.token)
    listing = _continued(backend, kind, where, start)
    after = Key(kind.key_resource, start.namespace, start.name)
    first = bisect.bisect_right(listing.records, after.path, key=_path)
    return _page(kind, listing, first, asked, chosen)


def _path(record: Record) -> str:
    return record.key.path


async def _snapshot(backend: Backend, kind: Kind, where: str, asked: options.Reading) -> Listing:
    if not asked.version:
        return backend.store.list(kind.key_resource, where)
    await freshness.reached(backend.store, asked.version)
    exact = asked.match == options.EXACT or (asked.limit and not asked.match)
    if not exact:
        return backend.store.list(kind.key_resource, where)
    try:
        return backend.store.list(kind.key_resource, where, revision=asked.version)
    except Gone as error:
        raise refusal.expired(
            f"The resourceVersion for the provided list is too old: {error}"
        ) from error


_LOST = (
    "the snapshot that the continue token belongs to is not kept any more: list anew without a "
    "token, or go on with the token in this answer, which shows the rest as it is now"
)


def _continued(backend: Backend, kind: Kind, where: str, start: pages.Place) -> Listing:
    revision = None if start.revision == pages.ANY else start.revision
    try:
        return backend.store.list(kind.key_resource, where, revision=revision)
    except (Gone, Future) as error:
        again = pages.token(pages.Place(pages.ANY, start.namespace, start.name))
        raise refusal.Refusal(410, "Expired", _LOST, more=again) from error


def _page(
    kind: Kind,
    listing: Listing,
    first: int,
    asked: options.Reading,
    chosen: selection.Selection,
) -> Many:
    """The page that begins with the record of this index."""
    every, limit = listing.records, asked.limit
    remaining = None
    if chosen.everything:
        last = min(first + limit, len(every)) if limit else len(every)
        records = tuple(every[first:last])
        left = len(every) - last
        remaining = left or None
    else:
        found = filter(chosen.matches, itertools.islice(every, first, None))
        records = tuple(itertools.islice(found, limit or None))
        left = 1 if limit and next(found, None) is not None else 0
    more = ""
    if left:
        key = records[-1].key
        more = pages.token(pages.Place(listing.revision, key.namespace, key.name))
    return Many(
        kind=kind, records=records, revision=listing.revision, more=more, remaining=remaining
    )
