"""deletecollection: every object that a list would show, each deleted as if alone."""

from __future__ import annotations

import asyncio
from itertools import islice

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import Key
from staticlet.apiserver.verbs import body, delete, listing, options
from staticlet.apiserver.verbs.answers import Many
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal

_AT_ONCE = 64
"""So many deletions share the disk's attention."""


async def delete_collection(
    backend: Backend, call: calls.Call, kind: Kind, text: bytes, content_type: str
) -> Many:
    """Delete what the query selects.

    Returns:
        The objects as they were listed.

    Raises:
        refusal.Refusal: The first refusal of a deletion; the others were made nevertheless.
    """
    asked = options.deleting(call, body.deletion(text, content_type))
    found = await listing.listed(backend, call, kind)
    left = iter(found.records)
    refused: list[refusal.Refusal] = []
    while some := tuple(islice(left, _AT_ONCE)):
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(
                    _delete(backend, call, kind, record.key, asked),
                    name=f"delete {record.key.resource} {record.key.name}",
                )
                for record in some
            ]
        refused += [error for task in tasks if (error := task.result()) is not None]
    if refused:
        raise refused[0]
    return found


async def _delete(
    backend: Backend, call: calls.Call, kind: Kind, key: Key, asked: options.Deleting
) -> refusal.Refusal | None:
    try:
        await delete.removed(backend, call, kind, key, asked)
    except refusal.Refusal as error:
        return None if error.reason == "NotFound" else error
    return None
