"""CRI log lines: `<RFC3339Nano> <stdout|stderr> <P|F> <text>`, as runtimes write them. Pure.

A line of a container's output that is too long for one entry comes as several with the tag P
(partial) and a last one with F (full); the two streams may be mixed. Text is bytes: containers
write what they like. Kubernetes' design: the CRI's logging format, read by kubelet's kuberuntime
logs package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

Stream = Literal["stdout", "stderr"]

TERMINATION_LINES = 80
"""Lines of log that may become a termination message."""

TERMINATION_BYTES = 2048
"""Bytes of log that may become a termination message."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_STAMP = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)\Z", re.ASCII
)
_STREAMS: dict[bytes, Stream] = {b"stdout": "stdout", b"stderr": "stderr"}


class BadLine(ValueError):
    """The line is not in CRI log format; the text says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a log file.

    `stamp` is the time as it is written, `text` comes without the line's end. A partial entry goes
    on in the next one of the same stream.
    """

    stamp: str
    stream: Stream
    partial: bool
    text: bytes

    @property
    def at_ns(self) -> int:
        """The time in nanoseconds since the epoch."""
        return nanoseconds(self.stamp)


def parse(line: bytes) -> Entry:
    """One line of a log file, with or without its line end.

    Raises:
        BadLine: it is not in CRI log format.
    """
    stamp, _, rest = line.removesuffix(b"\n").partition(b" ")
    stream, _, rest = rest.partition(b" ")
    tags, _, text = rest.partition(b" ")
    if stream not in _STREAMS:
        raise BadLine(f"stream {stream[:20]!r} is neither stdout nor stderr")
    tag = tags.partition(b":")[0]  # more tags may follow the first one
    if tag not in (b"P", b"F"):
        raise BadLine(f"tag {tag[:20]!r} is neither P nor F")
    written = stamp[:64].decode("ascii", "replace")
    nanoseconds(written)
    return Entry(stamp=written, stream=_STREAMS[stream], partial=tag == b"P", text=text)


def line(entry: Entry) -> bytes:
    """The entry as a line of a log file, with its line end."""
    tag = b"P" if entry.partial else b"F"
    return b"%b %b %b %b\n" % (entry.stamp.encode(), entry.stream.encode(), tag, entry.text)


def nanoseconds(stamp: str) -> int:
    """An RFC 3339 time as nanoseconds since the epoch.

    Raises:
        BadLine: it is no such time.
    """
    match = _STAMP.match(stamp)
    if match is None:
        raise BadLine(f"{stamp!r} is not an RFC 3339 time")
    whole, fraction, zone = match.groups()
    try:
        seconds = (datetime.fromisoformat(whole + zone) - _EPOCH) // _SECOND
    except (ValueError, OverflowError) as error:
        raise BadLine(f"{stamp!r} is not an RFC 3339 time: {error}") from error
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0"))


def stamp(at_ns: int) -> str:
    """Nanoseconds since the epoch as runtimes write them: nine digits, UTC."""
    seconds, fraction = divmod(at_ns, 1_000_000_000)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}.{fraction:09d}Z"


def joined(entries: Iterable[Entry], *, limit_bytes: int = 1 << 20) -> Iterator[Entry]:
    """The entries with partial ones put together, stream by stream.

    A joined entry has the time of its first part and comes when its last part does. Text that
    grows to `limit_bytes` is handed out as it is, still partial, so that a container that never
    ends its line cannot fill the memory. What is left at the end comes last, still partial.
    """
    open_parts: dict[Stream, list[Entry]] = {}
    sizes: dict[Stream, int] = {}
    for entry in entries:
        parts = open_parts.setdefault(entry.stream, [])
        parts.append(entry)
        size = sizes.get(entry.stream, 0) + len(entry.text)
        sizes[entry.stream] = size
        if not entry.partial or size >= limit_bytes:
            yield _one(parts)
            parts.clear()
            sizes[entry.stream] = 0
    yield from (_one(parts) for parts in open_parts.values() if parts)


def tail(
    log: bytes, *, lines: int = TERMINATION_LINES, limit_bytes: int = TERMINATION_BYTES
) -> bytes:
    """The text of a log's last lines, at most so many bytes of its end.

    It is what the kubelet takes as termination message when a container failed, wrote none and
    has `terminationMessagePolicy: FallbackToLogsOnError`. Both streams count; lines that are not
    in CRI format (a torn first one) are left out.
    """
    if lines <= 0 or limit_bytes <= 0:
        return b""
    last = log.removesuffix(b"\n").rsplit(b"\n", lines)[-lines:]
    return _text(last)[-limit_bytes:]


def _text(lines: Iterable[bytes]) -> bytes:
    pieces: list[bytes] = []
    for raw in lines:
        try:
            entry = parse(raw)
        except BadLine:
            continue
        pieces.append(entry.text if entry.partial else entry.text + b"\n")
    return b"".join(pieces)


def _one(parts: list[Entry]) -> Entry:
    if len(parts) == 1:
        return parts[0]
    text = b"".join(part.text for part in parts)
    return replace(parts[0], partial=parts[-1].partial, text=text)
