"""A whole collection, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from staticlet.client import port

PAGE = 500
"""How many objects a page has, as client-go asks for them."""

SHRINK = 8
"""So many times fewer objects are asked for when a page is too large to be taken."""

MOST_PAGES = 2000
"""A server that never comes to an end is not listened to for ever."""

Key: TypeAlias = tuple[str, str]
"""Namespace (empty where there is none) and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A collection at one version.

    Attributes:
        version: The resourceVersion, from which to watch.
        objects: All objects.
    """

    version: str
    objects: dict[Key, port.Object]


async def whole(
    api: port.Api,
    path: str,
    query: Mapping[str, str] | None = None,
    *,
    page: int = PAGE,
    deadline_s: float = port.DEADLINE_S,
) -> Listed:
    """List a collection as it is now.

    Objects get the apiVersion and kind that lists leave out, and lose `metadata.managedFields`,
    which is the larger half of many an object and of no use to a reader. When pages are not taken
    fast enough (410), all is taken at once, as client-go does it. Pages that are too large are
    asked for with fewer objects.

    Args:
        api: The server.
        path: The collection.
        query: Selectors.
        page: How many objects to take at once; 0 for all.
        deadline_s: For each page.

    Raises:
        Unreachable: As `Api.ask`; or what was listed is no list.
        Refused: As `Api.ask`.
    """
    objects: dict[Key, port.Object] = {}
    token = ""
    for _ in range(MOST_PAGES):
        asked = dict(query or {})
        if page:
            asked["limit"] = str(page)
        if token:
            asked["continue"] = token
        try:
            answer = await api.ask("GET", path, query=asked, deadline_s=deadline_s)
        except port.TooLarge:
            if page <= 1:
                raise
            page = max(1, page // SHRINK)
            continue
        except port.Refused as fault:
            if not token or fault.code != HTTPStatus.GONE:
                raise
            return await whole(api, path, query, page=0, deadline_s=deadline_s)
        meta, items = answer.get("metadata"), answer.get("items")
        if not isinstance(meta, dict) or not (items is None or isinstance(items, list)):
            raise _no_list(api, path)
        kind = _text(answer, "kind").removesuffix("List")
        for item in items or ():
            key = key_of(item)
            if key is None:
                raise _no_list(api, path)
            objects[key] = kept({"apiVersion": _text(answer, "apiVersion"), "kind": kind} | item)
        token = _text(meta, "continue")
        if not token:
            return Listed(version=_text(meta, "resourceVersion"), objects=objects)
    raise port.Unreachable(f"{api.server}: lists {path} without end")


def key_of(thing: Any) -> Key | None:
    """The key of an object; None when it is none."""
    meta = thing.get("metadata") if isinstance(thing, dict) else None
    if not isinstance(meta, dict):
        return None
    namespace, name = meta.get("namespace") or "", meta.get("name")
    if not isinstance(namespace, str) or not isinstance(name, str) or not name:
        return None
    return namespace, name


def version_of(thing: port.Object) -> str:
    """An object's resourceVersion; empty when it has none."""
    return _text(thing["metadata"], "resourceVersion")


def kept(thing: port.Object) -> port.Object:
    """An object without what no reader needs."""
    thing["metadata"].pop("managedFields", None)
    return thing


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _no_list(api: port.Api, path: str) -> port.Unreachable:
    return port.Unreachable(f"{api.server}: answers with something that is no list of {path}")
