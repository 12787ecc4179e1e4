"""Taking connections, with a bound on how many shake hands at once: strangers cost little.

Whoever reaches a port may connect and say nothing. Until TLS is agreed upon, or that has taken too
long, this costs a descriptor and 90 KB, and no credentials. Where too many do so, who has taken
longest is cut off: a client that means it needs a few milliseconds.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable

log = logging.getLogger(__name__)

SCARCE_S = 60.0
"""How long it is not told again that there is no room for connections."""

AGAIN_S = 1.0
"""How long after a connection could not be taken the next one is tried."""

_SCARCE = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_NOT_A_DOOR = frozenset((errno.EBADF, errno.EINVAL, errno.ENOTSOCK))


class Door:
    """Lets connections in.

    Args:
        make: Makes what handles one connection.
        tls: The server's side of TLS; None for plain TCP.
        most: How many may shake hands at once.
        handshake_s: How long that may take.
    """

    def __init__(
        self,
        make: Callable[[], asyncio.BaseProtocol],
        tls: ssl.SSLContext | None,
        *,
        most: int,
        handshake_s: float,
    ) -> None:
        self._make = make
        self._tls = tls
        self._most = most
        self._patience_s = None if tls is None else handshake_s
        self._under_way: dict[asyncio.Task[None], None] = {}
        self._quiet_until_s = 0.0

    async def take(self, sock: socket.socket) -> None:
        """Take connections until cancelled; handshakes that are under way then are cut off.

        Args:
            sock: It listens, and does not block.

        Raises:
            OSError: The socket is of no use any more.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    connection, _ = await loop.sock_accept(sock)
                except OSError as fault:
                    if fault.errno in _NOT_A_DOOR:
                        raise
                    self._tell(fault, loop.time())
                    await asyncio.sleep(AGAIN_S)
                    continue
                if len(self._under_way) >= self._most:
                    self._cut_off_the_oldest()
                task = group.create_task(self._let_in(connection), name="handshake")
                self._under_way[task] = None
                task.add_done_callback(self._done)
                await asyncio.sleep(0)  # others have their turn, and the handshake begins

    def _cut_off_the_oldest(self) -> None:
        oldest = next(iter(self._under_way))
        del self._under_way[oldest]
        oldest.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)

    async def _let_in(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._make,
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=self._patience_s,
            )
        except OSError as fault:  # of TLS too, and of time
            log.debug("no connection came about: %s", fault)

    def _tell(self, fault: OSError, now_s: float) -> None:
        """Say in a line, and not too often: whoever opens connections could fill the disk."""
        if fault.errno in _SCARCE and now_s >= self._quiet_until_s:
            self._quiet_until_s = now_s + SCARCE_S
            log.error("no more connections can be taken for now: %s", fault.strerror)
