"""Containers' logs over HTTP, as the kubelet's `/containerLogs/{namespace}/{pod}/{container}`.

The query is Kubernetes' PodLogOptions; a value that cannot be read is answered with 400, one that
cannot be with 422, what is not there with 404, a log that is not available yet with 400, each in
Kubernetes' words. `stream` chooses one of the two that a container writes, which a kubelet does
behind a feature gate. `restarts=true` is our own: it follows the container over its restarts.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from aiohttp import web

from staticlet.aio import fanout
from staticlet.pods import logs, logstream, wanted
from staticlet.wire import crilog

PATH = "/containerLogs/{namespace}/{pod}/{container}"

_STREAMS: Mapping[str, crilog.Stream | None] = {
    "": None,
    "All": None,
    "Stdout": "stdout",
    "Stderr": "stderr",
}
_WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
_INT64 = 1 << 63


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
    """Options that cannot be; the text says which and why.

    Attributes:
        code: The HTTP status: 400 for a value that cannot be read, 422 for one that cannot be.
    """

    def __init__(self, text: str, code: int = 422) -> None:
        super().__init__(text)
        self.code = code


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
            raise BadOptions(f"sinceTime: {fault}", 400) from fault
    stream, tail_lines = _stream(query), _tail(query)
    if stream is not None and tail_lines is not None:
        raise BadOptions("`tailLines` and specific `stream` are mutually exclusive for now")
    return logs.Options(
        follow=_flag(query, "follow"),
        previous=_flag(query, "previous"),
        timestamps=_flag(query, "timestamps"),
        tail_lines=tail_lines,
        since_ns=since_ns,
        limit_bytes=_number(query, "limitBytes", least=1),
        stream=stream,
        restarts=_flag(query, "restarts"),
    )


def _tail(query: Mapping[str, str]) -> int | None:
    """How many lines; the kubelet's old name for it is `tail`, and `all` of them is no bound."""
    old = query.get("tail", "")
    if not old:
        return _number(query, "tailLines", least=0)
    return None if old == "all" else _number(query, "tail", least=0)


def _stream(query: Mapping[str, str]) -> crilog.Stream | None:
    text = query.get("stream", "")
    if text not in _STREAMS:
        known = ", ".join(f'"{each}"' for each in sorted(_STREAMS) if each)
        raise BadOptions(f'stream: Unsupported value: "{text}": supported values: {known}')
    return _STREAMS[text]


def _flag(query: Mapping[str, str], name: str) -> bool:
    """Whether a switch is on: as in Kubernetes, by all but no value at all, `false` and `0`."""
    return query.get(name, "false").lower() not in ("false", "0")


def _number(query: Mapping[str, str], name: str, *, least: int) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not _WHOLE.fullmatch(text) or not -_INT64 <= int(text) < _INT64:
        raise BadOptions(f"{name}: Invalid value: {text[:40]!r}: must be a whole number", 400)
    number = int(text)
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
        return web.Response(status=fault.code, text=str(fault))
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
