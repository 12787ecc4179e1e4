"""Sets of fields in the form of FieldsV1, and the sets that objects and their differences make.

A set is a tree of maps by path elements. A leaf is a member; so is a node that holds `.`; other
nodes only lead to members. That is the form that managedFields keeps on the wire, so there is
nothing to encode, and the algebra works on the trees as they are. Sets are values: no function
here changes one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from staticlet.kube.patch import fault, layout

Tree: TypeAlias = dict[str, Any]

_SELF = "."
_PREFIXES = ("f:", "k:", "v:", "i:")
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Changes:
    """What became different between two states of an object.

    Attributes:
        changed: Fields that are new or have another value.
        removed: Fields that are gone.
    """

    changed: Tree
    removed: Tree

    def __bool__(self) -> bool:
        return bool(self.changed or self.removed)


def decode(raw: object) -> Tree:
    """Take a set from a client.

    Raises:
        fault.Fault: It is no FieldsV1.
    """
    fault.check_depth(raw)
    if not _is_tree(raw, root=True):
        raise fault.malformed("metadata.managedFields has fieldsV1 that are no set of fields")
    tree: Tree = raw  # type: ignore[assignment]  # _is_tree has looked
    return tree


def _is_tree(raw: object, *, root: bool = False) -> bool:
    if not isinstance(raw, dict):
        return False
    return all(
        _is_tree(node) if key.startswith(_PREFIXES) else key == _SELF and node == {} and not root
        for key, node in raw.items()
    )


def is_member(node: Tree) -> bool:
    """Whether the node itself, not only what is beneath it, is in the set."""
    return not node or _SELF in node


def beneath(node: Tree) -> Tree:
    """The set of what is beneath a node, seen from there."""
    if _SELF not in node:
        return node
    return {key: inner for key, inner in node.items() if key != _SELF}


def _node(inner: Tree, *, member: bool) -> Tree:
    return {_SELF: {}, **inner} if member and inner else inner


def union(one: Tree, other: Tree) -> Tree:
    """The fields of either."""
    if not one or not other:
        return one or other
    result = dict(one)
    for key, theirs in other.items():
        ours = result.get(key)
        if ours is None:
            result[key] = theirs
        elif ours is not theirs:
            member = is_member(ours) or is_member(theirs)
            result[key] = _node(union(beneath(ours), beneath(theirs)), member=member)
    return result


def difference(one: Tree, other: Tree) -> Tree:
    """The fields of one that the other does not have."""
    if not one or not other:
        return one
    result: Tree = {}
    for key, ours in one.items():
        theirs = other.get(key)
        if theirs is None:
            result[key] = ours
            continue
        member = is_member(ours) and not is_member(theirs)
        inner = difference(beneath(ours), beneath(theirs))
        if member or inner:
            result[key] = _node(inner, member=member)
    return result


def intersection(one: Tree, other: Tree) -> Tree:
    """The fields of both."""
    result: Tree = {}
    for key in one.keys() & other.keys():
        ours, theirs = one[key], other[key]
        member = is_member(ours) and is_member(theirs)
        inner = intersection(beneath(ours), beneath(theirs))
        if member or inner:
            result[key] = _node(inner, member=member)
    return result


def paths(tree: Tree, before: str = "") -> Iterator[str]:
    """The fields of a set as kube-apiserver writes them: `.spec.containers[name="c"].image`."""
    for key in sorted(tree):
        if key == _SELF:
            continue
        here = before + _step(key)
        if is_member(tree[key]):
            yield here
        yield from paths(beneath(tree[key]), here)


def _step(element: str) -> str:
    rest = element[2:]
    match element[:2]:
        case "f:":
            return f".{rest}"
        case "k:":
            try:
                keys = json.loads(rest)
            except ValueError:
                return f"[{rest}]"
            if not isinstance(keys, dict):
                return f"[{rest}]"
            pairs = (f"{name}={json.dumps(keys[name], ensure_ascii=False)}" for name in keys)
            return f"[{','.join(pairs)}]"
        case "v:":
            return f"[={rest}]"
        case _:
            return f"[{rest}]"


def of_object(here: layout.Layout, value: Mapping[str, Any]) -> Tree:
    """The fields that a configuration sets: those who apply it own them."""
    return _inside(here, value, parents=False)


def compare(here: layout.Layout, old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """What is different in the new state; costs as much as there is difference."""
    changed, removed = _differences(here, old, new)
    return Changes(changed, removed)


def _inside(here: layout.Layout, value: Any, *, parents: bool) -> Tree:
    """The set of what is in a value: with all nodes on the way, or only as far as they are set."""
    match here.form:
        case layout.Form.STRUCT | layout.Form.MAP if isinstance(value, Mapping):
            return {
                f"f:{name}": _whole(here.child(name), inner, parents=parents, member=parents)
                for name, inner in value.items()
                if parents or _sets(here.child(name), inner)
            }
        case layout.Form.ITEMS | layout.Form.SET if isinstance(value, list):
            items = here.identified(value) or {}
            item = here.item or layout.LEAF
            return {
                element: _whole(item, inner, parents=parents, member=True)
                for element, inner in items.items()
            }
        case _:
            return {}


def _whole(here: layout.Layout, value: Any, *, parents: bool, member: bool) -> Tree:
    inner = _inside(here, value, parents=parents)
    return _node(inner, member=member or not inner)


def _sets(here: layout.Layout, value: Any) -> bool:
    """Whether a value of a field sets anything: an empty list that merges does not."""
    return not (
        here.form in (layout.Form.ITEMS, layout.Form.SET) and isinstance(value, list) and not value
    )


def _differences(here: layout.Layout, old: Any, new: Any) -> tuple[Tree, Tree]:
    """What changed and what is gone inside a value that was and is there and has parts."""
    match here.form:
        case layout.Form.STRUCT | layout.Form.MAP:
            return _each(here, "f:", old or {}, new or {})
        case _:
            before, after = here.identified(old or ()), here.identified(new or ())
            return _each(here, "", before or {}, after or {})


def _each(
    here: layout.Layout, prefix: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> tuple[Tree, Tree]:
    changed: Tree = {}
    removed: Tree = {}
    for name, after in new.items():
        before = old.get(name, _ABSENT)
        if before is after or before == after:
            continue
        child = here.child(name) if prefix else here.item or layout.LEAF
        element = prefix + name
        if before is _ABSENT:
            changed[element] = _whole(child, after, parents=True, member=True)
        elif _have_parts(child, before, after):
            more, less = _differences(child, before, after)
            if more:
                changed[element] = more
            if less:
                removed[element] = less
        else:
            changed[element] = {}
    for name, before in old.items():
        if name not in new:
            child = here.child(name) if prefix else here.item or layout.LEAF
            removed[prefix + name] = _whole(child, before, parents=True, member=True)
    return changed, removed


def _have_parts(here: layout.Layout, old: Any, new: Any) -> bool:
    """Whether two values are compared part by part: not where both are empty."""
    if not old and not new:
        return False
    match here.form:
        case layout.Form.STRUCT | layout.Form.MAP:
            return isinstance(old, dict | None) and isinstance(new, dict | None)
        case layout.Form.ITEMS | layout.Form.SET:
            return (
                isinstance(old, list | None)
                and isinstance(new, list | None)
                and here.identified(old or ()) is not None
                and here.identified(new or ()) is not None
            )
        case _:
            return False
