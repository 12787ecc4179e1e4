"""Server-side apply: a configuration is merged in, and its manager owns what it sets.

A field that the manager set before and leaves out now is removed, unless another manager owns it.
A field of another manager that would change is a conflict, unless the apply is forced: then it
changes hands. Fields that nobody owns (defaults) stay, and go with what they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from staticlet.kube import rfc3339
from staticlet.kube.patch import entries, fault, fieldset, layout, managed

if TYPE_CHECKING:
    import msgspec

Object: TypeAlias = dict[str, Any]


def apply(
    struct: type[msgspec.Struct],
    live: Mapping[str, Any] | None,
    config: Mapping[str, Any],
    *,
    manager: str,
    force: bool,
    now: datetime,
    api_version: str,
    subresource: str = "",
) -> Object:
    """Apply a configuration.

    Args:
        struct: The object's type.
        live: The object as it is; None when there is none.
        config: What is applied, of the right shape. Its nulls count as if they were not there.
        manager: Who applies.
        force: Whether the fields of others are taken where they differ.
        now: When.
        api_version: The version that both are in.
        subresource: Through which it is applied. The status is applied through `status` and by
            nothing else, which in turn applies nothing but it and metadata.

    Returns:
        The object with its managedFields, not defaulted yet; equal to the live one where nothing
        changed. Neither input is changed.

    Raises:
        fault.Fault: Conflicts with other managers (conflict); a list whose items cannot be told
            apart, or managedFields in the configuration (malformed).
    """
    here = layout.of(struct)
    wanted = _checked(here, _relevant(config, subresource))
    owner = entries.Owner(
        manager=manager, operation=entries.APPLY, api_version=api_version, subresource=subresource
    )
    known = entries.held(live)
    if live is not None and not known:
        before = managed.first(struct, live, now=now, api_version=api_version)
        known = [before] if before else []
    mine = next((entry for entry in known if entry.owner.same(owner)), None)
    others = [entry for entry in known if not entry.owner.same(owner)]
    fields = managed.tracked(fieldset.of_object(here, wanted), subresource)

    base = {} if live is None else live
    merged = _merged(here, base, wanted)
    if mine is not None:
        owned = fields
        for entry in others:
            owned = fieldset.union(owned, entry.fields)
        merged = _pruned(here, merged, mine.fields, owned, keep=("metadata",))
    changes = fieldset.compare(here, base, merged)
    others = _yielding(others, changes, force=force)

    same = mine is not None and not changes and mine.fields == fields
    time = mine.time if mine is not None and same else rfc3339.text(now)
    if fields:
        others.append(entries.Entry(owner, fields, time))
    return _with_entries(merged, entries.encode(entries.capped(others)))


def _relevant(config: Mapping[str, Any], subresource: str) -> Object:
    """The part of a configuration that counts."""
    metadata = config.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise fault.malformed("the configuration has metadata that are no object")
    if metadata.get("managedFields"):
        raise fault.malformed("metadata.managedFields must be nil")
    if subresource == "status":
        names = ("apiVersion", "kind", "metadata", "status")
        return {name: config[name] for name in names if name in config}
    if not subresource:
        return {name: value for name, value in config.items() if name != "status"}
    return dict(config)


def _with_entries(obj: Object, encoded: list[Object]) -> Object:
    metadata = {
        name: value
        for name, value in (obj.get("metadata") or {}).items()
        if name != "managedFields"
    }
    if encoded:
        metadata["managedFields"] = encoded
    return {**obj, "metadata": metadata}


def _yielding(
    others: Sequence[entries.Entry], changes: fieldset.Changes, *, force: bool
) -> list[entries.Entry]:
    """The others' entries after the write, where they may be touched."""
    result: list[entries.Entry] = []
    conflicts: list[tuple[str, str]] = []
    for entry in others:
        taken = fieldset.intersection(entry.fields, changes.changed)
        if taken and not force:
            conflicts += ((str(entry.owner), path) for path in fieldset.paths(taken))
        left = fieldset.difference(entry.fields, taken)
        left = fieldset.difference(left, changes.removed)
        if left:
            result.append(entries.Entry(entry.owner, left, entry.time))
    if conflicts:
        raise _conflict(conflicts)
    return result


def _conflict(conflicts: Sequence[tuple[str, str]]) -> fault.Fault:
    """The refusal, in kube-apiserver's words: kubectl prints and parses them."""
    if len(conflicts) == 1:
        owner, path = conflicts[0]
        message = f"Apply failed with 1 conflict: conflict with {owner}: {path}"
    else:
        lines: list[str] = []
        for owner in sorted({owner for owner, _ in conflicts}):
            lines.append(f"conflicts with {owner}:")
            lines += (f"- {path}" for one, path in conflicts if one == owner)
        message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines)
    causes = [fault.Cause(path, f"conflict with {owner}") for owner, path in conflicts]
    return fault.Fault(fault.Kind.CONFLICT, message, causes=causes)


