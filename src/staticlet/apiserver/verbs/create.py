"""create: a new object, named by the client or, with `generateName`, by the server."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Decision, Put, Record
from staticlet.apiserver.verbs import answers, body, managing, options, place, saving
from staticlet.apiserver.verbs.answers import One
from staticlet.apiserver.verbs.backend import Backend
from staticlet.kube import refusal, rfc3339
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors

LONGEST_BASE = 58
"""Of a generateName: so that five letters more still are a name."""

_TRIES = 8


async def create(
    backend: Backend, call: calls.Call, kind: Kind, text: bytes, content_type: str
) -> One:
    """Store the object of the body.

    Raises:
        refusal.Refusal: 400 for a body that is none; 409 when the name is taken; 422 for an object
            that breaks the kind's rules; what admission refuses.
    """
    asked = options.writing(call, "CreateOptions")
    what = body.wanted(kind)
    obj = body.decoded(call, text, content_type, what, validation=asked.validation)
    place.fill_namespace(kind, call, obj)
    place.settle(kind, obj)
    meta = obj["metadata"]
    base = "" if meta.get("name") else meta.get("generateName", "")
    made(backend, call, kind, obj)
    return await _saved(backend, call, kind, obj, base)


def made(
    backend: Backend, call: calls.Call, kind: Kind, obj: Object, *, applied: bool = False
) -> None:
    """Make what a client sent a new object: defaults, admission, metadata, rules; in place.

    The object is in its stored form, here and in all that follows.

    Args:
        backend: What there is to work with.
        call: The request.
        kind: The object's kind.
        obj: The object; changed in place.
        applied: Whether it brings its managed fields, by server-side apply.

    Raises:
        refusal.Refusal: It may not be made.
    """
    meta, strategy = obj["metadata"], kind.strategy
    if meta.pop("resourceVersion", ""):
        raise refusal.bad_request("resourceVersion should not be set on objects to be created")
    strategy.default(obj)
    if not applied:
        managing.begin(call, kind, obj)
    review = plugin.Review(
        call=call, kind=kind, operation="CREATE", object=obj, old=None, name=meta.get("name", "")
    )
    backend.admission.mutate(review, backend.store)
    meta = obj["metadata"]  # defaults may have made it anew
    saving.tidy(meta)
    for name in ("generation", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        meta.pop(name, None)
    meta["uid"] = backend.new_uid()
    meta["creationTimestamp"] = rfc3339.text(call.now)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = generated(backend, meta["generateName"])
    strategy.prepare_create(obj, call)
    saving.sound(kind, obj, strategy.check_create(obj) or _nameless(obj))
    backend.admission.validate(review, backend.store)
    for warning in strategy.warnings(obj):
        call.warn(warning)


def _nameless(obj: Object) -> Sequence[FieldError]:
    if obj["metadata"].get("name"):
        return ()
    return (errors.required(("metadata", "name"), "name or generateName is required"),)


def generated(backend: Backend, base: str) -> str:
    """A name that begins with a base."""
    return base[:LONGEST_BASE] + backend.new_suffix()


async def _saved(backend: Backend, call: calls.Call, kind: Kind, obj: Object, base: str) -> One:
    meta = obj["metadata"]

    def decide(there: Record | None) -> Decision:
        if there is not None:
            raise refusal.already_exists(kind.group_resource, meta["name"])
        return Put(obj)

    for tried in range(_TRIES if base else 1):
        if tried:
            meta["name"] = generated(backend, base)
        try:
            saved = await saving.save(
                backend, call, kind, place.key(kind, call, meta["name"]), decide
            )
        except refusal.Refusal as error:
            if error.reason != "AlreadyExists" or tried == _TRIES - 1 or not base:
                raise
        else:
            return answers.with_code(saved, 201)
    raise refusal.internal("no name could be generated")
