"""Watching pods over the agent's socket: a JSON line whenever a pod changed.

The lines are Kubernetes' watch events: ADDED for each pod there is, a BOOKMARK that ends these,
then ADDED, MODIFIED and DELETED as they come. A watcher that is slow finds only the newest state
of each pod; one that reads nothing for a while is dropped. Nobody watching costs nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from aiohttp import web

from staticlet.aio import fanout
from staticlet.kube import core
from staticlet.pods import wanted

SLOW_S = 30.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


class View(Protocol):
    """What a watch needs of the agent."""

    @property
    def changes(self) -> fanout.Fanout[wanted.PodKey]:
        """Tells which pods have changed; closed when the agent ends."""
        ...

    def pods(self) -> list[core.Pod]:
        """All pods with their status, by namespace and name."""
        ...

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        """One pod with its status; None when there is none (any more)."""
        ...


async def watch(view: View, request: web.Request) -> web.StreamResponse:
    """Answer with events until the agent ends or the watcher goes."""
    response = web.StreamResponse(headers={"Content-Type": "application/json;stream=watch"})
    await response.prepare(request)
    with view.changes.subscribed() as news:
        try:
            await _send(view, news, response)
        except (fanout.Dropped, TimeoutError, ConnectionError):
            request.protocol.force_close()
            return response
    await response.write_eof()
    return response


async def _send(
    view: View, news: fanout.Subscription[wanted.PodKey], response: web.StreamResponse
) -> None:
    sent: dict[wanted.PodKey, dict[str, Any]] = {}
    for one in view.pods():
        shown = _plain(one)
        sent[_key(shown)] = shown
        await _write(response, "ADDED", shown)
    await _write(response, "BOOKMARK", _bookmark())
    while keys := await news.next():
        for key in keys:
            found = view.pod(key)
            event = step(sent.get(key), None if found is None else _plain(found))
            if event is None:
                continue
            kind, shown = event
            sent[key] = shown
            if kind == "DELETED":
                del sent[key]
            await _write(response, kind, shown)


def step(before: dict[str, Any] | None, now: dict[str, Any] | None) -> tuple[str, Any] | None:
    """The event that tells a watcher of a change; None where there is nothing to tell."""
    if before == now:
        return None
    if now is None:
        return "DELETED", before
    return ("ADDED" if before is None else "MODIFIED"), now


async def _write(response: web.StreamResponse, kind: str, shown: Mapping[str, Any]) -> None:
    async with asyncio.timeout(SLOW_S):
        await response.write(msgspec.json.encode({"type": kind, "object": shown}) + b"\n")


def _bookmark() -> dict[str, Any]:
    annotations = {INITIAL_EVENTS_END: "true"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": annotations}}


def _plain(pod: core.Pod) -> dict[str, Any]:
    plain: dict[str, Any] = pod.to_dict()
    return plain


def _key(pod: Mapping[str, Any]) -> wanted.PodKey:
    meta = pod["metadata"]
    return wanted.PodKey(meta.get("namespace") or "default", meta["name"])
