"""The verbs of the API server without HTTP: a store in memory, every kind, and short calls."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from staticlet.aio import clock
from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.resources import registry
from staticlet.apiserver.store import history, opening, port
from staticlet.apiserver.verbs import answers, perform

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADMIN = calls.User(name="admin", groups=("system:masters", "system:authenticated"))
JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
Object = dict[str, Any]


class Api:
    """Requests to a backend.

    Attributes:
        backend: What verbs work with.
        now: The time of the next request.
        last: The last request that was made: its warnings are there.
    """

    def __init__(self, backend: perform.Backend) -> None:
        """Make requests to this backend."""
        self.backend = backend
        self.now = NOW
        self.last: calls.Call | None = None

    async def ask(
        self,
        verb: str,
        resource: str,
        name: str = "",
        *,
        body: object = b"",
        media: str = JSON,
        namespace: str = "default",
        **query: str,
    ) -> answers.Answer:
        """Make a request; `resource` may be `pods/status` or `leases.coordination.k8s.io`."""
        plural, _, sub = resource.partition("/")
        plural, _, group = plural.partition(".")
        kind = self.backend.kinds.find(group, "v1", plural)
        homeless = kind is not None and not kind.namespaced
        target = calls.Target(
            verb=verb,
            path=f"/{resource}/{name}",
            group=group,
            version="v1",
            resource=plural,
            subresource=sub,
            namespace="" if homeless else namespace,
            name=name,
        )
        self.last = calls.Call(
            user=ADMIN, target=target, query=query, now=self.now, manager="test"
        )
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await perform.perform(self.backend, self.last, text, media)

    async def one(self, verb: str, resource: str, name: str = "", **rest: Any) -> Object:
        """The object that a request is answered with."""
        return shown(await self.ask(verb, resource, name, **rest))

    async def names(self, resource: str, **rest: Any) -> list[str]:
        """The names of the objects that a list shows."""
        answer = await self.ask("list", resource, **rest)
        return named(answer)

    async def status(self, verb: str, resource: str, name: str = "", **rest: Any) -> Object:
        """The Status of something that was done."""
        answer = await self.ask(verb, resource, name, **rest)
        return answer.body if isinstance(answer, answers.Plain) else {}


def shown(answer: answers.Answer) -> Object:
    """The object of an answer; the Status of one that has none."""
    match answer:
        case answers.One(record=port.Record() as record):
            return record.object()
        case answers.One(object=dict(obj)):
            return obj
        case answers.Plain(body=body):
            return body
        case _:
            raise TypeError(f"not an object: {answer}")


def named(answer: answers.Answer) -> list[str]:
    """The names of the objects of a list."""
    if not isinstance(answer, answers.Many):
        raise TypeError(f"not a list: {answer}")
    return [record.key.name for record in answer.records]


@asynccontextmanager
async def served(
    *,
    plugins: Sequence[plugin.Plugin] = (),
    suffixes: Sequence[str] = (),
    keeping: history.Keeping | None = None,
) -> AsyncIterator[Api]:
    """An API with nothing in it.

    Args:
        plugins: The admission.
        suffixes: The ends of the first generated names; numbers after them.
        keeping: How much of the past the store keeps.
    """
    kinds = registry.kinds()
    numbers = itertools.count(1)
    ends = iter(suffixes)
    async with opening.opened(None, fields=kinds.fields, keeping=keeping) as store:
        yield Api(
            perform.Backend(
                store=store,
                kinds=kinds,
                admission=plugin.Chain(plugins),
                clock=clock.SystemClock(),
                new_uid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
                new_suffix=lambda: next(ends, None) or f"{next(numbers):05}",
            )
        )


def config_map(name: str = "cm", **fields: Any) -> Object:
    """A ConfigMap; `labels` and `metadata` go where they belong."""
    meta = {"name": name, **fields.pop("metadata", {})}
    if "labels" in fields:
        meta["labels"] = fields.pop("labels")
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, **fields}


def pod(name: str = "web", *, node: str = "", **metadata: Any) -> Object:
    """A Pod of one container, on a node or on none."""
    spec: Object = {"containers": [{"name": "c", "image": "nginx"}]}
    if node:
        spec["nodeName"] = node
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }
