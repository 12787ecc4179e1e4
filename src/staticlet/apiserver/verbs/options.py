"""What a query, or the body of a deletion, asks for beside the path. Pure.

The rules are those of `ValidateListOptions`, `ValidateCreateOptions`, `ValidatePatchOptions` and
`ValidateDeleteOptions`; an option that breaks one is a 422 about the options' kind, a value that
cannot be read a 400.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staticlet.apiserver import calls
from staticlet.apiserver.verbs import query
from staticlet.kube import core, fieldpath, fieldselector, refusal, schema, selector
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors

VALIDATIONS = ("Ignore", "Warn", "Strict")
EXACT = "Exact"
NOT_OLDER = "NotOlderThan"
FOREGROUND, BACKGROUND, ORPHAN = "Foreground", "Background", "Orphan"
PROPAGATIONS = (FOREGROUND, BACKGROUND, ORPHAN)
LONGEST_MANAGER = 128
EVERYTHING = selector.Selector()


def _refuse(kind: str, found: Iterable[FieldError]) -> None:
    listed = list(found)
    if listed:
        raise refusal.invalid("meta.k8s.io", kind, "", listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """How an object is written.

    Attributes:
        validation: What becomes of unknown and duplicate fields: Ignore, Warn or Strict.
        force: Whether an apply takes over fields that others manage.
    """

    validation: str = "Warn"
    force: bool = False


def writing(call: calls.Call, kind: str, *, apply: bool = False) -> Writing:
    """Read the options of a creation, an update or a patch; the call learns of a dry run.

    Args:
        call: The request.
        kind: `CreateOptions`, `UpdateOptions` or `PatchOptions`.
        apply: Whether it is a server-side apply.

    Raises:
        refusal.Refusal: 422, an option breaks its rules.
    """
    asked = call.query
    validation = asked.get("fieldValidation") or "Warn"
    force = query.flag(asked, "force") if kind == "PatchOptions" else None
    _refuse(kind, _writing_errors(asked, validation, force=force, apply=apply))
    call.dry_run = call.dry_run or bool(asked.get("dryRun"))
    call.manager = asked.get("fieldManager") or call.manager
    return Writing(validation=validation, force=bool(force))


def _writing_errors(
    asked: Mapping[str, str], validation: str, *, force: bool | None, apply: bool
) -> errors.Errors:
    if apply and not asked.get("fieldManager"):
        yield errors.required(("fieldManager",), "is required for apply patch")
    if force is not None and not apply:
        yield errors.forbidden(("force",), "may not be specified for non-apply patch")
    yield from _manager(asked.get("fieldManager", ""))
    yield from _dry_run([asked["dryRun"]] if asked.get("dryRun") else [])
    yield from errors.one_of(("fieldValidation",), validation, VALIDATIONS)


def _manager(name: str) -> errors.Errors:
    path = ("fieldManager",)
    if len(name.encode("utf-8", "replace")) > LONGEST_MANAGER:
        yield errors.too_long(path, LONGEST_MANAGER)
    if not name.isprintable():
        yield errors.invalid(path, name, "should only contain printable characters")


def _dry_run(values: Sequence[Any]) -> errors.Errors:
    for value in values:
        if value != "All":
            yield errors.unsupported(("dryRun",), value, ("All",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a list or a watch asks for.

    Attributes:
        labels: The label selector.
        fields: The terms of the field selector; which fields a kind has is not yet looked at.
        version: The resourceVersion; None when none is given, 0 for any.
        match: `Exact`, `NotOlderThan`, or empty.
        limit: At most so many objects; 0 for all.
        token: Where to continue; empty for the beginning.
        timeout_s: How long a watch may last; None when it is not said.
        bookmarks: Whether a watch takes bookmarks.
        initial: Whether a watch begins with what there is; None when it is not said.
    """

    labels: selector.Selector = EVERYTHING
    fields: tuple[fieldselector.Term, ...] = ()
    version: int | None = None
    match: str = ""
    limit: int = 0
    token: str = ""
    timeout_s: int | None = None
    bookmarks: bool = False
    initial: bool | None = None


def reading(asked: Mapping[str, str], *, watch: bool) -> Reading:
    """Read the options of a list or a watch.

    Raises:
        refusal.Refusal: 400 or 422, one of them is not right.
    """
    timeout = query.whole(asked, "timeoutSeconds")
    limit = query.whole(asked, "limit") or 0
    initial = query.flag(asked, "sendInitialEvents")
    match = asked.get("resourceVersionMatch", "")
    try:
        labels = selector.parse(asked.get("labelSelector", ""))
        fields = fieldselector.terms(asked.get("fieldSelector", ""))
    except selector.SelectorError as error:
        raise refusal.bad_request(str(error)) from error
    rules = _watch_errors if watch else _list_errors
    _refuse("ListOptions", rules(asked, match, initial=initial))
    return Reading(
        labels=labels,
        fields=fields,
        version=query.version(asked),
        match=match,
        limit=max(limit, 0),
        token=asked.get("continue", ""),
        timeout_s=timeout if timeout and timeout > 0 else None,
        bookmarks=bool(query.flag(asked, "allowWatchBookmarks")),
        initial=initial,
    )


_MATCH = ("resourceVersionMatch",)
_NOT_ON_THE_WAY = "resourceVersionMatch is forbidden when continue is provided"


def _list_errors(asked: Mapping[str, str], match: str, *, initial: bool | None) -> errors.Errors:
    if match:
        if not asked.get("resourceVersion"):
            detail = "resourceVersionMatch is forbidden unless resourceVersion is provided"
            yield errors.forbidden(_MATCH, detail)
        if asked.get("continue"):
            yield errors.forbidden(_MATCH, _NOT_ON_THE_WAY)
        yield from errors.one_of(_MATCH, match, (EXACT, NOT_OLDER))
        if match == EXACT and asked.get("resourceVersion") == "0":
            detail = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
            yield errors.forbidden(_MATCH, detail)
    if initial is not None:
        yield errors.forbidden(("sendInitialEvents",), "sendInitialEvents is forbidden for list")


def _watch_errors(asked: Mapping[str, str], match: str, *, initial: bool | None) -> errors.Errors:
    if initial is not None and match != NOT_OLDER:
        detail = f"sendInitialEvents requires setting resourceVersionMatch to {NOT_OLDER}"
        yield errors.forbidden(_MATCH, detail)
    if match:
        if initial is None:
            detail = (
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            )
            yield errors.forbidden(_MATCH, detail)
        yield from errors.one_of(_MATCH, match, (NOT_OLDER,))
        if asked.get("continue"):
            yield errors.forbidden(_MATCH, _NOT_ON_THE_WAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleting:
    """How an object is deleted.

    Attributes:
        grace_s: The grace that is asked for; None when none is.
        uid: The uid that the object must have; empty for any.
        version: The resourceVersion that it must have; empty for any.
        propagation: Foreground, Background, Orphan, or empty.
        told_waiting: Whether 202 tells that the object stays for now.
    """

    grace_s: int | None = None
    uid: str = ""
    version: str = ""
    propagation: str = ""
    told_waiting: bool = False


def deleting(call: calls.Call, given: Mapping[str, Any]) -> Deleting:
    """The options of a deletion: from its body, else from its query; the call learns of a dry run.

    Args:
        call: The request.
        given: The DeleteOptions of the body, of the right shape; empty when there is no body.

    Raises:
        refusal.Refusal: 400 or 422, one of them is not right.
    """
    asked = call.query
    grace = given.get("gracePeriodSeconds", query.whole(asked, "gracePeriodSeconds"))
    orphan = given.get("orphanDependents", query.flag(asked, "orphanDependents"))
    propagation = given.get("propagationPolicy") or asked.get("propagationPolicy", "")
    dry_run = given.get("dryRun") or ([asked["dryRun"]] if asked.get("dryRun") else [])
    _refuse("DeleteOptions", _deleting_errors(propagation, dry_run, orphan=orphan))
    call.dry_run = call.dry_run or bool(dry_run)
    conditions = given.get("preconditions") or {}
    if orphan is not None:
        propagation = ORPHAN if orphan else BACKGROUND
    return Deleting(
        grace_s=1 if grace is not None and grace < 0 else grace,
        uid=conditions.get("uid", ""),
        version=conditions.get("resourceVersion", ""),
        propagation=propagation,
        told_waiting=propagation == FOREGROUND or orphan is False,
    )


def _deleting_errors(
    propagation: str, dry_run: Sequence[Any], *, orphan: bool | None
) -> errors.Errors:
    if propagation and orphan is not None:
        detail = "orphanDependents and deletionPropagation cannot be both set"
        yield errors.invalid(("propagationPolicy",), propagation, detail)
    yield from errors.one_of(("propagationPolicy",), propagation, PROPAGATIONS)
    yield from _dry_run(dry_run)


def checked_deletion(data: Any) -> dict[str, Any]:
    """DeleteOptions as plain data, of the right shape.

    Raises:
        refusal.Refusal: 400, a field has a wrong type.
    """
    checked = schema.check(data, core.DeleteOptions)
    for one in checked.differences:
        if one.fault is schema.Fault.WRONG_TYPE:
            where = fieldpath.render(one.path)
            about = f"{where}: {one.message}" if where else one.message
            raise refusal.bad_request(f"cannot read DeleteOptions: {about}")
    return dict(checked.value)
