"""A container's last words: from its termination log, or from the end of its log.

Follows `getTerminationMessage`: the file's last 4096 bytes; where it is empty, the container
failed and the policy says so, the last lines of its log instead. The runtime's own message comes
first.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from staticlet.wire import crilog

MAX_FILE_BYTES = 4096
_FALLBACK = "FallbackToLogsOnError"
_TAIL_BYTES = 64 * 1024  # holds what a message can show of lines of 16 KiB, the runtimes' longest


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
        words = crilog.tail(log_tail).decode(errors="replace")
    return ": ".join(part for part in (runtime_message, words) if part)


def read(
    file: Path, log_file: Path, *, policy: str, exit_code: int, runtime_message: str = ""
) -> str:
    """The message of a container whose termination log and log file are here; reads both."""
    return message(
        policy=policy,
        exit_code=exit_code,
        written=read_end(file, MAX_FILE_BYTES),
        log_tail=read_end(log_file, _TAIL_BYTES) if policy == _FALLBACK and exit_code else b"",
        runtime_message=runtime_message,
    )


def read_end(file: Path, limit: int) -> bytes:
    """At most so many bytes of a file's end; nothing where there is no such regular file."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        seen = os.fstat(fd)
        if not stat.S_ISREG(seen.st_mode):
            return b""
        return os.pread(fd, limit, max(seen.st_size - limit, 0))
    finally:
        os.close(fd)
