"""An API server as a `client.port.Api` in memory, for virtual time: versions, conflicts, watches.

It checks nothing but what clients must cope with: what exists already, what is gone, which version
is old. Whatever it is to do wrong, a test says with `trouble`.
"""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from staticlet.client import port
from staticlet.kube import apitypes, core
from staticlet.kube.patch import merge, strategic

Object = dict[str, Any]

_STRUCTS: Mapping[str, Any] = {
    "nodes": core.Node,
    "leases": apitypes.Lease,
    "pods": core.Pod,
    "configmaps": core.ConfigMap,
    "secrets": core.Secret,
    "services": core.Service,
}
_BY_NAME = "metadata.name="
_REASONS = {403: "Forbidden", 404: "NotFound", 409: "Conflict", 410: "Expired", 500: "Internal"}


class FakeApi:
    """Objects by their paths.

    Attributes:
        objects: What there is.
        calls: What was asked, as `PATCH /api/v1/nodes/node1/status`.
        bodies: What was sent with each.
        trouble: Called with method and path before each request; what it returns is raised.
        unknown: Fields of a status that it does not keep, as an older server does not.
    """

    def __init__(self) -> None:
        self.server = "https://fake"
        self.objects: dict[str, Object] = {}
        self.calls: list[str] = []
        self.bodies: list[Any] = []
        self.trouble: Callable[[str, str], port.ApiFault | None] = lambda method, path: None
        self.unknown: frozenset[str] = frozenset()
        self._version = 0
        self._watchers: list[tuple[str, str, asyncio.Queue[port.Event]]] = []

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        media: str = "application/json",
        deadline_s: float = port.DEADLINE_S,
    ) -> Object:
        """Make one request."""
        del deadline_s
        self.calls.append(f"{method} {path}")
        self.bodies.append(None if body is None else _copied(dict(body)))
        await asyncio.sleep(0.001)
        if fault := self.trouble(method, path):
            raise fault
        whole, subresource = path.removesuffix("/status"), path.endswith("/status")
        match method:
            case "GET" if _is_collection(path):
                chosen = _chosen(query)
                items = [one for at, one in self.objects.items() if _within(at, path, chosen)]
                meta = {"resourceVersion": str(self._version)}
                return _copied(
                    {"kind": "List", "apiVersion": "v1", "metadata": meta} | {"items": items}
                )
            case "GET":
                return _copied(self._there(path))
            case "POST":
                return self._post(path, _copied(dict(body or {})))
            case "PUT":
                return self._put(path, _copied(dict(body or {})))
            case "PATCH":
                return self._patch(whole, body, media=media, subresource=subresource)
            case _:
                self._check_uid(path, (body or {}).get("preconditions") or {})
                return self.remove(path)

    async def watch(
        self, path: str, *, query: Mapping[str, str], silence_s: float
    ) -> AsyncIterator[port.Event]:
        """Follow a collection from now on; what lies between is lost."""
        del silence_s
        self.calls.append(f"WATCH {path}")
        if fault := self.trouble("WATCH", path):
            raise fault
        queue: asyncio.Queue[port.Event] = asyncio.Queue()
        watcher = (path, _chosen(query), queue)
        self._watchers.append(watcher)
        try:
            async with asyncio.timeout(float(query.get("timeoutSeconds", "300"))):
                while True:
                    yield await queue.get()
        except TimeoutError:
            return
        finally:
            self._watchers.remove(watcher)

    def remove(self, path: str) -> Object:
        """Delete an object, as another client would."""
        gone = self._there(path)
        del self.objects[path]
        self._version += 1
        gone["metadata"]["resourceVersion"] = str(self._version)
        self.tell("DELETED", path, gone)
        return _copied(gone)

    def make(self, path: str, thing: Object) -> None:
        """Make an object, as another client would."""
        collection, _, name = path.rpartition("/")
        meta = {"name": name, "namespace": collection.split("/")[-2]}
        self._post(collection, _copied(thing) | {"metadata": meta})

    def change(self, path: str, changes: Object) -> Object:
        """Change an object by a merge patch, as another client would."""
        return self._patch(path, changes, media=port.MERGE_PATCH, subresource=True, whole=True)

    def _there(self, path: str) -> Object:
        if path not in self.objects:
            raise refused(404, f"{path} not found")
        return self.objects[path]

    def _check_uid(self, path: str, asked: Mapping[str, Any]) -> Object:
        there = self._there(path)
        if asked.get("uid") not in (None, there["metadata"]["uid"]):
            raise refused(409, f"{path} is another one")
        return there

    def _post(self, path: str, body: Object) -> Object:
        place = f"{path}/{body['metadata']['name']}"
        if place in self.objects:
            raise refused(409, f"{place} already exists", "AlreadyExists")
        body["metadata"]["uid"] = str(uuid.uuid4())
        return self._keep("ADDED", place, body)

    def _put(self, path: str, body: Object) -> Object:
        there = self._there(path)
        version = body["metadata"].get("resourceVersion")
        if version not in (None, there["metadata"]["resourceVersion"]):
            raise refused(409, f"{path} has been modified")
        return self._keep("MODIFIED", path, body)

    def _patch(
        self, path: str, body: Any, *, media: str, subresource: bool, whole: bool = False
    ) -> Object:
        there = self._check_uid(path, body.get("metadata") or {})
        if media == port.MERGE_PATCH:
            made: Any = merge.apply(there, body)
        else:
            made = strategic.apply(_STRUCTS[path.split("/")[-2]], there, body)
        if not whole:
            part = "status" if subresource else "metadata"
            made = there | {part: made[part]}
        if made == there:
            return _copied(there)
        return self._keep("MODIFIED", path, made)

    def _keep(self, event: str, path: str, thing: Object) -> Object:
        self._version += 1
        kept = _copied(thing)
        kept["metadata"]["resourceVersion"] = str(self._version)
        for name in self.unknown & (kept.get("status") or {}).keys():
            del kept["status"][name]
        self.objects[path] = kept
        self.tell(event, path, kept)
        return _copied(kept)

    def tell(self, event: str, path: str, thing: Object) -> None:
        """Send an event to those who watch, true or not."""
        for followed, chosen, queue in self._watchers:
            if _within(path, followed, chosen):
                queue.put_nowait(port.Event(type=event, object=_copied(thing)))


def refused(code: int, message: str, reason: str = "") -> port.Refused:
    """A refusal."""
    return port.Refused(code, reason or _REASONS.get(code, ""), message)


def _is_collection(path: str) -> bool:
    return path.rpartition("/")[2] in _STRUCTS


def _within(path: str, collection: str, chosen: str) -> bool:
    """Whether a place belongs to a collection, be it of one namespace or of all, and is chosen."""
    own, _, name = path.rpartition("/")
    here = collection in (own, re.sub("/namespaces/[^/]+", "", own))
    return here and chosen in ("", name)


def _chosen(query: Mapping[str, str] | None) -> str:
    """The one name that is asked for; empty for all."""
    selector = (query or {}).get("fieldSelector", "")
    return selector.removeprefix(_BY_NAME) if selector.startswith(_BY_NAME) else ""


def _copied(value: Object) -> Object:
    copy: Object = json.loads(json.dumps(value))
    return copy
