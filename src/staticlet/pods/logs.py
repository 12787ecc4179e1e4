"""A container's log: which file is meant, where in it to begin, and what of it is shown. Pure.

Follows the kubelet's `validateContainerLogStatus` and `ReadLogs`, with its words. What is read
comes as bytes or through a function, so a huge file is never read whole for its last lines.
Departure: a line that the runtime wrote in parts comes as one line, also where both streams were
mixed, and lines that are not in the CRI's format are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import ends, fields, paths, report, wanted
from staticlet.pods import observed as obs
from staticlet.wire import crilog

BLOCK_BYTES = 64 * 1024
MOST_LINE_BYTES = 1 << 20

ReadAt = Callable[[int, int], bytes]
"""Reads at most so many bytes (second) from an offset (first)."""

_WHOLE_LINE = re.compile(rb"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d) std(?:out|err) F ")

_IMAGE_WORDS = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


class NotAvailable(Exception):
    """There is no such log (now); the text is the kubelet's."""


class Unknown(NotAvailable):
    """There is no such pod or container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What of a log is wanted: Kubernetes' PodLogOptions.

    Attributes:
        follow: Go on with what is written later.
        previous: The last life that ended instead of the present one.
        timestamps: Put the time before each line.
        tail_lines: Only so many lines of the end.
        since_ns: Only what was written at this time (nanoseconds since the epoch) or later.
        limit_bytes: At most so many bytes.
        stream: Only what was written to this one; None for both.
        restarts: Follow the container over its restarts; the kubelet ends with the first life.
    """

    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_ns: int | None = None
    limit_bytes: int | None = None
    stream: crilog.Stream | None = None
    restarts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFile:
    """The log of one life of a container.

    Attributes:
        path: The file that the runtime writes.
        uid: The pod's UID.
        container_id: The container in the runtime.
        running: Whether more may be written.
        again: Whether another life follows after this one has ended.
    """

    path: Path
    uid: str
    container_id: str
    running: bool
    again: bool


def find(
    known: report.Report | None,
    shown: core.Pod | None,
    settings: Settings,
    *,
    name: str,
    container: str,
    previous: bool = False,
) -> LogFile:
    """The log file that is meant.

    Args:
        known: What the agent knows of the pod; None when it knows no such pod.
        shown: The pod with its status; None likewise.
        settings: For the place of all logs.
        name: The pod's name, for the words of errors.
        container: The container's name.
        previous: Whether its last terminated life is meant.

    Raises:
        Unknown: There is no such pod, or it has no such container.
        NotAvailable: It has not run yet, or not twice.
    """
    pod = _pod(known)
    if known is None or shown is None or shown.status is None or pod is None:
        raise Unknown(f'pod "{name}" does not exist')
    spec = next((c for c in fields.all_containers(pod.pod) if c.name == container), None)
    if spec is None:
        raise Unknown(f'container "{container}" not found in pod "{name}"')
    container_id = chosen(shown.status, name, container, previous=previous)
    seen = _seen(known, container_id)
    if seen is None:
        raise NotAvailable(f'container "{container}" in pod "{name}" is not available')
    where = paths.of(pod.key, pod.uid, settings)
    return LogFile(
        path=where.log_file(container, seen.restart_count),
        uid=pod.uid,
        container_id=container_id,
        running=seen.alive,
        again=known.want is not None and _runs_again(known, pod, spec, seen),
    )


def _pod(known: report.Report | None) -> wanted.WantedPod | None:
    if known is None:
        return None
    return known.serving or (known.leaving[0] if known.leaving else None)


def _seen(known: report.Report, container_id: str) -> obs.ObservedContainer | None:
    every = [c for s in known.seen.sandboxes for c in s.containers]
    return next((c for c in (*every, *known.past.last.values()) if c.id == container_id), None)


def _runs_again(
    known: report.Report, pod: wanted.WantedPod, spec: core.Container, seen: obs.ObservedContainer
) -> bool:
    doomed = any(
        c.id == seen.id
        for s in known.seen.sandboxes
        if s.id in known.past.doomed
        for c in s.containers
    )
    return seen.alive or doomed or ends.restarts(pod.pod, spec, seen)


def chosen(status: core.PodStatus, name: str, container: str, *, previous: bool) -> str:
    """The id in the runtime of the container whose log is meant, by the pod's status.

    Raises:
        NotAvailable: No log is there yet; the text is the kubelet's.
    """
    every = [*(status.containerStatuses or ()), *(status.initContainerStatuses or ())]
    one = next((each for each in every if each.name == container), None)
    if one is None:
        raise NotAvailable(f'container "{container}" in pod "{name}" is not available')
    state = one.state or core.ContainerState()
    last = one.lastState.terminated if one.lastState else None
    found: str | None = None
    if previous:
        found = last.containerID if last else None
        if not found:
            raise NotAvailable(
                f'previous terminated container "{container}" in pod "{name}" not found'
            )
    elif state.running:
        found = one.containerID
    elif state.terminated:
        found = state.terminated.containerID or (last.containerID if last else None)
    elif last:
        found = last.containerID
    elif state.waiting and state.waiting.reason:
        reason = _IMAGE_WORDS.get(state.waiting.reason, state.waiting.reason)
        raise NotAvailable(
            f'container "{container}" in pod "{name}" is waiting to start: {reason}'
        )
    else:
        raise NotAvailable(
            f'container "{container}" in pod "{name}" is waiting to start - no logs yet'
        )
    if not found:
        raise NotAvailable(f'container "{container}" in pod "{name}" is terminated')
    return found.partition("://")[2]


