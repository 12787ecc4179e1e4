"""`/healthz`, `/livez` and `/readyz`: checks by name, in the words of kube-apiserver."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from staticlet.aio import clock as clocks
from staticlet.apiserver.store import port

Check: TypeAlias = Callable[[], Awaitable[str]]
"""Empty when all is well, else what is wrong."""

PATIENCE_S = 5.0
"""How long the disk may take for a write."""

REMEMBERED_S = 1.0
"""For so long what the disk did last counts: whoever asks how it is costs it a write a second."""

ENDPOINTS = ("healthz", "livez", "readyz")


@dataclass(frozen=True, slots=True)
class Health:
    """What a question after the server's health is answered.

    Attributes:
        code: 200, 404 or 500.
        text: The answer, as text/plain.
    """

    code: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The checks of each endpoint.

    Attributes:
        live: Those that tell whether the server should be started anew.
        ready: Those that tell, beside these, whether requests should be sent to it.
    """

    live: Mapping[str, Check]
    ready: Mapping[str, Check]

    def of(self, endpoint: str) -> Mapping[str, Check]:
        """The checks of an endpoint."""
        return {**self.live, **self.ready} if endpoint == "readyz" else self.live


class Writable:
    """The check that the store takes writes, as kube-apiserver's `etcd`.

    Args:
        store: The store.
        clock: The time.
    """

    def __init__(self, store: port.Store, clock: clocks.Clock) -> None:
        self._store = store
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._known: tuple[float, str] | None = None

    async def __call__(self) -> str:
        """Empty when it does, else why it does not."""
        async with self._one_at_a_time:
            now_s = self._clock.monotonic()
            if self._known is None or now_s - self._known[0] >= REMEMBERED_S:
                self._known = (now_s, await self._tried())
            return self._known[1]

    async def _tried(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._store.check()
        except port.WriteFailed as fault:
            return str(fault)
        except TimeoutError:
            return f"the disk has taken no write for {PATIENCE_S:g} s"
        return ""


async def well() -> str:
    """The check of what is well where anything is answered at all."""
    return ""


async def answer(checks: Checks, path: str, query: Mapping[str, str]) -> Health:
    """Answer `/readyz`, `/readyz?verbose&exclude=NAME` or `/readyz/NAME`."""
    endpoint, _, name = path.strip("/").partition("/")
    known = checks.of(endpoint)
    if name:
        if name not in known:
            return Health(404, "404 page not found\n")
        wrong = await known[name]()
        return Health(500, f"internal server error: {wrong}\n") if wrong else Health(200, "ok")
    excluded = query.get("exclude", "").split(",")
    results = [(name, await check()) for name, check in known.items() if name not in excluded]
    failed = any(wrong for _, wrong in results)
    if failed:
        return Health(500, _listed(results) + f"{endpoint} check failed\n")
    if "verbose" in query:
        return Health(200, _listed(results) + f"{endpoint} check passed\n")
    return Health(200, "ok")


def _listed(results: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"[-]{name} failed: {wrong}\n" if wrong else f"[+]{name} ok\n" for name, wrong in results
    )
