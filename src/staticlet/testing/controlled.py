"""What controllers are tested with: a store in memory, and hands that note what they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from staticlet.apiserver.resources import registry
from staticlet.apiserver.store import opening
from staticlet.apiserver.store.port import Key, Put, Remove, Store

KINDS = registry.kinds()
STORED = [kind for kind in KINDS if "list" in kind.verbs and not kind.stored_as]


@asynccontextmanager
async def store() -> AsyncIterator[Store]:
    """A store with nothing in it."""
    async with opening.opened(None, fields=KINDS.fields) as opened:
        yield opened


class RecordingHands:
    """Notes what a controller asks for, and does the creations and deletions.

    Attributes:
        store: Where they are done.
        asked: What was asked for: the verb or subresource, the name or kind, what with.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.asked: list[tuple[str, str, Any]] = []

    async def create(self, kind: Any, namespace: str, obj: Mapping[str, Any]) -> None:
        """Create an object."""
        self.asked.append(("create", kind.kind, {**obj, "in": namespace}))
        await put(self.store, kind.plural, namespace, obj["metadata"]["name"], **obj)

    async def delete(
        self, kind: Any, key: Key, uid: str, *, grace_s: int | None = None, policy: str = ""
    ) -> None:
        """Delete an object, which must be there, and be this one."""
        del kind, policy
        self.asked.append(("delete", key.name, grace_s))
        record = self.store.get(key)
        if record is None or record.object()["metadata"]["uid"] != uid:
            raise AssertionError(f"there is no {key} with the uid {uid}")
        gone = record.object()
        await self.store.write(key, lambda _: Remove(gone))

    async def update(self, kind: Any, key: Key, obj: Mapping[str, Any]) -> bool:
        """Note an update."""
        del kind
        self.asked.append(("update", key.name, obj))
        return True

    async def create_below(self, kind: Any, key: Key, sub: str, obj: Mapping[str, Any]) -> bool:
        """Note a binding."""
        del kind
        self.asked.append((sub, key.name, obj))
        return True

    async def update_below(self, kind: Any, key: Key, sub: str, obj: Mapping[str, Any]) -> bool:
        """Note an update of a subresource."""
        del kind
        self.asked.append((sub, key.name, obj))
        return True

    async def patch_status(self, kind: Any, key: Key, status: Mapping[str, Any]) -> None:
        """Note a patch of a status."""
        del kind
        self.asked.append(("status", key.name, status))


async def put(store: Store, resource: str, namespace: str, name: str, **parts: Any) -> Key:
    """Write an object, with a uid made of its name."""
    key = Key(resource, namespace, name)
    meta = {"name": name, "uid": f"uid-{name}", "creationTimestamp": "2026-01-01T11:00:00Z"}
    if namespace:
        meta["namespace"] = namespace
    kind = next(kind for kind in STORED if kind.key_resource == resource)
    obj = {"apiVersion": kind.api_version, "kind": kind.kind} | parts
    obj["metadata"] = meta | parts.get("metadata", {})
    await store.write(key, lambda _: Put(obj))
    return key


async def remove(store: Store, key: Key) -> None:
    """Remove an object that is there, at once."""
    record = store.get(key)
    if record is None:
        raise AssertionError(f"there is no {key}")
    gone = record.object()
    await store.write(key, lambda _: Remove(gone))
