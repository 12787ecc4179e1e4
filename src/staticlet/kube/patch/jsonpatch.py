"""JSON patch, RFC 6902: a list of operations, all of which must succeed.

The package jsonpatch does the operations; it is loaded when the first patch comes. Around it
stand the bounds that kube-apiserver has: how many operations, and how much their copies make.
"""

from __future__ import annotations

from typing import Any

import msgspec

from staticlet.kube import plain
from staticlet.kube.patch import fault, merge

LIMIT_OPERATIONS = 10_000
LIMIT_COPIED_BYTES = 3 * 1024 * 1024
_NEEDS = {
    "add": "value",
    "copy": "from",
    "move": "from",
    "remove": "",
    "replace": "value",
    "test": "value",
}


def apply(target: merge.JSON, operations: object) -> merge.JSON:
    """Apply a JSON patch.

    Args:
        target: Plain data; not changed.
        operations: The decoded patch.

    Returns:
        The patched data, sharing no lists or maps with the target.

    Raises:
        fault.Fault: It is no JSON patch (malformed), has too many operations (too large), or one
            of them fails (unfit): nothing there to remove, a test that does not hold.
    """
    checked = _check(operations)
    fault.check_depth(operations)
    try:
        result: merge.JSON = _applied(plain.copied(target), plain.copied(checked))
    except RecursionError:
        raise fault.too_deep() from None
    fault.check_depth(result)
    return result


def _check(operations: object) -> list[Any]:
    if not isinstance(operations, list):
        raise fault.malformed("a JSON patch is a list of operations")
    if len(operations) > LIMIT_OPERATIONS:
        raise fault.Fault(
            fault.Kind.TOO_LARGE,
            f"The allowed maximum operations in a JSON patch is {LIMIT_OPERATIONS}, "
            f"got {len(operations)}",
        )
    for index, operation in enumerate(operations):
        _check_one(index, operation)
    return operations


def _check_one(index: int, operation: object) -> None:
    if not isinstance(operation, dict):
        raise fault.malformed(f"operation {index} of the JSON patch is no object")
    name = operation.get("op")
    if not isinstance(name, str) or name not in _NEEDS:
        known = ", ".join(_NEEDS)
        raise fault.malformed(f"operation {index} has an op that is none of {known}")
    path = operation.get("path")
    if not isinstance(path, str):
        raise fault.malformed(f"operation {index} ({name}) has no path")
    if path.count("/") > fault.LIMIT_DEPTH:
        raise fault.too_deep()
    needed = _NEEDS[name]
    if needed and needed not in operation:
        raise fault.malformed(f"operation {index} ({name}) has no {needed}")
    if needed == "from" and not isinstance(operation["from"], str):
        raise fault.malformed(f"operation {index} ({name}) has a from that is no path")


def _applied(target: Any, operations: list[dict[str, Any]]) -> Any:
    import jsonpatch  # only by those who need it: the agent does not

    copied = 0
    for index, operation in enumerate(operations):
        name, path = operation["op"], operation["path"]
        try:
            if name == "test":
                _test(jsonpatch.JsonPointer(path).resolve(target, None), operation["value"])
                continue
            if name == "copy":
                source = jsonpatch.JsonPointer(operation["from"]).resolve(target)
                copied += len(msgspec.json.encode(source))
                if copied > LIMIT_COPIED_BYTES:
                    raise fault.unfit(
                        f"operation {index} (copy): copies make more than "
                        f"{LIMIT_COPIED_BYTES} bytes"
                    )
            target = jsonpatch.JsonPatch([operation]).apply(target, in_place=True)
        except (
            jsonpatch.JsonPatchException,
            jsonpatch.JsonPointerException,
            LookupError,
            TypeError,
            ValueError,
            AttributeError,
        ) as error:
            why = str(error) or type(error).__name__
            raise fault.unfit(f"operation {index} ({name} {path}): {why}") from error
    return target


def _test(found: object, wanted: object) -> None:
    """A value that is not there equals null, as kube-apiserver has it."""
    if type(found) is not type(wanted) or found != wanted:
        raise ValueError("the value is another: testing failed")
