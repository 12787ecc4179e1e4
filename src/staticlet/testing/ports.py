"""Ports to listen on, for programs that cannot be told to take any."""

from __future__ import annotations

import socket


def free(address: str = "127.0.0.1") -> int:
    """A TCP port of an address of this machine, that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])
