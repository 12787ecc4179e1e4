"""Containers' logs over HTTP, as the kubelet's `/containerLogs/{namespace}/{pod}/{container}`.

The query is Kubernetes' PodLogOptions; what cannot be is answered with 422, what is not there with
404, a log that is not available yet with 400, each in the kubelet's words. `restarts=true` is our
own: it follows the container over its restarts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from aiohttp import web

from staticlet.aio import fanout
from staticlet.pods import logs, logstream, wanted
from staticlet.wire import crilog

PATH = "/containerLogs/{namespace}/{pod}/{container}"

_TRUE = frozenset({"1", "t", "true"})
_FALSE = frozenset({"", "0", "f", "false"})


class View(Protocol):
    """What logs need of the agent."""

    @property
    def changes(self) -> fanout.Fanout[wanted.PodKey]:
        """Tells which pods have changed; closed when the agent ends."""
        ...

    def log_of(self, key: wanted.PodKey, container: str, *, previous: bool) -> logs.LogFile:
        """The log file that is meant; raises logs.NotAvailable."""
        ...

    def time(self) -> datetime:
        """Now."""
        ...


class BadOptions(ValueError):
    """Options that cannot be; the text says which and why."""


def options(query: Mapping[str, str], now: datetime) -> logs.Options:
    """Kubernetes' PodLogOptions from a query.

    Raises:
        BadOptions: A value is none, or two exclude each other.
    """
    since_s = _number(query, "sinceSeconds", least=1)
    since_time = query.get("sinceTime", "")
    if since_s is not None and since_time:
        raise BadOptions("sinceSeconds: at most one of `sinceTime` or `sinceSeconds` may be given")
    since_ns: int | None = None
    if since_s is not None:
        since_ns = int(now.timestamp() * 1_000_000_000) - since_s * 1_000_000_000
    elif since_time:
        try:
            since_ns = crilog.nanoseconds(since_time)
        except crilog.BadLine as fault:
            raise BadOptions(f"sinceTime: {fault}") from fault
    return logs.Options(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        tail_lines=_tail(query),
        since_ns=since_ns,
        limit_bytes=_number(query, "limitBytes", least=1),
        restarts=_flag(query, "restarts"),
    )


def _tail(query: Mapping[str, str]) -> int | None:
    """How many lines; the kubelet's old name for it is `tail`, and `all` of them is no bound."""
    old = query.get("tail", "")
    if "tailLines" in query or not old:
        return _number(query, "tailLines", least=0)
    return None if old == "all" else _number(query, "tail", least=0)


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "").lower()
    if text not in _TRUE | _FALSE:
        raise BadOptions(f"{name}: Invalid value: {text!r}: must be true or false")
    return text in _TRUE


def _number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        number = int(text)
    except ValueError as fault:
        raise BadOptions(f"{name}: Invalid value: {text!r}: must be a whole number") from fault
    if number < least:
        words = "greater than 0" if least else "greater than or equal to 0"
        raise BadOptions(f"{name}: Invalid value: {number}: must be {words}")
    return number


async def container_log(
    view: View, request: web.BaseRequest, key: wanted.PodKey, container: str
) -> web.StreamResponse:
    """Answer with a container's log."""
    try:
        chosen = options(request.query, view.time())
        file = view.log_of(key, container, previous=chosen.previous)
        log = logstream.OpenLog(file.path)
    except BadOptions as fault:
        return web.Response(status=422, text=str(fault))
    except logs.Unknown as fault:
        return web.Response(status=404, text=str(fault))
    except logs.NotAvailable as fault:
        return web.Response(status=400, text=str(fault))
    except OSError as fault:
        of = f'container "{container}" in pod "{key.name}"'
        if chosen.previous and isinstance(fault, FileNotFoundError):
            # The next life has begun since the file was looked up: this was the last but one.
            return web.Response(status=400, text=f"the previous log of {of} was just removed")
        words = f"the log of {of} cannot be read: {fault.strerror}: {file.path}"
        return web.Response(status=500, text=words)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    with log, contextlib.suppress(ConnectionError):  # the reader may go at any time
        await response.prepare(request)
        if chosen.follow and not chosen.previous:
            follower = logstream.Follower(
                file,
                chosen,
                lambda: view.log_of(key, container, previous=False),
                view.changes,
                key,
            )
            await follower.run(log, response.write)
        else:
            await logstream.send(log, chosen, response.write)
        await response.write_eof()
    return response
