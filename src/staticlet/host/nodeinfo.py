"""What a Node tells of this machine: who it is, what it runs, and how much there is of it.

Follows cAdvisor, whose facts the kubelet reports: the same files, in the same order. What cannot
be read is empty or zero.
"""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from staticlet.host import kernel, machine

_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
_SYSTEM_UUIDS = (
    Path("/sys/class/dmi/id/product_uuid"),
    Path("/proc/device-tree/system-id"),
    Path("/proc/device-tree/vm,uuid"),
    Path("/etc/machine-id"),
)
_OS_RELEASES = (Path("/etc/os-release"), Path("/usr/lib/os-release"))
_HUGEPAGES = Path("/sys/kernel/mm/hugepages")
_ARCHITECTURES = {
    "aarch64": "arm64",
    "armv6l": "arm",
    "armv7l": "arm",
    "i386": "386",
    "i686": "386",
    "x86_64": "amd64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which machine this is and what it runs.

    Attributes:
        machine_id: Made when the system was installed.
        system_uuid: Of the hardware, or of the virtual machine.
        boot_id: Made when it was started.
        kernel_version: The kernel's release.
        os_image: The name of the distribution.
        architecture: As Go calls it: `amd64`, `arm64`.
    """

    machine_id: str
    system_uuid: str
    boot_id: str
    kernel_version: str
    os_image: str
    architecture: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much there is.

    Attributes:
        cpus: CPUs that are online.
        memory_bytes: Memory.
        storage_bytes: The file system of the root directory; 0 where it cannot be asked.
        swap_bytes: Swap.
        hugepages: Bytes of huge pages by the size of one; sizes without any are in it, too.
    """

    cpus: int
    memory_bytes: int
    storage_bytes: int = 0
    swap_bytes: int = 0
    hugepages: Mapping[int, int] = field(default_factory=dict)


def identity() -> Identity:
    """Which machine this is."""
    return Identity(
        machine_id=_first(_MACHINE_IDS),
        system_uuid=_first(_SYSTEM_UUIDS),
        boot_id=machine.boot_id(),
        kernel_version=kernel.release(),
        os_image=os_image(_first(_OS_RELEASES)),
        architecture=architecture(platform.machine()),
    )


def capacity(root_dir: Path) -> Capacity:
    """How much there is; blocks as long as the root directory's file system does."""
    return Capacity(
        cpus=machine.cpus(),
        memory_bytes=machine.memory_bytes(),
        storage_bytes=_size(root_dir),
        swap_bytes=kernel.swap_bytes(),
        hugepages=_hugepages(),
    )


def os_image(text: str) -> str:
    """The distribution's name in an os-release text; `Linux` where it does not say."""
    for line in text.splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "PRETTY_NAME":
            return _unquoted(value) or "Linux"
    return "Linux"


def architecture(name: str) -> str:
    """What Go calls a machine that `uname -m` calls so."""
    return _ARCHITECTURES.get(name, name)


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip("\"' ")


def _first(files: Iterable[Path]) -> str:
    """The text of the first file that has one."""
    texts = (machine.text_of(file).strip("\0\n ") for file in files)
    return next(filter(None, texts), "")


def _size(directory: Path) -> int:
    try:
        found = os.statvfs(directory)
    except OSError:
        return 0
    return found.f_blocks * found.f_frsize


def _hugepages() -> dict[int, int]:
    out = {}
    for entry in sorted(_HUGEPAGES.glob("hugepages-*kB")):
        size = int(entry.name.removeprefix("hugepages-").removesuffix("kB")) * 1024
        count = machine.text_of(entry / "nr_hugepages").strip()
        out[size] = size * int(count) if count.isdigit() else 0
    return out
