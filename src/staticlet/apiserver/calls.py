"""A request to the API as values: who asks, for what, and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from staticlet.kube import refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who makes a request, as authentication found.

    Attributes:
        name: `system:node:node1`, `kubernetes-admin`, `system:serviceaccount:default:robot`.
        uid: Of a service account or a token file's user; else empty.
        groups: Every group, `system:authenticated` or `system:unauthenticated` among them.
        extra: What else the credentials tell.
    """

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def node(self) -> str:
        """The node that this is the identity of; empty when it is none."""
        prefix = "system:node:"
        if "system:nodes" in self.groups and self.name.startswith(prefix):
            return self.name[len(prefix) :]
        return ""

    def info(self) -> dict[str, Any]:
        """The user as reviews and the audit log tell of it: Kubernetes' UserInfo."""
        told: dict[str, Any] = {"username": self.name}
        if self.uid:
            told["uid"] = self.uid
        if self.groups:
            told["groups"] = list(self.groups)
        if self.extra:
            told["extra"] = {key: list(values) for key, values in self.extra.items()}
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request is about: Kubernetes' request attributes.

    Attributes:
        verb: get, list, watch, create, update, patch, delete or deletecollection; the lower case
            HTTP method for paths that are no resource.
        path: The path of the request.
        group: The API group; empty for the core group.
        version: The API version; empty where the path is no resource.
        resource: The plural name; empty where the path is no resource.
        subresource: `status`, `binding`, …; empty for the object itself.
        namespace: Empty for what has none, and for lists over all namespaces.
        name: Empty for collections.
        field_selector: The fieldSelector of a list, a watch or a deletion of a collection, as it
            was written: rights may depend on it.
    """

    verb: str
    path: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    field_selector: str = ""

    @property
    def is_resource(self) -> bool:
        """Whether the path names a resource, known or not."""
        return bool(self.resource)

    @property
    def group_resource(self) -> refusal.GroupResource:
        """The resource as refusals name it."""
        return refusal.GroupResource(self.group, self.resource)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request under way.

    Attributes:
        user: Who asks.
        target: For what.
        query: The query's parameters; of one that is repeated, the first.
        now: When it came.
        dry_run: Whether everything is done but the write.
        manager: Who manages the fields that are written: `fieldManager`, else the first part of
            the user agent.
        warnings: Said to the client in Warning headers; verbs and admission add to it.
    """

    user: User
    target: Target
    query: Mapping[str, str]
    now: datetime
    dry_run: bool = False
    manager: str = ""
    warnings: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        """Tell the client something, once."""
        if text not in self.warnings:
            self.warnings.append(text)
