"""delete: at once, or gracefully where the kind has it so, or when the last finalizer has gone.

A pod that runs somewhere gets a time to go and stays until its node has removed it (a deletion
with a grace of 0); a second deletion may only shorten that time. What holds an object (finalizers,
the content of a namespace) keeps it, marked as going, until it lets go. What it owns is for the
garbage collector.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Decision, Keep, Key, Put, Record, Remove
from staticlet.apiserver.verbs import answers, body, cascade, options, place, saving
from staticlet.apiserver.verbs.answers import One, Plain
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal, rfc3339

_ACCEPTED = 202


async def delete(
    backend: Backend, call: calls.Call, kind: Kind, text: bytes, content_type: str
) -> One | Plain:
    """Delete an object, or begin to.

    Returns:
        The object where it stays for now, or where its kind has it so; else a Status.

    Raises:
        refusal.Refusal: 404; 409 when a precondition does not hold; what admission refuses.
    """
    asked = options.deleting(call, body.deletion(text, content_type))
    return await removed(backend, call, kind, place.key(kind, call), asked)


async def removed(
    backend: Backend,
    call: calls.Call,
    kind: Kind,
    key: Key,
    asked: options.Deleting,
    *,
    mark: Callable[[Object], None] | None = None,
    admit: bool = True,
) -> One | Plain:
    """Delete an object by its key.

    Args:
        backend: What there is to work with.
        call: The request.
        kind: The object's kind.
        key: Its key.
        asked: How.
        mark: Changes the object before it goes; not done when it is going already.
        admit: Whether admission is asked about the deletion.
    """
    gone = False

    def decide(record: Record | None) -> Decision:
        nonlocal gone
        if record is None:
            raise place.missing(kind, key.name)
        old = record.object()
        check_conditions(kind, old, asked)
        if admit:
            _admit(backend, call, kind, key.name, old)
        decision = decided(kind, old, asked, call.now, mark=mark)
        gone = isinstance(decision, Remove)
        return decision

    saved = await saving.save(backend, call, kind, key, decide)
    if not gone:
        return answers.with_code(saved, _ACCEPTED) if asked.told_waiting else saved
    return saved if kind.strategy.returns_deleted else _done(kind, saved)


def _admit(backend: Backend, call: calls.Call, kind: Kind, name: str, old: Object) -> None:
    review = plugin.Review(
        call=call, kind=kind, operation="DELETE", object=None, old=old, name=name
    )
    backend.admission.mutate(review, backend.store)
    backend.admission.validate(review, backend.store)


def check_conditions(kind: Kind, obj: Object, asked: options.Deleting) -> None:
    """See that the object is the one that is to be deleted.

    Raises:
        refusal.Refusal: 409, it is another.
    """
    meta = obj["metadata"]
    what = refusal.GroupResource(kind.group, kind.kind)
    if asked.uid and asked.uid != meta["uid"]:
        raise refusal.conflict(
            what,
            meta["name"],
            f"the UID in the precondition ({asked.uid}) does not match the UID in record "
            f"({meta['uid']}). The object might have been deleted and then recreated",
        )
    if asked.version and asked.version != meta["resourceVersion"]:
        raise refusal.conflict(
            what,
            meta["name"],
            f"the ResourceVersion in the precondition ({asked.version}) does not match the "
            f"ResourceVersion in record ({meta['resourceVersion']}). The object might have been "
            "modified",
        )


def decided(
    kind: Kind,
    obj: Object,
    asked: options.Deleting,
    now: datetime,
    *,
    mark: Callable[[Object], None] | None = None,
) -> Decision:
    """What becomes of an object that is deleted; it may be changed in place.

    Args:
        kind: Its kind.
        obj: As it is.
        asked: How it is to be deleted.
        now: When.
        mark: Changes the object before it goes.
    """
    meta = obj["metadata"]
    if meta.get("deletionTimestamp"):
        return _again(kind, obj, asked, now)
    at_once, grace = kind.strategy.prepare_delete(obj, asked.grace_s, now)
    if mark is not None:
        mark(obj)
    cascade.hold(meta, asked.propagation)
    if at_once and not meta.get("finalizers"):
        return Remove(obj)
    _mark(meta, 0 if at_once else grace, now)
    kind.strategy.begin_delete(obj)
    return Put(obj)


def let_go(kind: Kind, obj: Object, now: datetime) -> bool:
    """Whether nothing holds an object any more that is going, and whose time is over."""
    meta = obj["metadata"]
    if not meta.get("deletionTimestamp") or meta.get("deletionGracePeriodSeconds"):
        return False
    return not meta.get("finalizers") and kind.strategy.prepare_delete(obj, 0, now)[0]


def _again(kind: Kind, obj: Object, asked: options.Deleting, now: datetime) -> Decision:
    """What becomes of an object that is going already: its time may be shortened.

    While that time goes on, nothing else of its deletion may change.
    """
    meta = obj["metadata"]
    left = meta.get("deletionGracePeriodSeconds") or 0
    grace = asked.grace_s
    if left and (grace is None or grace >= left):
        return Keep()
    if left and grace is not None:
        began = rfc3339.moment(meta["deletionTimestamp"]) - _span(left)
        meta["deletionTimestamp"] = rfc3339.text(began + _span(grace))
        meta["deletionGracePeriodSeconds"] = grace
    changed = cascade.hold(meta, asked.propagation) or bool(left)
    if let_go(kind, obj, now):
        return Remove(obj)
    return Put(obj) if changed else Keep()


_LONGEST_GRACE = 100 * 365 * 24 * 3600
"""In seconds: dates that come later than a century could not be written."""


def _span(seconds: int) -> timedelta:
    return timedelta(seconds=min(seconds, _LONGEST_GRACE))


def _mark(meta: Object, grace: int | None, now: datetime) -> None:
    """Say in an object's metadata that it is going, and when."""
    meta["deletionTimestamp"] = rfc3339.text(now + _span(grace or 0))
    if grace is not None:
        meta["deletionGracePeriodSeconds"] = grace
    if meta.get("generation"):
        meta["generation"] += 1


def _done(kind: Kind, saved: One) -> Plain:
    meta = (saved.object or (saved.record.object() if saved.record else {})).get("metadata", {})
    details = {"name": meta.get("name", "")}
    if kind.group:
        details["group"] = kind.group
    details |= {"kind": kind.plural, "uid": meta.get("uid", "")}
    return answers.success(details=details)
