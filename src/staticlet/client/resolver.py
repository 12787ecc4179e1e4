"""Names of servers to addresses, without anybody waiting for a name server that does not answer.

The C library asks in a thread, for half a minute if need be. It has one of its own here, at most
one at a time: the threads that the rest of the agent works with never wait for a name server, and
nor does the end of the program. While a name cannot be looked up, its last addresses are used.
"""

from __future__ import annotations

import asyncio
import socket
import threading

import aiohttp.abc

FRESH_S = 30.0
"""How long addresses are used without looking again."""


class Resolver(aiohttp.abc.AbstractResolver):
    """Looks names up for one connection."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], list[aiohttp.abc.ResolveResult]] = {}
        self._at: dict[tuple[str, int], float] = {}
        self._asking: dict[tuple[str, int], asyncio.Future[None]] = {}
        self._fault: OSError | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[aiohttp.abc.ResolveResult]:
        """The addresses of a host; raises OSError when there are none."""
        key = (host, port)
        loop = asyncio.get_running_loop()
        if loop.time() - self._at.get(key, float("-inf")) < FRESH_S:
            return self._known[key]
        asking = self._asking.get(key) or self._ask(key, loop)
        if key not in self._known:
            await asyncio.shield(asking)
        if key not in self._known:
            raise self._fault or OSError(f"cannot look up {host}")
        return self._known[key]

    async def close(self) -> None:
        """Nothing to close: a thread that still waits ends with its answer, or the program."""

    def _ask(self, key: tuple[str, int], loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        answered: asyncio.Future[None] = loop.create_future()
        self._asking[key] = answered

        def take(found: list[aiohttp.abc.ResolveResult] | OSError) -> None:
            del self._asking[key]
            if isinstance(found, OSError):
                self._fault = found
            else:
                self._known[key], self._at[key] = found, loop.time()
            if not answered.done():
                answered.set_result(None)

        def ask() -> None:
            found = _look_up(*key)
            try:
                loop.call_soon_threadsafe(take, found)
            except RuntimeError:
                pass  # the loop has ended meanwhile

        threading.Thread(target=ask, name="staticlet name lookup", daemon=True).start()
        return answered


def _look_up(host: str, port: int) -> list[aiohttp.abc.ResolveResult] | OSError:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        return OSError(f"{host} is not a name that can be looked up")
    except OSError as fault:
        return fault
    return [
        aiohttp.abc.ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=int(address[1]),
            family=family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST,
        )
        for family, _, protocol, _, address in found
    ]
