"""Gives every namespace its `default` service account."""

from __future__ import annotations

from collections.abc import Collection

from staticlet.apiserver.controllers import hands
from staticlet.apiserver.resources import namespaces, serviceaccounts
from staticlet.apiserver.store import port
from staticlet.apiserver.store.port import Key

DEFAULT = "default"

_ACCOUNTS = serviceaccounts.SERVICE_ACCOUNTS
_NAMESPACES = namespaces.NAMESPACES.key_resource


class Accounts:
    """The controller `serviceaccount`."""

    name = "serviceaccount"
    resources = (_NAMESPACES, _ACCOUNTS.key_resource)

    def __init__(self, store: port.Store, does: hands.Hands) -> None:
        self._store = store
        self._does = does

    async def settle(self, changed: Collection[Key]) -> float | None:
        """Make the account where a changed namespace, or one with a changed account, lacks it."""
        names = {key.name if key.resource == _NAMESPACES else key.namespace for key in changed}
        for name in sorted(names):
            namespace = self._store.get(Key(_NAMESPACES, "", name))
            if namespace is None or namespace.fields.get("status.phase") == "Terminating":
                continue
            if self._store.get(Key(_ACCOUNTS.key_resource, name, DEFAULT)) is None:
                made = {
                    "apiVersion": "v1",
                    "kind": "ServiceAccount",
                    "metadata": {"name": DEFAULT, "namespace": name},
                }
                await self._does.create(_ACCOUNTS, name, made)
        return None
