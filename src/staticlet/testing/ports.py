"""Ports to listen on, for programs that cannot be told to take any."""

from __future__ import annotations

import socket

from staticlet.host import listeners


def free(address: str = "127.0.0.1") -> int:
    """A TCP port of an address of this machine, that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def is_open(number: int) -> bool:
    """Whether somebody listens on a TCP port of this machine, who notices nothing of it."""
    return any((one.protocol, one.port) == ("TCP", number) for one in listeners.listening())
