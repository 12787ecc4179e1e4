"""Restarting a pod by hand: `POST /restart?namespace=…&name=…` on the agent's socket.

The answer is the pod as it is now, so that the asker can tell its next life from this one.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from aiohttp import web

from staticlet.kube import core
from staticlet.pods import wanted

PATH = "/restart"


class View(Protocol):
    """What a restart needs of the agent."""

    def pod(self, key: wanted.PodKey) -> core.Pod | None:
        """One pod with its status; None when there is none."""
        ...

    def restart(self, key: wanted.PodKey) -> str:
        """Begin to restart a pod; why not, in words, when it cannot be."""
        ...


async def restart(view: View, request: web.Request) -> web.Response:
    """Begin a restart and answer at once."""
    key = wanted.PodKey(request.query.get("namespace", "default"), request.query.get("name", ""))
    shown = view.pod(key)
    refusal = view.restart(key)
    if refusal and shown is None:
        return web.Response(status=404, text=f'pods "{key.name}" not found')
    if refusal:
        words = f'pod "{key.name}" cannot be restarted: {refusal}'
        return web.Response(status=409, text=words)
    body = msgspec.json.encode(None if shown is None else shown.to_dict())
    return web.Response(body=body, content_type="application/json")
