"""What controllers do: requests to the API like anybody's, made without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from staticlet.apiserver import calls
from staticlet.apiserver.resources.kind import Kind
from staticlet.apiserver.store.port import Key
from staticlet.apiserver.verbs import perform
from staticlet.kube import refusal

_JSON = "application/json"
_STRATEGIC = "application/strategic-merge-patch+json"
_GROUPS = ("system:masters", "system:authenticated")
_DONE_BY_OTHERS = frozenset({404, 409})


class Hands:
    """Makes requests in a controller's name.

    What is gone already, or has changed meanwhile (404 and 409), is no fault: the change that did
    it wakes the controller again.

    Args:
        backend: What verbs work with.
        name: Whose requests they are, in managed fields and the audit.
    """

    def __init__(self, backend: perform.Backend, name: str) -> None:
        self._backend = backend
        self._name = name

    async def create(self, kind: Kind, namespace: str, obj: Mapping[str, Any]) -> None:
        """Create an object; one that is there already stays."""
        await self._do("create", kind, Key(kind.key_resource, namespace, ""), obj)

    async def delete(
        self, kind: Kind, key: Key, uid: str, *, grace_s: int | None = None, policy: str = ""
    ) -> None:
        """Delete an object, if it is still this one.

        Args:
            kind: Its kind.
            key: Its key.
            uid: Its uid.
            grace_s: Seconds of grace; None for its own.
            policy: What becomes of what it owns; empty for what its finalizers say.
        """
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": "v1"}
        options["preconditions"] = {"uid": uid}
        if policy:
            options["propagationPolicy"] = policy
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        await self._do("delete", kind, key, options)

    async def update(self, kind: Kind, key: Key, obj: Mapping[str, Any]) -> bool:
        """Update an object. Whether that was done."""
        return await self._do("update", kind, key, obj)

    async def create_below(
        self, kind: Kind, key: Key, subresource: str, obj: Mapping[str, Any]
    ) -> bool:
        """Create at a subresource: a binding. Whether that was done."""
        return await self._do("create", kind, key, obj, subresource=subresource)

    async def update_below(
        self, kind: Kind, key: Key, subresource: str, obj: Mapping[str, Any]
    ) -> bool:
        """Update through a subresource: finalize a namespace. Whether that was done."""
        return await self._do("update", kind, key, obj, subresource=subresource)

    async def patch_status(self, kind: Kind, key: Key, status: Mapping[str, Any]) -> None:
        """Patch an object's status, strategically."""
        await self._do(
            "patch", kind, key, {"status": status}, subresource="status", media=_STRATEGIC
        )

    async def _do(
        self,
        verb: str,
        kind: Kind,
        key: Key,
        body: Mapping[str, Any],
        *,
        subresource: str = "",
        media: str = _JSON,
    ) -> bool:
        """Make a request; whether it was done."""
        call = calls.Call(
            user=calls.User(name=f"system:controller:{self._name}", groups=_GROUPS),
            target=calls.Target(
                verb=verb,
                path="",
                group=kind.group,
                version=kind.version,
                resource=kind.plural,
                subresource=subresource,
                namespace=key.namespace,
                name=key.name,
            ),
            query={},
            now=self._backend.clock.now(),
            manager=self._name,
        )
        try:
            await perform.perform(self._backend, call, msgspec.json.encode(body), media)
        except refusal.Refusal as fault:
            if fault.code not in _DONE_BY_OTHERS:
                raise
            return False
        return True
