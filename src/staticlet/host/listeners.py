"""Who listens on which port of this machine: /proc/net, and the descriptors of processes.

Only the network namespace of this process is seen, which is the host's for an agent.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from staticlet.host import machine

_NET = Path("/proc/net")
_TABLES = (("tcp", "TCP"), ("tcp6", "TCP"), ("udp", "UDP"), ("udp6", "UDP"))
_WAITING = {"TCP": "0A", "UDP": "07"}  # LISTEN, and a datagram socket that is not connected


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A socket that waits for others.

    Attributes:
        protocol: TCP or UDP.
        address: Where it listens; `0.0.0.0` or `::` for every address.
        port: Its port.
        inode: The number by which a process's descriptor names it.
    """

    protocol: str
    address: str
    port: int
    inode: int


def listening() -> Sequence[Listener]:
    """All sockets that wait for others, on this machine."""
    return [
        found
        for name, protocol in _TABLES
        for found in parse(machine.text_of(_NET / name), protocol=protocol)
    ]


def parse(text: str, *, protocol: str) -> Iterator[Listener]:
    """Read a table of /proc/net; odd lines are skipped."""
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 10 or words[3] != _WAITING[protocol]:
            continue
        digits, _, port = words[1].partition(":")
        yield Listener(
            protocol=protocol, address=_address(digits), port=int(port, 16), inode=int(words[9])
        )


def _address(digits: str) -> str:
    """The kernel prints each four bytes as a number of this machine's byte order."""
    words = (int(digits[start : start + 8], 16) for start in range(0, len(digits), 8))
    return str(ipaddress.ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words)))
