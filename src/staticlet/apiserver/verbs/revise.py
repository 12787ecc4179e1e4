"""What updates and patches share: an object as it should be against the object as it is.

It all happens while the store lets nobody else write the object, so that a patch is made on what
is there, and nothing that another wrote meanwhile is lost.
"""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Decision, Keep, Put, Remove
from staticlet.apiserver.verbs import delete, managing, parts, query, saving
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal
from staticlet.kube.validate import errors

_VERSION = ("metadata", "resourceVersion")


def check_version(kind: Kind, new: Object, old: Object, *, required: bool = False) -> None:
    """See that the object was made from the one that is there.

    Args:
        kind: Its kind.
        new: As it should be; without a resourceVersion it is not compared.
        old: As it is.
        required: Whether the resourceVersion must be named.

    Raises:
        refusal.Refusal: 409, the version or the uid is another; 422, the version is not named.
    """
    meta, there = new["metadata"], old["metadata"]
    name, what = there.get("name", ""), kind.group_resource
    uid = meta.get("uid", "")
    if uid and uid != there.get("uid"):
        raise refusal.conflict(
            what,
            name,
            f"Precondition failed: UID in precondition: {uid}, "
            f"UID in object meta: {there.get('uid', '')}",
        )
    version = meta.get("resourceVersion", "")
    if version in ("", "0"):
        if required:
            found = errors.invalid(_VERSION, 0, "must be specified for an update")
            raise refusal.invalid(kind.group, kind.plural, name, [found])
        return
    if query.revision(version, "metadata.resourceVersion") != int(there["resourceVersion"]):
        raise refusal.conflict(what, name, refusal.CHANGED_MEANWHILE)


def decided(
    backend: Backend,
    call: calls.Call,
    kind: Kind,
    new: Object,
    old: Object,
    *,
    part: parts.Part,
    applied: bool = False,
) -> Decision:
    """Take a changed object through defaults, admission and the rules of its kind.

    Args:
        backend: What there is to work with.
        call: The request.
        kind: The object's kind.
        new: As it should be; changed in place.
        old: As it is.
        part: What of it is written.
        applied: Whether `new` brings its managed fields, by server-side apply.

    Raises:
        refusal.Refusal: It may not be.
    """
    there = old["metadata"]
    kind.strategy.default(new)
    review = plugin.Review(
        call=call, kind=kind, operation="UPDATE", object=new, old=old, name=there["name"]
    )
    backend.admission.mutate(review, backend.store)
    meta = new["metadata"]  # defaults may have made it anew
    saving.tidy(meta)
    meta["resourceVersion"] = there["resourceVersion"]
    meta["uid"] = there["uid"]
    for name in ("generation", "creationTimestamp", "deletionTimestamp"):
        if name in there:
            meta[name] = there[name]
        else:
            meta.pop(name, None)
    part.prepare(new, old)
    saving.sound(kind, new, part.check(new, old))
    backend.admission.validate(review, backend.store)
    for warning in kind.strategy.warnings(new):
        call.warn(warning)
    if _same(new, old):
        return Keep()
    if not applied:
        managing.note(call, kind, new, old)
    return Remove(new) if delete.let_go(kind, new, call.now) else Put(new)


def _same(new: Object, old: Object) -> bool:
    """Whether nothing changes; a client that leaves out the managed fields keeps them."""
    if not new["metadata"].get("managedFields") and "managedFields" in old["metadata"]:
        return {**new, "metadata": {**new["metadata"], "managedFields": None}} == {
            **old,
            "metadata": {**old["metadata"], "managedFields": None},
        }
    return new == old
