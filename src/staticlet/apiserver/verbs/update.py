"""update: the object of the body in place of the one that is there."""

from __future__ import annotations

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import Decision, Put, Record
from staticlet.apiserver.verbs import (
    answers,
    body,
    create,
    options,
    parts,
    place,
    revise,
    saving,
)
from staticlet.apiserver.verbs.answers import One
from staticlet.apiserver.verbs.backend import Backend


async def update(
    backend: Backend,
    call: calls.Call,
    kind: Kind,
    text: bytes,
    content_type: str,
    *,
    part: parts.Part,
) -> One:
    """Replace an object, or a part of it; a few kinds are made when they are not there.

    Raises:
        refusal.Refusal: 400 for a body that is none, or of another name; 404; 409 when the object
            is not the one that the body was made from; 422; what admission refuses.
    """
    asked = options.writing(call, "UpdateOptions")
    what = body.wanted(kind)
    new = body.decoded(call, text, content_type, what, validation=asked.validation)
    place.check_name(call, new)
    place.fill_namespace(kind, call, new)
    place.settle(kind, new)
    made = False

    def decide(record: Record | None) -> Decision:
        nonlocal made
        strategy = kind.strategy
        if record is None:
            fresh = not new["metadata"].get("resourceVersion")
            if call.target.subresource or not strategy.creates_on_update or not fresh:
                raise place.missing(kind, call.target.name)
            made = True
            create.made(backend, call, kind, new)
            return Put(new)
        old = record.object()
        revise.check_version(kind, new, old, required=strategy.needs_version)
        return revise.decided(backend, call, kind, new, old, part=part)

    saved = await saving.save(backend, call, kind, place.key(kind, call), decide)
    return answers.with_code(saved, 201) if made else saved
