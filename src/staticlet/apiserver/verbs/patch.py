"""patch: changes to the object that is there, in four languages."""

from __future__ import annotations

import enum
from typing import Any

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind, Object
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
from staticlet.kube import refusal
from staticlet.kube.document import UnreadableError
from staticlet.kube.patch import apply, fault, jsonpatch, merge, strategic
from staticlet.kube.validate import errors


class Language(enum.Enum):
    """How a patch is written, by its media type."""

    JSON = "application/json-patch+json"
    MERGE = "application/merge-patch+json"
    STRATEGIC = "application/strategic-merge-patch+json"
    APPLY = "application/apply-patch+yaml"


def language(content_type: str) -> Language:
    """The language of a patch.

    Raises:
        refusal.Refusal: 415, it is not known.
    """
    try:
        return Language(body.media_type(content_type))
    except ValueError as error:
        raise refusal.unsupported_media(one.value for one in Language) from error


async def patch(
    backend: Backend,
    call: calls.Call,
    kind: Kind,
    text: bytes,
    content_type: str,
    *,
    part: parts.Part,
) -> One:
    """Change an object, or a part of it; an apply makes it when it is not there.

    A patch that names no resourceVersion is made on whatever is there.

    Raises:
        refusal.Refusal: 415 for a language that is not known; 400 for a patch that cannot be read;
            404; 409 when it is for another version, or takes over another manager's fields; 422;
            what admission refuses.
    """
    spoken = language(content_type)
    applying = spoken is Language.APPLY
    asked = options.writing(call, "PatchOptions", apply=applying)
    try:
        read = body.parsed(text, yaml=applying)
    except UnreadableError as error:
        raise refusal.bad_request(f"cannot read the patch: {body.told(error)}") from error
    made = False

    def decide(record: Record | None) -> Decision:
        nonlocal made
        old = None if record is None else record.object()
        live = None if record is None else place.shown(kind, record)
        if old is None and (not applying or call.target.subresource):
            raise place.missing(kind, call.target.name)
        new = _patched(call, kind, live, read, spoken, asked)
        place.check_name(call, new)
        place.fill_namespace(kind, call, new)
        place.settle(kind, new)
        if old is None:
            made = True
            create.made(backend, call, kind, new, applied=True)
            return Put(new)
        revise.check_version(kind, new, old)
        return revise.decided(backend, call, kind, new, old, part=part, applied=applying)

    saved = await saving.save(backend, call, kind, place.key(kind, call), decide)
    return answers.with_code(saved, 201) if made else saved


def _patched(
    call: calls.Call,
    kind: Kind,
    old: Object | None,
    read: body.Parsed,
    spoken: Language,
    asked: options.Writing,
) -> Object:
    """The object as the patch makes it, of the right shape."""
    what, strictly = body.wanted(kind), asked.validation
    try:
        if spoken is Language.APPLY:
            config = body.fitted(call, read, what, validation=strictly)
            return _applied(call, kind, old, config, asked)
        data = _changed(kind, old or {}, read.data, spoken)
    except fault.Fault as error:
        raise error.refusal() from error
    changed = body.Parsed(data=data, duplicates=read.duplicates)
    return body.fitted(call, changed, what, validation=strictly, refuse=_refuse)


def _refuse(why: str) -> refusal.Refusal:
    return refusal.invalid("", "", "", [errors.invalid(("patch",), "", why)])


def _applied(
    call: calls.Call, kind: Kind, old: Object | None, config: Object, asked: options.Writing
) -> Object:
    return apply.apply(
        kind.struct,
        old,
        config,
        manager=call.manager,
        force=asked.force,
        now=call.now,
        api_version=kind.api_version,
        subresource=call.target.subresource,
    )


def _changed(kind: Kind, old: Object, change: Any, spoken: Language) -> Any:
    match spoken:
        case Language.JSON:
            return jsonpatch.apply(old, change)
        case Language.STRATEGIC:
            return strategic.apply(kind.struct, old, change)
        case _:
            return merge.apply(old, change)
