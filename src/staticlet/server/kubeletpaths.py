"""The kubelet's API: which path is answered by what, on which of its ports.

Three sets of paths: all of them for those who may (10250), those without secrets for anyone who
reaches the read-only port, and `/healthz` alone for the health check. Only the agent's own pods
have logs here; what a path names is looked up by name, never opened as a file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeAlias
from urllib import parse

from aiohttp import web

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import wanted
from staticlet.server import kubeletanswers as answers
from staticlet.server import kubeletauth, kubeletgate, logs
from staticlet.web import tls

Answer: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_DEBUGGING = frozenset(
    ("attach", "containerLogs", "debug", "exec", "logs", "portForward", "run", "runningpods")
)

_LATER = frozenset(("attach", "exec", "portForward", "run"))


class View(logs.View, Protocol):
    """What the kubelet's API needs of the agent."""

    @property
    def settings(self) -> Settings:
        """What holds now."""
        ...

    def pods(self) -> list[core.Pod]:
        """All pods with their status."""
        ...


class Paths:
    """Answers requests.

    Args:
        view: The agent.
        gate: Who may ask.
        syncloop: What is wrong with the agent's looking after pods; empty when nothing is.
    """

    def __init__(self, view: View, gate: kubeletgate.Gate, syncloop: answers.Check) -> None:
        self._view = view
        self._gate = gate
        self._alive: Mapping[str, answers.Check] = {"ping": _well}
        self._health = {"ping": _well, "log": _well, "syncloop": syncloop}

    async def secured(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer those who may."""
        segments = _segments(request.rel_url.raw_path)
        path = request.rel_url.raw_path if segments is None else "/" + "/".join(segments)
        shown = request.headers.get("Authorization", "")
        try:
            await self._gate.admit(tls.peer(request), shown, request.method, path)
        except kubeletauth.Refused as refused:
            return _sent(answers.text(refused.text, refused.code))
        match segments or []:
            case ["configz"]:
                return _sent(_read(request, lambda: answers.configz(self._view.settings)))
            case [first, *_] if first in _DEBUGGING:
                return await self._debugging(request, segments or [])
            case known:
                return _sent(self._open(request, known))

    async def read_only(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer anyone, with what is no secret."""
        segments = _segments(request.rel_url.raw_path) or []
        if segments[:1] and segments[0] in _DEBUGGING:
            return _sent(answers.DISABLED)
        return _sent(self._open(request, segments))

    async def health(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer whether the agent lives."""
        segments = _segments(request.rel_url.raw_path) or []
        return _sent(self._healthz(request, segments, self._alive))

    def _open(self, request: web.BaseRequest, segments: list[str]) -> answers.Shown:
        match segments:
            case ["healthz", *_]:
                return self._healthz(request, segments, self._health)
            case ["pods"]:
                return _read(request, lambda: answers.pods(self._view.pods()))
            case ["metrics"]:
                node = self._view.settings.node_name
                return _read(request, lambda: answers.metrics(self._view.pods(), node))
        return answers.NOT_FOUND

    def _healthz(
        self, request: web.BaseRequest, segments: list[str], checks: Mapping[str, answers.Check]
    ) -> answers.Shown:
        if segments[:1] != ["healthz"] or len(segments) > 2:
            return answers.NOT_FOUND
        if request.method not in ("GET", "HEAD"):
            return answers.NOT_ALLOWED
        name = segments[1] if segments[1:] else ""
        return answers.health(checks, name, verbose="verbose" in request.query)

    async def _debugging(
        self, request: web.BaseRequest, segments: list[str]
    ) -> web.StreamResponse:
        if not self._view.settings.enable_debugging_handlers:
            return _sent(answers.DISABLED)
        match segments:
            case ["runningpods"]:
                return _sent(_read(request, lambda: answers.running(self._view.pods())))
            case ["containerLogs", namespace, pod, container]:
                if request.method != "GET":
                    return _sent(answers.NOT_ALLOWED)
                key = wanted.PodKey(namespace, pod)
                return await logs.container_log(self._view, request, key, container)
            case [first, *_] if first in _LATER:
                return _sent(answers.text(f"{first} is not served by staticlet yet\n", 501))
        return _sent(answers.NOT_FOUND)


def _well() -> str:
    return ""


def _segments(raw: str) -> list[str] | None:
    """A path's segments, decoded; None for a path that nothing can be at."""
    try:
        found = [parse.unquote(one, errors="strict") for one in raw.strip("/").split("/")]
    except UnicodeDecodeError:
        return None
    bad = any(one in ("", ".", "..") or "/" in one or "\0" in one for one in found)
    return None if bad else found


def _read(request: web.BaseRequest, show: Callable[[], answers.Shown]) -> answers.Shown:
    return show() if request.method == "GET" else answers.NOT_ALLOWED


def _sent(shown: answers.Shown) -> web.Response:
    headers = {"Content-Type": shown.media, "X-Content-Type-Options": "nosniff"}
    return web.Response(body=shown.body, status=shown.code, headers=headers)
