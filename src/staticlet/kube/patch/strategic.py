"""Strategic merge patch: a merge patch that knows which lists merge, and by which key.

Where the table of merge keys says so, a list's items are merged with the patch's by their key, or
as a set when they are plain values; all other lists are replaced. Directives in the patch:
`$patch: replace` and `$patch: delete` for maps and for items of lists, `$retainKeys` for unions,
`$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`. The order of merged lists, and
the words for faults, follow kube-apiserver: items that are new come before those that only the
server has.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from staticlet.kube import shape
from staticlet.kube.patch import elementorder, fault, mergekeys

if TYPE_CHECKING:
    import msgspec

Object: TypeAlias = dict[str, Any]

_PATCH = "$patch"
_RETAIN = "$retainKeys"
_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"
_ABSENT: Any = object()


def apply(struct: type[msgspec.Struct], target: Mapping[str, Any], patch: object) -> Object:
    """Apply a strategic merge patch to an object.

    Args:
        struct: The object's type.
        target: The object as plain data; not changed.
        patch: The decoded patch. Its nulls delete.

    Returns:
        The patched object; it may share parts with both.

    Raises:
        fault.Fault: The patch is no map or is nested too deep, a directive is not as it should
            be (malformed), or it does not go with the object: a list's item without its merge
            key, an order that is not the list's (unfit).
    """
    if not isinstance(patch, dict):
        raise fault.malformed("a strategic merge patch is an object")
    fault.check_depth(patch)
    return _merge(shape.of(struct), target, patch)


def _merge(here: shape.Shape, target: Mapping[str, Any], patch: Object) -> Object:
    if _PATCH in patch:
        return _directed(patch)
    result = _retained(target, patch)
    ordered = _merge_ordered(here, result, patch)
    for key, value in patch.items():
        if key == _RETAIN or key.startswith(_ORDER) or key in ordered:
            continue
        deletes = key.startswith(_DELETE_FROM)
        name = key.removeprefix(_DELETE_FROM) if deletes else key
        if value is None or (_deletes(value) and name not in result):
            result.pop(name, None)
        elif not deletes or type(value) is type(result.get(name)):
            result[name] = _value(here, name, result.get(name, _ABSENT), value, deletes=deletes)
    return result


def _directed(patch: Object) -> Object:
    """What a map with `$patch` stands for."""
    match patch[_PATCH]:
        case "replace":
            replaced: Object = _plain(patch)
            return replaced
        case "delete":
            return {}
        case other:
            raise fault.unfit(f"unknown patch type: {other} in map: {_shown(patch)}")


def _retained(target: Mapping[str, Any], patch: Object) -> Object:
    """The target with only the fields of `$retainKeys`, where the patch has that."""
    if _RETAIN not in patch:
        return dict(target)
    if not isinstance(patch[_RETAIN], list):
        raise fault.malformed("invalid patch format of retainKeys")
    kept = {key for key in patch[_RETAIN] if isinstance(key, str)}
    for key, value in patch.items():
        directive = key == _RETAIN or key.startswith((_DELETE_FROM, _ORDER))
        if value is not None and not directive and key not in kept:
            raise fault.malformed("invalid patch format of retainKeys")
    return {key: value for key, value in target.items() if key in kept}


def _merge_ordered(here: shape.Shape, result: Object, patch: Object) -> set[str]:
    """Merge the lists that the patch orders, in place; their names are returned."""
    done: set[str] = set()
    for directive, order in patch.items():
        if not directive.startswith(_ORDER):
            continue
        if not isinstance(order, list):
            raise fault.malformed("invalid patch format of setElementOrder list")
        name = directive.removeprefix(_ORDER)
        old, given = result.get(name), patch.get(name)
        for found in (old, given):
            if not isinstance(found, list | None):
                raise fault.unfit(f"expected a list in {name}, but received {_shown(found)}")
        if old is None and given is None:
            continue
        rule = _rule(here, name)
        if given is not None:
            _check_order(given, order, rule.merge_key)
            done.add(name)
        server: list[Any] = old or []
        merged = server if given is None else _value(here, name, server, given, deletes=False)
        identify = elementorder.by(rule.merge_key)
        result[name] = elementorder.arranged(merged, order, server, identify)
    return done


def _check_order(given: list[Any], order: list[Any], merge_key: str) -> None:
    """The patch's items stand in the order that the patch gives."""
    identify = elementorder.by(merge_key)
    rest = iter([identify(item) for item in order])
    for item in given:
        if _deletes(item):
            continue
        wanted = identify(item)
        if all(wanted != found for found in rest):
            raise fault.unfit(
                f"The order in patch list:\n{_shown(given)}\n doesn't match "
                f"$setElementOrder list:\n{_shown(order)}\n"
            )


def _value(here: shape.Shape, name: str, old: Any, new: Any, *, deletes: bool) -> Any:
    """One field: merged where both sides are maps, or lists that merge; else the patch's."""
    if isinstance(new, dict) and isinstance(old, dict):
        return _merge(_child(here, name), old, new)
    if isinstance(new, list) and isinstance(old, list):
        rule = _rule(here, name)
        if rule.merge:
            return _merge_lists(_item(here, name), rule, old, new, deletes=deletes)
    return _plain(new)


