"""Deletions that leave behind what the object owns (`propagationPolicy: Orphan`).

kube-apiserver leaves this to the garbage collector, for which a finalizer waits. Here the owner is
taken off its dependents before it goes, whether a collector runs or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import Decision, Keep, Put, Record
from staticlet.apiserver.verbs import saving
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal
from staticlet.kube.plain import objects


async def release(backend: Backend, call: calls.Call, kind: Kind, owner: Record) -> None:
    """Take an object off the owners of all that it owns; a dry run does nothing.

    Raises:
        refusal.Refusal: 507 or 500 when the disk does not take it.
    """
    if call.dry_run:
        return
    uid = owner.object()["metadata"]["uid"]
    for of_kind, record in _mentioning(backend, kind, owner, uid):
        try:
            await saving.save(backend, call, of_kind, record.key, partial(_without, uid))
        except refusal.Refusal as refused:
            if refused.reason != "NotFound":  # gone meanwhile
                raise


def _mentioning(
    backend: Backend, kind: Kind, owner: Record, uid: str
) -> Iterator[tuple[Kind, Record]]:
    """What may have this owner: in its namespace, or anywhere when it has none."""
    trace = msgspec.json.encode(uid)
    within = owner.key.namespace if kind.namespaced else ""
    for one in backend.kinds:
        if "list" in one.verbs and not one.stored_as:
            for record in backend.store.list(one.key_resource, within).records:
                if trace in record.encoded and record.key != owner.key:
                    yield one, record


def _without(uid: str, there: Record | None) -> Decision:
    if there is None:
        return Keep()
    obj = there.object()
    meta = obj["metadata"]
    owners = objects(meta, "ownerReferences")
    left = [one for one in owners if one.get("uid") != uid]
    if len(left) == len(owners):
        return Keep()
    meta["ownerReferences"] = left
    saving.tidy(meta)
    return Put(obj)