def _checked(here: layout.Layout, config: Object) -> Object:
    """The configuration without nulls; its lists are such that items can be told apart."""
    fault.check_depth(config)
    checked: Object = _value_checked(here, config, "")
    return checked


def _value_checked(here: layout.Layout, value: Any, path: str) -> Any:
    match here.form:
        case layout.Form.STRUCT | layout.Form.MAP if isinstance(value, dict):
            return {
                name: _value_checked(here.child(name), inner, f"{path}.{name}")
                for name, inner in value.items()
                if inner is not None
            }
        case layout.Form.ITEMS | layout.Form.SET if isinstance(value, list):
            if here.identified(value) is None:
                raise fault.malformed(_not_told_apart(here, value, path))
            item = here.item or layout.LEAF
            return [_value_checked(item, inner, f"{path}[{at}]") for at, inner in enumerate(value)]
        case _:
            return value


def _not_told_apart(here: layout.Layout, value: Sequence[Any], path: str) -> str:
    seen: set[str] = set()
    for at, item in enumerate(value):
        if here.form is layout.Form.ITEMS and (key := here.missing_key(item)):
            return (
                f"{path}: element {at}: associative list with keys has an element that omits key "
                f'field "{key}"'
            )
        for element in here.identified([item]) or ():
            if element in seen:
                where = next(fieldset.paths({element: {}}))
                return f"{path}: duplicate entries for key {where}"
            seen.add(element)
    return f"{path}: an element is no plain value"


def _merged(here: layout.Layout, live: Any, config: Any) -> Any:
    match here.form:
        case layout.Form.STRUCT | layout.Form.MAP if _both(dict, live, config):
            result = dict(live)
            for name, value in config.items():
                result[name] = (
                    _merged(here.child(name), live[name], value) if name in live else value
                )
            return result
        case layout.Form.ITEMS | layout.Form.SET if _both(list, live, config):
            old = here.identified(live)
            new = here.identified(config)
            if old is not None and new is not None:
                return _merged_items(here.item or layout.LEAF, old, new)
    return config


def _both(kind: type, live: Any, config: Any) -> bool:
    return isinstance(live, kind) and isinstance(config, kind)


def _merged_items(
    item: layout.Layout, live: Mapping[str, Any], config: Mapping[str, Any]
) -> list[Any]:
    """Both lists as one: the configuration's items in its order, others where they stood."""
    result: list[Any] = []
    queue = list(config)
    shared = [key for key in queue if key in live]
    at = 0
    next_shared = 0
    for key, value in live.items():
        if key not in config:
            result.append(value)
        elif next_shared < len(shared) and key == shared[next_shared]:
            while at < len(queue):
                chosen = queue[at]
                at += 1
                result.append(_merged_item(item, live, config, chosen))
                if chosen == key:
                    break
            next_shared += 1
    result += (_merged_item(item, live, config, key) for key in queue[at:])
    return result


def _merged_item(
    item: layout.Layout, live: Mapping[str, Any], config: Mapping[str, Any], key: str
) -> Any:
    return _merged(item, live[key], config[key]) if key in live else config[key]


def _pruned(
    here: layout.Layout,
    value: Any,
    last: fieldset.Tree,
    owned: fieldset.Tree,
    keep: Sequence[str] = (),
) -> Any:
    """The value without what the manager set last and nobody owns now.

    A struct counts as set, and as owned, when any of its fields is; an item of a list or a key of
    a map only when it is itself.
    """
    match here.form:
        case layout.Form.STRUCT | layout.Form.MAP if isinstance(value, dict):
            result = dict(value)
            for name, inner in value.items():
                gone, rest = _judged(here, f"f:{name}", last, owned)
                if gone and name not in keep:
                    del result[name]
                elif rest is not None:
                    result[name] = _pruned(here.child(name), inner, *rest)
            return result
        case layout.Form.ITEMS | layout.Form.SET if isinstance(value, list):
            items = here.identified(value)
            if items is None:
                return value
            kept: list[Any] = []
            for element, inner in items.items():
                gone, rest = _judged(here, element, last, owned)
                if not gone:
                    item = here.item or layout.LEAF
                    kept.append(inner if rest is None else _pruned(item, inner, *rest))
            return kept
        case _:
            return value


def _judged(
    here: layout.Layout, element: str, last: fieldset.Tree, owned: fieldset.Tree
) -> tuple[bool, tuple[fieldset.Tree, fieldset.Tree] | None]:
    """Whether a part goes; and where it has parts of its own to look at, their sets."""
    was = last.get(element)
    if was is None:
        return False, None
    now = owned.get(element)
    named = here.form is layout.Form.STRUCT
    was_set = named or fieldset.is_member(was)
    is_owned = now is not None and (named or fieldset.is_member(now))
    return was_set and not is_owned, (
        fieldset.beneath(was),
        fieldset.beneath(now) if now is not None else {},
    )
