"""What the kernel refused, in words that say where and what to do about it.

An `OSError` of a write names no path, and its words name no remedy: a person who reads `No space
left on device` does not know which device. What is not in the table needs no advice.
"""

from __future__ import annotations

import errno
import os

_ADVICE = {
    errno.ENOSPC: "make room on its file system",
    errno.EDQUOT: "make room, or raise the quota of its file system",
    errno.EROFS: "mount its file system for writing",
    errno.EIO: "its disk fails, see `dmesg`",
    errno.ESTALE: "mount its network file system again",
    errno.ENOTCONN: "mount its file system again",
    errno.ELOOP: "its symlinks lead in a circle, mend them",
    errno.EMFILE: "raise the limit on open files",
    errno.ENFILE: "raise fs.file-max",
    errno.EACCES: "give the agent's user access, or run it as root",
    errno.EPERM: "an attribute or a security module forbids it, see `lsattr` and the audit log",
}


def words(fault: OSError, path: str | os.PathLike[str] = "") -> str:
    """The fault, the path that it is about, and what to do.

    Args:
        fault: What the kernel said.
        path: What was worked on; counts where the fault does not name its own.
    """
    where = fault.filename or path
    return f"{os.fsdecode(where)}: {advised(fault)}" if where else advised(fault)


def advised(fault: OSError) -> str:
    """The fault and what to do, for a sentence that names the path already."""
    advice = _ADVICE.get(fault.errno or 0)
    told = (fault.strerror or str(fault)).lower()
    return f"{told}: {advice}" if advice else told
