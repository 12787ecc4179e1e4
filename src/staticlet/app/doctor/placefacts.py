"""What the doctor judges of paths: what stands there, who may write, on which file system."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Kind(enum.Enum):
    """What stands at a path."""

    MISSING = "missing"
    FILE = "a file"
    DIRECTORY = "a directory"
    SOCKET = "a socket"
    OTHER = "neither a file nor a directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may write: the owner and the permission bits of a file or directory."""

    path: str
    owner: int
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A path, and the file system that it is on or would be on.

    Attributes:
        path: As configured.
        kind: What stands there, symlinks followed.
        access: Who may write there; None where nothing stands.
        nearest: The path itself, or the nearest directory above it that exists.
        fstype: The file system's type.
        mount_point: Where that is mounted.
        flags: The options of the mount: `ro`, `noexec`.
        total_bytes: Its size.
        free_bytes: What is free.
        total_inodes: How many files it can hold; 0 where it has no such bound.
        free_inodes: How many more.
        fault: Why the path cannot be looked at; empty when it can.
    """

    path: str
    kind: Kind
    access: Access | None = None
    nearest: str = "/"
    fstype: str = ""
    mount_point: str = "/"
    flags: tuple[str, ...] = ()
    total_bytes: int = 0
    free_bytes: int = 0
    total_inodes: int = 0
    free_inodes: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the agent and the runtime keep things; the runtime's only where it tells."""

    root_dir: Place
    pod_logs_dir: Place
    runtime_root: Place | None = None

    @property
    def all(self) -> tuple[tuple[str, Place], ...]:
        """Each place with what it is for."""
        own = (("root directory", self.root_dir), ("pod logs", self.pod_logs_dir))
        return own if self.runtime_root is None else (*own, ("images", self.runtime_root))
