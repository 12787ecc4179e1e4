"""Facts of this machine: memory, CPUs, address, name service, what the kernel lets us do.

Everything is read when it is asked for; what reads a file is thin, what understands its text is
a pure function beside it.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from staticlet.host import cgroup

CAP_SYS_ADMIN = 21
CAP_SYS_RESOURCE = 24
CAP_MKNOD = 27

_MEMINFO = Path("/proc/meminfo")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STATUS = Path("/proc/self/status")
_ROUTES = Path("/proc/net/route")
_HUGEPAGES = Path("/sys/kernel/mm/hugepages")
_HOSTS = Path("/etc/hosts")
_RESOLVED = Path("/run/systemd/resolve/resolv.conf")
_STUBS = frozenset({"127.0.0.53", "127.0.0.54"})
_SIOCGIFADDR = 0x8915
_UP = 0x1
_NOWHERE_V4 = "192.0.2.1"  # addresses kept for documentation: routed like any other, never sent to
_NOWHERE_V6 = "2001:db8::1"
_DISCARD = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route of version 4.

    Attributes:
        interface: Its network interface.
        default: Whether it goes to everywhere.
        metric: The smaller, the sooner it is taken.
    """

    interface: str
    default: bool
    metric: int


def memory_bytes() -> int:
    """The machine's memory."""
    return parse_memory(_MEMINFO.read_text())


def parse_memory(text: str) -> int:
    """The total of a /proc/meminfo text, in bytes; 0 where it does not say."""
    for line in text.splitlines():
        match line.split():
            case ["MemTotal:", kib, *_]:
                return int(kib) * 1024
    return 0


def cpus() -> int:
    """How many CPUs are online."""
    return os.cpu_count() or 1


def boot_id() -> str:
    """What changes with each boot of the machine."""
    return _BOOT_ID.read_text().strip()


def hosts() -> str:
    """The text of /etc/hosts; empty where there is none."""
    return text_of(_HOSTS)


def resolv_conf(file: Path) -> str:
    """The text of a resolv.conf with servers that can be reached from a network of one's own.

    Where systemd-resolved runs, /etc/resolv.conf names only a stub on the machine's loopback,
    which no pod with its own network can reach; the true servers stand in a file beside it. This
    is what kubeadm sets the kubelet's `resolvConf` to.
    """
    text = text_of(file)
    if only_stub(text):
        return text_of(_RESOLVED) or text
    return text


def only_stub(text: str) -> bool:
    """Whether a resolv.conf names systemd-resolved's stub and nobody else."""
    words = [line.split() for line in text.splitlines()]
    servers = {line[1] for line in words if len(line) > 1 and line[0] == "nameserver"}
    return bool(servers) and servers <= _STUBS


def text_of(file: Path) -> str:
    """The text of a small file such as resolv.conf; empty where it can not be read."""
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""


def address() -> str | None:
    """This machine's address on its default route; of version 6 when it has no other.

    Nothing is sent: the kernel is asked from where it would send. Without a default route it is
    the address of the first interface that is up and not the loopback; else None.
    """
    v4 = _source_address(socket.AF_INET, _NOWHERE_V4)
    return v4 or _source_address(socket.AF_INET6, _NOWHERE_V6) or _any_address()


def address_of(version: int) -> str | None:
    """This machine's address on its default route of one IP version; None without one."""
    if version == 6:
        return _source_address(socket.AF_INET6, _NOWHERE_V6)
    return _source_address(socket.AF_INET, _NOWHERE_V4)


def has_address(text: str) -> bool:
    """Whether an IP address is one of this machine's: the kernel is asked to use it, no more."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((text, 0))
    except OSError:
        return False
    return True


def parse_routes(text: str) -> Sequence[Route]:
    """Read /proc/net/route; routes that are not up are left out."""
    found = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 8 or not int(words[3], 16) & _UP:
            continue
        everywhere = words[1] == "00000000" and words[7] == "00000000"
        found.append(Route(interface=words[0], default=everywhere, metric=int(words[6])))
    return found


def default_interface(routes: Sequence[Route]) -> str | None:
    """The interface of the default route that is taken first; None without one."""
    ways = [route for route in routes if route.default]
    return min(ways, key=lambda route: route.metric).interface if ways else None


def interface_address(name: str) -> str | None:
    """The first address of version 4 of an interface; None where it has none."""
    request = struct.pack("256s", os.fsencode(name)[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def capabilities() -> int:
    """The effective capabilities of this process, one bit each."""
    return parse_capabilities(_STATUS.read_text())


def parse_capabilities(text: str) -> int:
    """The effective capabilities in a /proc/self/status text."""
    for line in text.splitlines():
        match line.split():
            case ["CapEff:", bits]:
                return int(bits, 16)
    return 0


def has_capability(number: int) -> bool:
    """Whether this process has a capability, by its number."""
    return bool(capabilities() >> number & 1)


def swap_controlled(trees: cgroup.Hierarchies) -> bool:
    """Whether the memory controller can limit swap."""
    if trees.version == 2 and trees.unified:
        return any(trees.unified.glob("*/memory.swap.max"))
    memory = trees.controllers.get("memory")
    return memory is not None and (memory / "memory.memsw.limit_in_bytes").exists()


def hugepage_sizes(trees: cgroup.Hierarchies) -> tuple[str, ...]:
    """The huge page sizes that can be limited, as `2MB`; none without the hugetlb controller."""
    if not _has_hugetlb(trees) or not _HUGEPAGES.is_dir():
        return ()
    names = (entry.name for entry in _HUGEPAGES.iterdir())
    sizes = [int(name.removeprefix("hugepages-").removesuffix("kB")) for name in names]
    return tuple(size_name(kib) for kib in sorted(sizes))


def size_name(kib: int) -> str:
    """A page size as the kernel's cgroup files have it: `64KB`, `2MB`, `1GB`."""
    for unit, scale in (("GB", 1024 * 1024), ("MB", 1024)):
        if kib >= scale and kib % scale == 0:
            return f"{kib // scale}{unit}"
    return f"{kib}KB"


def _has_hugetlb(trees: cgroup.Hierarchies) -> bool:
    if trees.version == 2 and trees.unified:
        return "hugetlb" in text_of(trees.unified / "cgroup.controllers").split()
    return "hugetlb" in trees.controllers


def _source_address(family: socket.AddressFamily, nowhere: str) -> str | None:
    """From where the kernel would send to the world; no datagram leaves by connecting."""
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((nowhere, _DISCARD))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def _any_address() -> str | None:
    default = default_interface(parse_routes(text_of(_ROUTES)))
    others = (name for _, name in socket.if_nameindex() if name not in {"lo", default})
    for name in (default, *others) if default else others:
        if address := interface_address(name):
            return address
    return None
