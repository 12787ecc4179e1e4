"""The agent's own socket: a unix socket that only root can open, with JSON over HTTP.

It is the local truth, with or without an API server: the pods with their status, and what became
of every manifest. `View` is what it shows; the server decides nothing.

    GET /pods        PodList (v1); with ?watch=1 watch events, a JSON line each: see `watch`
    GET /manifests   {"manifests": […], "findings": […]}
    GET /events      EventList (v1); GET /why: see `happenings`
    GET /containerLogs/{namespace}/{pod}/{container}; POST /restart: see `logs`, `restart`
    GET /version     {"version": …}
    GET /stats       how many tasks and threads there are: see `stats`
    GET /healthz     ok
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import msgspec
from aiohttp import web

import staticlet
from staticlet.kube import core, finding
from staticlet.pods import wanted
from staticlet.server import happenings, stats, steering

MAX_SOCKET_PATH = 107
LINGER_S = 0.5
"""How long an answer may still take when the agent ends."""

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


class View(happenings.View, steering.View, Protocol):
    """What the agent shows."""

    def pods(self) -> list[core.Pod]:
        """All pods with their status, by namespace and name."""
        ...

    def manifests(self) -> wanted.Wanted:
        """All manifests with their states and findings."""
        ...


class SocketFault(Exception):
    """The socket cannot be opened; the text says which and why."""


@contextlib.asynccontextmanager
async def serving(view: View, path: Path) -> AsyncIterator[None]:
    """Answer on a unix socket while the context is open.

    Args:
        view: What is shown.
        path: The socket; its directory is made (0700) if it is missing, a stale socket replaced.

    Raises:
        SocketFault: The path is too long for a unix socket, or cannot be made.
    """
    if len(os.fsencode(path)) > MAX_SOCKET_PATH:
        raise SocketFault(
            f"cannot listen on {path}: a unix socket's path has at most {MAX_SOCKET_PATH} bytes; "
            "give a shorter one with --socket"
        )
    app = web.Application()
    app.add_routes(
        [
            web.get("/pods", steering.watched(view, _answers(lambda: pod_list(view.pods())))),
            web.get("/manifests", _answers(lambda: manifest_list(view.manifests()))),
            *happenings.routes(view),
            *steering.routes(view),
            web.get("/version", _answers(lambda: {"version": staticlet.__version__})),
            *stats.routes(),
            web.get("/healthz", _answers(lambda: "ok")),
        ]
    )
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        handler_cancellation=True,  # a watcher that hangs up is noticed while nothing happens
        shutdown_timeout=LINGER_S,
    )
    await runner.setup()
    try:
        await _listen(runner, path)
        yield
    finally:
        await runner.cleanup()
        _remove(path)


async def _listen(runner: web.AppRunner, path: Path) -> None:
    try:
        await web.SockSite(runner, _bound(path)).start()
    except OSError as fault:
        raise SocketFault(f"cannot listen on {path}: {fault.strerror or fault}") from fault


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)


def _bound(path: Path) -> socket.socket:
    """A unix socket at the path, of mode 0600 from its first moment."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        made.bind(str(path))
    finally:
        os.umask(mask)
    return made


def _answers(value: Callable[[], object]) -> Handler:
    """A handler that answers with a value as JSON."""

    async def answer(_: web.Request) -> web.Response:
        body = msgspec.json.encode(value())
        return web.Response(body=body, content_type="application/json")

    return answer


def pod_list(pods: list[core.Pod]) -> dict[str, Any]:
    """The pods as a `v1` PodList."""
    return {"apiVersion": "v1", "kind": "PodList", "items": [pod.to_dict() for pod in pods]}


def manifest_list(merged: wanted.Wanted) -> dict[str, Any]:
    """All manifests and the findings about their places."""
    return {
        "manifests": [
            {
                "origin": one.origin,
                "state": one.state.value,
                "note": one.note,
                "pods": [{"namespace": p.key.namespace, "name": p.key.name} for p in one.pods],
                "findings": [_finding(f) for f in one.findings],
            }
            for one in merged.manifests
        ],
        "findings": [_finding(f) for f in merged.findings],
    }


def _finding(one: finding.Finding) -> dict[str, Any]:
    return {
        "severity": one.severity.value,
        "source": one.source,
        "line": one.position.line if one.position else None,
        "column": one.position.column if one.position else None,
        "field": one.path,
        "message": one.message,
        "text": str(one),
    }
