"""What this machine's kernel can do that containers depend on, and how its clock is kept.

Everything here only looks: nothing is mounted, locked, written or set.
"""

from __future__ import annotations

import ctypes
import os
import re
from dataclasses import dataclass
from pathlib import Path

from staticlet.host import machine

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")

_FILESYSTEMS = Path("/proc/filesystems")
_SWAPS = Path("/proc/swaps")
_SECCOMP = Path("/proc/sys/kernel/seccomp/actions_avail")
_APPARMOR = Path("/sys/module/apparmor/parameters/enabled")
_OWN_NAMESPACES = Path("/proc/self/ns")
_INOTIFY = Path("/proc/sys/fs/inotify")
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
_SYSTEMD = Path("/run/systemd/system")
_MODULES = Path("/lib/modules")
_TIME_ERROR = 5
_STA_UNSYNC = 0x40


class _Timex(ctypes.Structure):
    """The beginning of adjtimex(2)'s struct; what follows is only room for the kernel."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inotify:
    """The limits of inotify for one user; 0 where the kernel does not say."""

    watches: int
    instances: int


def release() -> str:
    """The kernel's release, as `uname -r` prints it."""
    return os.uname().release


def version(text: str) -> tuple[int, int]:
    """The version in a release: `6.1.0-18-amd64` is (6, 1); (0, 0) when it holds none."""
    found = re.match(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def has_pidfd() -> bool:
    """Whether a process can be watched by a descriptor: tried on our own."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def filesystems() -> frozenset[str]:
    """The file systems that are known now."""
    text = machine.text_of(_FILESYSTEMS)
    return frozenset(line.split()[-1] for line in text.splitlines() if line.strip())


def has_module(name: str) -> bool:
    """Whether a module of this name is installed for the running kernel."""
    place = _MODULES / release()
    texts = (machine.text_of(place / name) for name in ("modules.dep", "modules.builtin"))
    return any(f"/{name}.ko" in text for text in texts)


def namespaces() -> frozenset[str]:
    """The kinds of namespace that the kernel has."""
    try:
        return frozenset(entry.name for entry in _OWN_NAMESPACES.iterdir())
    except OSError:
        return frozenset()


def seccomp() -> bool:
    """Whether the kernel filters system calls."""
    return bool(machine.text_of(_SECCOMP).strip())


def apparmor() -> bool:
    """Whether AppArmor is on."""
    return machine.text_of(_APPARMOR).startswith("Y")


def swap_bytes() -> int:
    """How much swap there is."""
    lines = machine.text_of(_SWAPS).splitlines()[1:]
    return sum(int(line.split()[2]) * 1024 for line in lines if len(line.split()) > 2)


def inotify() -> Inotify:
    """How many watches and instances one user may have."""
    return Inotify(
        watches=_number(_INOTIFY / "max_user_watches"),
        instances=_number(_INOTIFY / "max_user_instances"),
    )


def forwards() -> bool:
    """Whether packets are forwarded between interfaces (version 4)."""
    return machine.text_of(_FORWARD).strip() == "1"


def runs_systemd() -> bool:
    """Whether systemd runs this machine, in the way that sd_booted(3) finds out."""
    return _SYSTEMD.is_dir()


def synchronised() -> bool | None:
    """Whether something keeps the clock right; None where the kernel does not say."""
    state = _Timex()
    try:
        code = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(state))
    except (AttributeError, OSError):
        return None
    if code < 0:
        return None
    return code != _TIME_ERROR and not state.status & _STA_UNSYNC


def _number(file: Path) -> int:
    text = machine.text_of(file).strip()
    return int(text) if text.isdigit() else 0
