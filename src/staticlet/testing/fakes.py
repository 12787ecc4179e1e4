"""What the fakes of the runtime port share: clocks, faults on demand, and what programs do.

The fakes themselves are `fake_runtime.FakeRuntime` and `fake_images.FakeImages`. They are
verified: tests/contract/test_runtime_contract.py runs the same cases against them and a real
containerd.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from staticlet.aio import clock
from staticlet.runtime import port

START = datetime(2030, 1, 1, tzinfo=UTC)
"""The date on which the fake clocks begin."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def nanoseconds(moment: datetime) -> int:
    """A date as nanoseconds since the epoch, as the runtime port has times."""
    return (moment - _EPOCH) // _MICROSECOND * 1000


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._passed = timedelta()
        self._set_by = timedelta()

    def now(self) -> datetime:
        """The date and time, in UTC."""
        return START + self._passed + self._set_by

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed.total_seconds()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += timedelta(seconds=seconds)

    def jump(self, seconds: float) -> None:
        """Have the date set: it jumps, and no time passes."""
        self._set_by += timedelta(seconds=seconds)


class LoopClock:
    """A clock that goes with the running event loop: virtual under looptime."""

    def __init__(self) -> None:
        self._set_by = timedelta()

    def now(self) -> datetime:
        """The date and time, in UTC."""
        return START + timedelta(seconds=self.monotonic()) + self._set_by

    def monotonic(self) -> float:
        """The loop's time in seconds."""
        return asyncio.get_running_loop().time()

    def jump(self, seconds: float) -> None:
        """Have the date set: it jumps, and no time passes."""
        self._set_by += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a fake container does once it is started.

    Attributes:
        exits_with: The code with which it ends by itself; None runs until it is stopped.
        after_s: Seconds until it ends by itself.
        on_term: The code with which it ends at TERM; None ignores TERM.
        term_s: Seconds it takes to obey TERM.
        start_error: What the runtime says when it cannot be started; empty: it can.
        output: Its log: stream and line.
    """

    exits_with: int | None = None
    after_s: float = 0.0
    on_term: int | None = 143
    term_s: float = 0.0
    start_error: str = ""
    output: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that a fake has received: the method, and the id, name or image it was about."""

    method: str
    about: str = ""


@dataclass(slots=True)
class Trouble:
    """Faults and delays on demand, and the record of calls; one for a runtime and its images.

    Attributes:
        calls: Every call in order, the failed ones too.
    """

    calls: list[Call] = field(default_factory=list)
    _faults: dict[str, list[port.RuntimeFault]] = field(default_factory=dict)
    _delays: dict[str, float] = field(default_factory=dict)
    _down: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(self, method: str, fault: port.RuntimeFault, *, times: int = 1) -> None:
        """Let the next calls of a method fail."""
        self._faults.setdefault(method, []).extend([fault] * times)

    def delay(self, method: str, seconds: float) -> None:
        """Let every call of a method take so long, before it has its effect."""
        self._delays[method] = seconds

    def go_down(self) -> None:
        """Be gone: calls fail with Unavailable, those under way too; containers go on."""
        self._down.set()

    def come_back(self) -> None:
        """Answer again."""
        self._down.clear()

    def about(self, method: str) -> list[str]:
        """What the calls of one method were about, in order."""
        return [call.about for call in self.calls if call.method == method]

    async def enter(self, method: str, about: str = "") -> None:
        """Record a call and suffer what was ordered for it; every method of a fake begins here."""
        self.calls.append(Call(method=method, about=about))
        self._check()
        if delay_s := self._delays.get(method, 0.0):
            await self.sleep(delay_s)
        else:
            await asyncio.sleep(0)  # a real call never answers in the same turn of the loop
            self._check()
        if queued := self._faults.get(method):
            raise queued.pop(0)

    async def sleep(self, seconds: float) -> None:
        """Let time pass inside a call; raises Unavailable as soon as the fake goes down."""
        await self.wait(asyncio.Event(), seconds)

    async def wait(self, event: asyncio.Event, seconds: float | None) -> bool:
        """Wait for an event, at most so long; whether it came. Raises Unavailable as `sleep`."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(event.wait(), name="fake: the event"),
                group.create_task(self._down.wait(), name="fake: the runtime goes down"),
            ]
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        self._check()
        return event.is_set()

    def _check(self) -> None:
        if self._down.is_set():
            raise port.Unavailable("nobody listens on the fake socket")


class Stamps:
    """Times in nanoseconds that always grow, even when the clock stands."""

    def __init__(self, source: clock.Clock) -> None:
        self._clock = source
        self._last = 0

    def next(self) -> int:
        """A time later than every one before."""
        self._last = max(nanoseconds(self._clock.now()), self._last + 1)
        return self._last
