"""A container's last words: from its termination log, or from the end of its log.

Follows `getTerminationMessage`: the file's last 4096 bytes; where it is empty, the container
failed and the policy says so, the last lines of its log instead. The runtime's own message comes
first.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

MAX_FILE_BYTES = 4096
MAX_LOG_BYTES = 2048
MAX_LOG_LINES = 80
_FALLBACK = "FallbackToLogsOnError"
_LONGEST_TAIL = 1024 * 1024
_NEWLINE_TAGS = frozenset({b"F"})


def message(
    *, policy: str, exit_code: int, written: bytes, log_tail: bytes, runtime_message: str = ""
) -> str:
    """The message of a terminated container.

    Args:
        policy: `File` or `FallbackToLogsOnError`.
        exit_code: How it ended.
        written: The termination log.
        log_tail: The end of its log file, in the runtime's format.
        runtime_message: What the runtime says about the end.
    """
    words = written[-MAX_FILE_BYTES:].decode(errors="replace")
    if not words and policy == _FALLBACK and exit_code != 0:
        words = tail(log_tail)
    return ": ".join(part for part in (runtime_message, words) if part)


def tail(log: bytes) -> str:
    """The text of the last lines of a log in the runtime's format, as much as is told."""
    entries = [entry for line in log.splitlines() if (entry := _entry(line)) is not None]
    return b"".join(entries[-MAX_LOG_LINES:])[-MAX_LOG_BYTES:].decode(errors="replace")


def read(
    file: Path, log_file: Path, *, policy: str, exit_code: int, runtime_message: str = ""
) -> str:
    """The message of a container whose termination log and log file are here; reads both."""
    return message(
        policy=policy,
        exit_code=exit_code,
        written=read_end(file, MAX_FILE_BYTES),
        log_tail=read_end(log_file, _LONGEST_TAIL) if policy == _FALLBACK and exit_code else b"",
        runtime_message=runtime_message,
    )


def read_end(file: Path, limit: int) -> bytes:
    """At most so many bytes of a file's end; nothing where there is no such regular file."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with os.fdopen(fd, "rb") as stream:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode):
            return b""
        stream.seek(max(seen.st_size - limit, 0))
        return stream.read(limit)


def _entry(line: bytes) -> bytes | None:
    """One line's text, with a newline where the line is whole; None for what is no log line."""
    parts = line.split(b" ", 3)
    if len(parts) < 3 or parts[1] not in {b"stdout", b"stderr"}:
        return None
    text = parts[3] if len(parts) == 4 else b""
    whole = parts[2].partition(b":")[0] in _NEWLINE_TAGS
    return text + b"\n" if whole else text
