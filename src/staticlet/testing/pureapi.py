"""The kinds and admission of the API server as pure calls: no store, no HTTP, no time passing.

What a verb does around them is done here in the plainest way, for tests of strategies alone.
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from staticlet.apiserver import calls
from staticlet.apiserver.admission import chain, plugin
from staticlet.apiserver.resources import kind as kinds
from staticlet.apiserver.resources import registry
from staticlet.apiserver.store.port import Key, Listing, Record
from staticlet.kube import refusal, rfc3339, schema

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = calls.User(name="admin", groups=("system:masters", "system:authenticated"))
Object = dict[str, Any]


def node_user(name: str) -> calls.User:
    """The identity of a node's agent."""
    return calls.User(name=f"system:node:{name}", groups=("system:nodes", "system:authenticated"))


class PureApi:
    """Objects, and how they come to be and change."""

    def __init__(self) -> None:
        """Hold nothing but the namespaces that every server has."""
        self.objects: dict[Key, Object] = {}
        for name in ("default", "kube-system", "kube-public", "kube-node-lease"):
            self.create("namespaces", {"metadata": {"name": name}})

    def get(self, key: Key) -> Record | None:
        """The object as a record."""
        obj = self.objects.get(key)
        if obj is None:
            return None
        fields = registry.kinds().fields(key.resource, obj)
        return Record(key=key, revision=1, encoded=msgspec.json.encode(obj), fields=fields)

    def list(self, resource: str, namespace: str = "", *, revision: int | None = None) -> Listing:
        """All objects of a resource."""
        del revision
        found = (
            self.get(key)
            for key in sorted(self.objects)
            if key.resource == resource and namespace in ("", key.namespace)
        )
        return Listing(revision=1, records=[record for record in found if record])

    def create(
        self,
        plural: str,
        body: Object,
        *,
        group: str = "",
        namespace: str = "",
        user: calls.User = ADMIN,
    ) -> Object:
        """Create an object as a client would; the answer is in the client's version.

        Raises:
            refusal.Refusal: It is refused.
        """
        kind = _kind(group, plural)
        obj = _taken(kind, body)
        meta = obj["metadata"]
        if kind.namespaced:
            meta["namespace"] = namespace
        name = meta.get("name", "")
        if not name and meta.get("generateName"):
            name = meta["name"] = f"{meta['generateName']}gen5x"
        call = _call("create", kind, namespace, user=user)
        review = plugin.Review(
            call=call, kind=kind, operation="CREATE", object=obj, old=None, name=name
        )
        kind.strategy.default(obj)
        admission = chain.chain()
        admission.mutate(review, self)
        kind.strategy.prepare_create(obj, call)
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": rfc3339.text(NOW)}
        if found := list(kind.strategy.check_create(obj)):
            raise refusal.invalid(kind.group, kind.kind, name, found)
        admission.validate(review, self)
        key = Key(kind.key_resource, namespace, name)
        if key in self.objects:
            raise refusal.already_exists(kind.group_resource, name)
        self.objects[key] = obj
        return _given(kind, obj)

    def change(
        self,
        plural: str,
        name: str,
        make: Callable[[Object], Object],
        *,
        group: str = "",
        namespace: str = "",
        subresource: str = "",
        user: calls.User = ADMIN,
    ) -> Object:
        """Change an object, or through a subresource; `make` gets a copy of it as it is.

        Raises:
            refusal.Refusal: It is refused.
        """
        kind = _kind(group, plural)
        old = self.objects.get(Key(kind.key_resource, namespace, name))
        if old is None:
            raise refusal.not_found(kind.group_resource, name)
        call = _call("update", kind, namespace, name=name, subresource=subresource, user=user)
        new = _taken(kind, make(_given(kind, old)))
        strategy, status = _strategy(kind, subresource), subresource == "status"
        review = plugin.Review(
            call=call, kind=kind, operation="UPDATE", object=new, old=old, name=name
        )
        kind.strategy.default(new)
        admission = chain.chain()
        admission.mutate(review, self)
        if status:
            strategy.prepare_status(new, old)
            found = strategy.check_status(new, old)
        else:
            strategy.prepare_update(new, old)
            found = strategy.check_update(new, old)
        if found:
            raise refusal.invalid(kind.group, kind.kind, name, list(found))
        admission.validate(review, self)
        self.objects[Key(kind.key_resource, namespace, name)] = new
        return _given(kind, new)


def _kind(group: str, plural: str) -> kinds.Kind:
    kind = registry.kinds().find(group, "v1", plural)
    if kind is None:
        raise refusal.no_such_path()
    return kind


def _strategy(kind: kinds.Kind, subresource: str) -> kinds.Strategy:
    own = next((one.strategy for one in kind.subresources if one.name == subresource), None)
    return own or kind.strategy


def _taken(kind: kinds.Kind, body: Object) -> Object:
    checked = schema.check(body, kind.struct)
    if any(one.fault is schema.Fault.WRONG_TYPE for one in checked.differences):
        raise refusal.bad_request(checked.differences[0].message)
    obj: Object = {
        "metadata": {},
        **checked.value,
        "apiVersion": kind.api_version,
        "kind": kind.kind,
    }
    if kind.to_stored:
        kind.to_stored(obj)
    return obj


def _given(kind: kinds.Kind, obj: Object) -> Object:
    answer = copy.deepcopy(obj)
    if kind.from_stored:
        kind.from_stored(answer)
    return answer


def _call(
    verb: str,
    kind: kinds.Kind,
    namespace: str,
    *,
    user: calls.User,
    name: str = "",
    subresource: str = "",
) -> calls.Call:
    target = calls.Target(
        verb=verb,
        path="/",
        group=kind.group,
        version=kind.version,
        resource=kind.plural,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )
    return calls.Call(user=user, target=target, query={}, now=NOW)
