"""Ports to listen on, for programs that cannot be told to take any."""

from __future__ import annotations

import socket


def free() -> int:
    """A TCP port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
