"""All kinds that the server knows, in the order in which discovery lists them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from staticlet.apiserver.resources import (
    bindings,
    configmaps,
    csinodes,
    events,
    leases,
    namespaces,
    nodes,
    notrun,
    pods,
    reviews,
    secrets,
    serviceaccounts,
)
from staticlet.apiserver.resources.kind import Kind


class Kinds:
    """Kinds by their group, version and plural name."""

    def __init__(self, known: Iterable[Kind]) -> None:
        """Know these kinds, in their order."""
        self._all = tuple(known)
        self._by_path = {(one.group, one.version, one.plural): one for one in self._all}
        self._by_key: dict[str, list[Kind]] = {}
        for one in self._all:
            self._by_key.setdefault(one.key_resource, []).append(one)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def find(self, group: str, version: str, plural: str) -> Kind | None:
        """The kind that a path names; None when there is none."""
        return self._by_path.get((group, version, plural))

    def fields(self, key_resource: str, obj: Mapping[str, Any]) -> Mapping[str, str]:
        """The values of all fields by which a stored object is selected, in any version of it.

        Args:
            key_resource: The resource of its key.
            obj: The object as it is stored.
        """
        values: dict[str, str] = {}
        for one in self._by_key.get(key_resource, ()):
            values |= one.field_values(obj)
        return values


@functools.cache
def kinds() -> Kinds:
    """Every kind that this server serves."""
    return Kinds(
        (
            bindings.BINDINGS,
            configmaps.CONFIG_MAPS,
            events.EVENTS,
            namespaces.NAMESPACES,
            nodes.NODES,
            pods.PODS,
            secrets.SECRETS,
            serviceaccounts.SERVICE_ACCOUNTS,
            notrun.SERVICES,
            events.NEW_EVENTS,
            *reviews.AUTHENTICATION,
            *reviews.AUTHORIZATION,
            notrun.CSI_DRIVERS,
            csinodes.CSI_NODES,
            leases.LEASES,
            notrun.RUNTIME_CLASSES,
            notrun.RESOURCE_SLICES,
        )
    )
