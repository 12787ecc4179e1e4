"""Objects of an API server without a store: what admission and authorization read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from staticlet.apiserver.resources import registry
from staticlet.apiserver.store.port import Key, Listing, Record

_PLURALS = {
    "Node": "nodes",
    "Pod": "pods",
    "Secret": "secrets",
    "ConfigMap": "configmaps",
    "ServiceAccount": "serviceaccounts",
    "Namespace": "namespaces",
}


class FakeObjects:
    """Some objects, at one revision."""

    def __init__(self, objects: Iterable[dict[str, Any]] = ()) -> None:
        """Hold these objects."""
        self._records: dict[Key, Record] = {}
        for each in objects:
            self.put(each)

    def put(self, obj: dict[str, Any]) -> None:
        """Add an object, or replace the one of its name."""
        metadata = obj["metadata"]
        resource = _PLURALS[obj["kind"]]
        key = Key(resource, metadata.get("namespace", ""), metadata["name"])
        self._records[key] = Record(
            key=key,
            revision=1,
            encoded=msgspec.json.encode(obj),
            labels=metadata.get("labels", {}),
            fields=registry.kinds().fields(resource, obj),
        )

    def remove(self, key: Key) -> None:
        """Take an object out."""
        del self._records[key]

    def get(self, key: Key) -> Record | None:
        """The object as it is."""
        return self._records.get(key)

    def list(self, resource: str, namespace: str = "", *, revision: int | None = None) -> Listing:
        """All objects of a resource."""
        del revision
        records = [
            record
            for key, record in sorted(self._records.items())
            if key.resource == resource and namespace in ("", key.namespace)
        ]
        return Listing(revision=1, records=records)