def _merge_lists(
    item: shape.Shape, rule: mergekeys.ListRule, old: list[Any], new: list[Any], *, deletes: bool
) -> list[Any]:
    if not old and not new:
        return old
    maps = _of_maps(old, new)
    if maps != bool(rule.merge_key):
        what = "maps" if maps else "plain values"
        raise fault.unfit(f"cannot merge lists of {what} here: {_shown(new)}")
    identify = elementorder.by(rule.merge_key)
    if not maps:
        if deletes:
            gone = {identify(value) for value in new}
            return [value for value in old if identify(value) not in gone]
        merged = elementorder.unique([*old, *new], identify)
        return elementorder.arranged(merged, new, old, identify)
    base, rest = _without_directives(rule.merge_key, old, new)
    merged = _merge_items(item, rule.merge_key, base, rest)
    return elementorder.arranged(merged, rest, base, identify)


def _of_maps(old: list[Any], new: list[Any]) -> bool:
    """Whether the items are maps; they must all be of one sort, and no lists."""
    kinds = {type(value) for value in (*old, *new)}
    if list in kinds:
        raise fault.unfit("lists of lists are not supported")
    if dict in kinds and len(kinds) > 1:
        raise fault.unfit(f"list element types are not identical: {_shown(new)}")
    return dict in kinds


def _without_directives(
    merge_key: str, old: list[Any], new: list[Any]
) -> tuple[list[Any], list[Any]]:
    """The old items but those the patch deletes, and the patch's items without directives."""
    gone: set[Hashable] = set()
    rest: list[Any] = []
    replace = False
    for value in new:
        if _PATCH not in value:
            rest.append(value)
            continue
        match value[_PATCH]:
            case "delete":
                gone.add(elementorder.identity(_key_of(value, merge_key)))
            case "replace":
                replace = True
            case "merge":
                raise fault.unfit("merging lists cannot yet be specified in the patch")
            case other:
                raise fault.unfit(f"unknown patch type: {other} in map: {_shown(value)}")
    base = [] if replace else old
    if gone:
        identify = elementorder.by(merge_key)
        base = [item for item in base if merge_key not in item or identify(item) not in gone]
    return base, rest


def _merge_items(item: shape.Shape, merge_key: str, old: list[Any], new: list[Any]) -> list[Any]:
    merged = list(old)
    places: dict[Any, int] = {}
    for at, value in enumerate(old):
        places.setdefault(elementorder.identity(_key_of(value, merge_key)), at)
    for value in new:
        key = elementorder.identity(_key_of(value, merge_key))
        if key in places:
            merged[places[key]] = _merge(item, merged[places[key]], value)
        else:
            places[key] = len(merged)
            merged.append(_plain(value))
    return merged


def _key_of(value: Object, merge_key: str) -> Any:
    if merge_key not in value:
        raise fault.unfit(f"map: {_shown(value)} does not contain declared merge key: {merge_key}")
    return value[merge_key]


def _plain(value: Any) -> Any:
    """What a patch's value becomes where nothing was: without nulls and directives."""
    if isinstance(value, dict):
        return {
            key: _plain(inner)
            for key, inner in value.items()
            if inner is not None
            and key not in (_PATCH, _RETAIN)
            and not key.startswith((_DELETE_FROM, _ORDER))
            and not _deletes(inner)
        }
    if isinstance(value, list):
        return [
            _plain(inner) for inner in value if not (isinstance(inner, dict) and _PATCH in inner)
        ]
    return value


def _deletes(value: Any) -> bool:
    return isinstance(value, dict) and value.get(_PATCH) == "delete"


def _child(here: shape.Shape, name: str) -> shape.Shape:
    """The shape of a field; `Anything` where the type has no such field."""
    match here:
        case shape.Record():
            return here.fields.get(name, _ANYTHING)
        case shape.MapOf(value):
            return value
        case _:
            return _ANYTHING


def _item(here: shape.Shape, name: str) -> shape.Shape:
    child = _child(here, name)
    return child.item if isinstance(child, shape.ListOf) else _ANYTHING


def _rule(here: shape.Shape, name: str) -> mergekeys.ListRule:
    if isinstance(here, shape.Record):
        return mergekeys.of(here.struct, name)
    return mergekeys.ATOMIC


_ANYTHING = shape.Anything()


_LIMIT_SHOWN = 1000


def _shown(value: Any) -> str:
    """Plain data in a message, as kube-apiserver shows it; the rest of much is left out."""
    text = _go(value)
    return text if len(text) <= _LIMIT_SHOWN else f"{text[:_LIMIT_SHOWN]}…"


def _go(value: Any) -> str:
    """Plain data as Go prints it."""
    match value:
        case dict():
            inner = " ".join(f"{key}:{_go(value[key])}" for key in sorted(value))
            return f"map[{inner}]"
        case list():
            return f"[{' '.join(_go(item) for item in value)}]"
        case bool():
            return str(value).lower()
        case None:
            return "<nil>"
        case _:
            return str(value)
