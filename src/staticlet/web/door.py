"""Taking connections, with a bound on how many shake hands at once: strangers cost little.

Whoever reaches a port may connect and say nothing. Until TLS is agreed upon, or that has taken too
long, this costs a descriptor and 90 KB, and no credentials. Where too many do so, those who have
said nothing are cut off, then who has taken very long; a crowd of clients that mean it waits its
turn in the kernel's queue.
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

MUTE_S = 0.25
"""How long a client may say nothing where there is no room: the first word comes from it."""

FAIR_S = 3.0
"""How long it may take in all where there is no room."""

LOOK_S = 0.1
"""How often it is looked who must go."""

_RECEIVED = slice(128, 136)
"""Where in the kernel's `tcp_info` the number of bytes stands that have come."""

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
        self._under_way: dict[asyncio.Task[None], tuple[socket.socket, float]] = {}
        self._room = asyncio.Event()
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
                try:
                    await self._await_room()
                except asyncio.CancelledError:
                    connection.close()
                    raise
                task = group.create_task(self._let_in(connection), name="handshake")
                self._under_way[task] = connection, loop.time()
                task.add_done_callback(self._done)
                await asyncio.sleep(0)  # others have their turn, and the handshake begins

    async def _await_room(self) -> None:
        """Return when one more may shake hands; cut somebody off for it if need be."""
        loop = asyncio.get_running_loop()
        while len(self._under_way) >= self._most:
            doomed = self._whom_to_cut_off(loop.time())
            if doomed is not None:
                del self._under_way[doomed]
                doomed.cancel()
                return
            self._room.clear()
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._room.wait()
            except TimeoutError:
                pass  # somebody may have taken too long by now

    def _whom_to_cut_off(self, now_s: float) -> asyncio.Task[None] | None:
        """Who has said nothing for a while, or has taken very long; the oldest of them."""
        for task, (connection, since_s) in self._under_way.items():
            if now_s - since_s < MUTE_S:
                return None  # nor may any later one
            if now_s - since_s >= FAIR_S or _is_mute(connection):
                return task
        return None

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        self._room.set()

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


def _is_mute(connection: socket.socket) -> bool:
    """Whether nothing at all has come over a connection."""
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _RECEIVED.stop)
    except OSError:
        return False  # it is closed: its task is about to end
    return len(info) == _RECEIVED.stop and not any(info[_RECEIVED])
