"""JSON merge patch, RFC 7386: maps merge key by key, null deletes, anything else replaces.

Lists are replaced whole. The inputs are never changed; the result may share parts with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from staticlet.kube.patch import fault

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"


def apply(target: JSON, patch: JSON) -> JSON:
    """Apply a merge patch.

    Args:
        target: Plain data; what is not a map counts as an empty one when the patch is a map.
        patch: Plain data. Its nulls delete, at any depth of maps; nulls in lists stay.

    Returns:
        The patched data.

    Raises:
        fault.Fault: The patch is nested too deep.
    """
    return _merged(target, patch, fault.LIMIT_DEPTH)


def _merged(target: JSON, patch: JSON, depth: int) -> JSON:
    if not isinstance(patch, Mapping):
        return patch
    if not depth:
        raise fault.too_deep()
    merged: dict[str, JSON] = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value, depth - 1)
    return merged