def begin(read: ReadAt, size: int, options: Options) -> int:
    """Where in a file of that size to begin to read."""
    start = 0
    if options.since_ns is not None:
        start = since_start(read, size, options.since_ns)
    if options.tail_lines is not None:
        start = max(start, tail_start(read, size, options.tail_lines))
    return start


def tail_start(read: ReadAt, size: int, lines: int) -> int:
    """Where the last so many lines begin, found from the end; what is torn counts as no line."""
    if lines <= 0:
        return size
    for start, raw in _backwards(read, size):
        if _ends_a_line(raw):
            if lines == 0:
                return start + len(raw) + 1
            lines -= 1
    return 0


def _backwards(read: ReadAt, size: int) -> Iterator[tuple[int, bytes]]:
    """The whole lines from the last to the first, each with its offset and without its end."""
    rest, position = b"", size
    torn = True  # what follows the last line end is not a whole line
    while position > 0:
        count = min(BLOCK_BYTES, position)
        position -= count
        rest = read(position, count) + rest
        while (end := rest.rfind(b"\n")) >= 0:
            raw, rest = rest[end + 1 :], rest[:end]
            if not torn:
                yield position + end + 1, raw
            torn = False
        if len(rest) > MOST_LINE_BYTES:
            rest, torn = b"", True
    if not torn:
        yield 0, rest


def _ends_a_line(raw: bytes) -> bool:
    parts = raw.split(b" ", 3)
    return len(parts) >= 3 and parts[1] in (b"stdout", b"stderr") and parts[2][:1] == b"F"


def since_start(read: ReadAt, size: int, since_ns: int) -> int:
    """The offset of a line before which everything is older, found by halving."""
    low, high = 0, size
    while high - low > BLOCK_BYTES:
        middle = (low + high) // 2
        found = _first_entry(read(middle, min(BLOCK_BYTES, high - middle)))
        if found is None:
            return low
        if found[1] < since_ns:
            low = middle + found[0]
        else:
            high = middle
    return low


def _first_entry(block: bytes) -> tuple[int, int] | None:
    """Offset and time of the first whole entry after a line end."""
    start = block.find(b"\n") + 1
    while start and (end := block.find(b"\n", start)) >= 0:
        try:
            return start, crilog.parse(block[start:end]).at_ns
        except crilog.BadLine:
            start = end + 1
    return None


class Text:
    """Turns the bytes of a log file, piece by piece, into what is shown.

    Attributes:
        done: Whether all is shown that may be: the rest need not be read.
    """

    def __init__(self, options: Options) -> None:
        self.done = options.limit_bytes is not None and options.limit_bytes <= 0
        self._since_ns = options.since_ns
        self._timestamps = options.timestamps
        self._stream = options.stream
        self._whole = not (options.timestamps or options.since_ns or options.stream)
        self._left = options.limit_bytes
        self._raw = b""
        self._skipping = False
        self._parts: dict[crilog.Stream, list[crilog.Entry]] = {}
        self._sizes: dict[crilog.Stream, int] = {}

    def feed(self, piece: bytes) -> bytes:
        """What is shown of one more piece of the file."""
        *lines, self._raw = (self._raw + piece).split(b"\n")
        if self._skipping and lines:
            lines, self._skipping = lines[1:], False
        if len(self._raw) > MOST_LINE_BYTES:
            self._raw, self._skipping = b"", True
        return self._limited(b"".join(self._shown(raw) for raw in lines))

    def end(self) -> bytes:
        """What is left of lines that were never ended, once the file does not grow any more."""
        rest = b"".join(self._line(parts, b"") for parts in self._parts.values() if parts)
        self._raw, self._skipping = b"", False
        self._parts.clear()
        self._sizes.clear()
        return self._limited(rest)

    def _shown(self, raw: bytes) -> bytes:
        if self._whole and not any(self._parts.values()):
            whole = _WHOLE_LINE.match(raw)  # nearly every line is: several times as fast
            if whole is not None:
                return raw[whole.end() :] + b"\n"
        try:
            entry = crilog.parse(raw)
        except crilog.BadLine:
            return b""
        if self._since_ns is not None and entry.at_ns < self._since_ns:
            return b""
        if self._stream is not None and entry.stream != self._stream:
            return b""
        parts = self._parts.setdefault(entry.stream, [])
        parts.append(entry)
        size = self._sizes.get(entry.stream, 0) + len(entry.text)
        self._sizes[entry.stream] = size
        if entry.partial and size < MOST_LINE_BYTES:
            return b""
        shown = self._line(parts, b"" if entry.partial else b"\n")
        parts.clear()
        self._sizes[entry.stream] = 0
        return shown

    def _line(self, parts: list[crilog.Entry], ending: bytes) -> bytes:
        head = crilog.stamp(parts[0].at_ns).encode() + b" " if self._timestamps else b""
        return head + b"".join(part.text for part in parts) + ending

    def _limited(self, text: bytes) -> bytes:
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
            self.done = self._left <= 0
        return text
