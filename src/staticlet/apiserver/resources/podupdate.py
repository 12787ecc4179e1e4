"""What may be changed in a pod that exists (`ValidatePodUpdate`)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from staticlet.apiserver.resources.kind import Object
from staticlet.kube.fieldpath import Key, Path
from staticlet.kube.validate import errors, metadata, peek

_SPEC: Path = ("spec",)
_LONGEST_DEADLINE_S = 2**31 - 1
_MIRROR = metadata.MIRROR_ANNOTATION
_CHANGEABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)
_FREE = ("activeDeadlineSeconds", "tolerations", "schedulingGates")


def mirror(new: Object, old: Object) -> errors.Errors:
    """Whether a pod mirrors another is decided when it is made."""
    at = ("metadata", "annotations", Key(_MIRROR))
    before = peek.text_map(old["metadata"], "annotations")
    after = peek.text_map(new["metadata"], "annotations")
    if _MIRROR in after and _MIRROR not in before:
        yield errors.forbidden(at, "may not add mirror pod annotation")
    if _MIRROR in before and before[_MIRROR] != after.get(_MIRROR):
        yield errors.forbidden(at, "may not remove or update mirror pod annotation")


def spec(new: Object, old: Object) -> errors.Errors:
    """What may not be changed as it was in a spec; both are in the form of `podforms`."""
    after, before = new["spec"], old["spec"]
    for field in ("containers", "initContainers"):
        if len(peek.objects(after, field)) != len(peek.objects(before, field)):
            detail = "pod updates may not add or remove containers"
            yield errors.forbidden((*_SPEC, field), detail)
            return
    deadline = list(_deadline(after, before))
    yield from deadline
    if deadline:
        return
    yield from _tolerations(after, before)
    yield from _gates(after, before)
    kept = _with_changes_undone(after, before)
    if kept != before:
        changed = "".join(f"\n  {line}" for line in _differences(kept, before))
        detail = f"pod updates may not change fields other than {','.join(_CHANGEABLE)}{changed}"
        yield errors.forbidden(_SPEC, detail)


def _deadline(after: Object, before: Object) -> errors.Errors:
    at = (*_SPEC, "activeDeadlineSeconds")
    new = peek.number(after, "activeDeadlineSeconds")
    old = peek.number(before, "activeDeadlineSeconds")
    if new is None:
        if old is not None:
            detail = "must not update from a positive integer to nil value"
            yield errors.invalid(at, None, detail)
    elif not 0 <= new <= _LONGEST_DEADLINE_S:
        detail = f"must be between 0 and {_LONGEST_DEADLINE_S}, inclusive"
        yield errors.invalid(at, new, detail)
    elif old is not None and old < new:
        yield errors.invalid(at, new, "must be less than or equal to previous value")


def _tolerations(after: Object, before: Object) -> errors.Errors:
    known = [_without(one, "tolerationSeconds") for one in peek.objects(after, "tolerations")]
    for one in peek.objects(before, "tolerations"):
        if _without(one, "tolerationSeconds") not in known:
            detail = "existing toleration can not be modified except its tolerationSeconds"
            yield errors.forbidden((*_SPEC, "tolerations"), detail)
            return


def _gates(after: Object, before: Object) -> errors.Errors:
    known = [peek.text(gate, "name") for gate in peek.objects(before, "schedulingGates")]
    for gate in peek.objects(after, "schedulingGates"):
        name = peek.text(gate, "name")
        if name not in known:
            detail = f"only deletion is allowed, but found new scheduling gate '{name}'"
            yield errors.forbidden((*_SPEC, "schedulingGates"), detail)


def _without(obj: peek.Object, name: str) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key != name}


def _with_changes_undone(after: Object, before: Object) -> Object:
    """The new spec with everything that may change as it was before."""
    kept = {**after}
    for name in _FREE:
        if name in before:
            kept[name] = before[name]
        else:
            kept.pop(name, None)
    for field in ("containers", "initContainers"):
        pairs = zip(peek.objects(after, field), peek.objects(before, field), strict=True)
        if field in after:
            kept[field] = [{**new, "image": old.get("image")} for new, old in pairs]
    grace = peek.number(before, "terminationGracePeriodSeconds")
    if (grace or 0) < 0 and after.get("terminationGracePeriodSeconds") == 1:
        kept["terminationGracePeriodSeconds"] = grace
    return kept


def _differences(new: Any, old: Any, at: str = "") -> Iterator[str]:
    """A line for each field that differs, with both its values."""
    match new, old:
        case dict(), dict():
            for name in dict.fromkeys((*old, *new)):
                path = f"{at}.{name}" if at else name
                yield from _differences(new.get(name), old.get(name), path)
        case list(), list() if len(new) == len(old):
            for index, (one, other) in enumerate(zip(new, old, strict=True)):
                yield from _differences(one, other, f"{at}[{index}]")
        case _ if new != old:
            yield f"{at}: {_shown(old)} -> {_shown(new)}"


def _shown(value: Any) -> str:
    return "unset" if value is None else json.dumps(value, ensure_ascii=False)
