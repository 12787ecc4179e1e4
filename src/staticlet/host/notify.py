"""What systemd is told of a service: sd_notify(3) without a library.

One datagram a message, to the socket that `NOTIFY_SOCKET` names. Outside of systemd nothing is
sent. Nothing here waits and nothing fails: a service manager that does not listen is no reason to
stop working.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass

SOCKET = "NOTIFY_SOCKET"
WATCHDOG_USEC = "WATCHDOG_USEC"
WATCHDOG_PID = "WATCHDOG_PID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """Speaks to systemd, or to nobody.

    Attributes:
        address: The socket's path; abstract ones begin with `@`. Empty: nobody listens.
        watchdog_s: How long systemd waits for a sign of life; None when it waits for none.
    """

    address: str = ""
    watchdog_s: float | None = None

    @property
    def listened_to(self) -> bool:
        """Whether systemd listens."""
        return bool(self.address)

    def ready(self) -> None:
        """Say that the service does its work, also after `reloading`."""
        self.send("READY=1")

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self.send("STATUS=" + " ".join(text.split()))

    def reloading(self, *, monotonic_s: float) -> None:
        """Say that the configuration is read anew, since this time of CLOCK_MONOTONIC."""
        self.send(f"RELOADING=1\nMONOTONIC_USEC={int(monotonic_s * 1_000_000)}")

    def stopping(self) -> None:
        """Say that the service ends."""
        self.send("STOPPING=1")

    def alive(self) -> None:
        """Give the sign of life that the watchdog waits for."""
        self.send("WATCHDOG=1")

    def send(self, message: str) -> None:
        """Send a message, in lines `NAME=value`."""
        if not self.address:
            return
        where = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        # Whoever does not listen, or is slow, misses a message; the next one tells as much.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, kind) as own:
            own.sendto(message.encode(), where)


def from_environment(environ: MutableMapping[str, str]) -> Notifier:
    """The notifier that systemd asks for; its variables are taken out, not meant for children.

    Args:
        environ: The process's environment.
    """
    address = environ.pop(SOCKET, "")
    period_us = environ.pop(WATCHDOG_USEC, "")
    pid = environ.pop(WATCHDOG_PID, "")
    meant = pid in ("", str(os.getpid()))
    watched = address.startswith(("/", "@")) and meant and period_us.isdecimal()
    return Notifier(
        address=address if address.startswith(("/", "@")) else "",
        watchdog_s=int(period_us) / 1_000_000 if watched and int(period_us) > 0 else None,
    )
