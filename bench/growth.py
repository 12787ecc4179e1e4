"""How the agent grows: the same measures with few pods and with many, the floor beside them.

Sizes come one after the other on one machine: the floor's pods start and go, then the agent's
start, are watched at rest, one of them is changed, the agent is restarted, and all are removed;
then the floor's once more, since other work on the machine comes and goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import agents, contest, events, litter, race, usage
from bench import machine as machines
from bench.floor import Floor
from staticlet.cli import agentsocket

FLOOR_AT_ONCE = 4
IDLE_S = 31.0
"""As long as there is one slow re-list in it, which comes every 30 s."""
SETTLE_S = 4.0
CHANGES = 5
ADOPT_S = 60.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be measured.

    Attributes:
        sizes: How many pods at once, one measurement for each, in this order.
        manifests: How many manifests the crowded directory has; 0 for no such measurement.
        tell: Called with a line about what goes on.
    """

    sizes: tuple[int, ...]
    manifests: int = 2000
    tell: Callable[[str], None] = field(default=print)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same thing done by the floor and by the agent, in seconds."""

    floor: float
    ours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """What a restart of the agent took: until all its pods are seen to run, and its CPU time."""

    seconds: float
    cpu_s: float
    memory: usage.Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """All that was measured with so many pods.

    Attributes:
        pods: How many.
        start: Until all run; the agent's CPU time is `start_cpu_s`.
        idle: At rest.
        change: One of the pods changed, until its new container has started; the median.
        adoption: The agent restarted.
        remove: Until the last process has ended; the agent's CPU time is `remove_cpu_s`.
    """

    pods: int
    idle: contest.Idle
    start: Pair | None = None
    start_cpu_s: float = 0.0
    change: Pair | None = None
    adoption: Adoption | None = None
    remove: Pair | None = None
    remove_cpu_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """Everything."""

    sizes: tuple[Size, ...]
    crowd: litter.Crowd | None = None


async def measure(order: Order) -> Growth:
    """Everything that was ordered.

    Raises:
        agents.DidNotStart: The agent did not.
        events.Missed: Something that was asked for did not happen.
    """
    async with machines.running() as machine:
        bench = _Bench(machine, order.tell)
        sizes = [await bench.size(pods) for pods in order.sizes]
        crowd = None
        if order.manifests:
            crowd = await litter.measure(machine, bench.floor, order.manifests, order.tell)
        return Growth(sizes=tuple(sizes), crowd=crowd)


class _Bench:
    """The floor and one agent a size, on one machine."""

    def __init__(self, machine: machines.Machine, tell: Callable[[str], None]) -> None:
        self._machine = machine
        self._tell = tell
        self.floor: Floor = machine.floor("floor", FLOOR_AT_ONCE)

    async def size(self, pods: int) -> Size:
        """All measures with so many pods; none of the floor where there are no pods."""
        place = agents.Place(
            base=self._machine.base / f"agent-{pods}", endpoint=self._machine.endpoint
        )
        if not pods:
            async with agents.running(place, agents.ours(place)) as pid:
                idle = await self._agent(place, pid).idle(IDLE_S)
            self._tell(f"0 pods: {_idle(idle)}")
            return Size(pods=0, idle=idle)
        before = await self._floor_round(f"floor-a-{pods}", pods)
        async with contextlib.AsyncExitStack() as first:
            pid = await first.enter_async_context(agents.running(place, agents.ours(place)))
            agent = self._agent(place, pid)
            burst = await agent.burst(f"many-{pods}", pods)
            await asyncio.sleep(SETTLE_S)
            self._tell(f"{pods} pods: start {burst.seconds:.2f}, CPU {burst.cpu_s or 0:.2f}")
            idle = await agent.idle(IDLE_S)
            self._tell(f"{pods} pods: {_idle(idle)}")
            change = await self._changes(agent, f"many-{pods}-0")
            self._tell(f"{pods} pods: change {change.ours:.3f}, floor {change.floor:.3f}")
        async with agents.spawned(place, agents.ours(place)) as process:
            adoption = await _adopted(place, process.pid, pods)
            self._tell(f"{pods} pods: adopted {adoption.seconds:.2f}, CPU {adoption.cpu_s:.2f}")
            await asyncio.sleep(SETTLE_S)
            used = -usage.cpu_seconds(process.pid)
            remove = await self._agent(place, process.pid).clear()
            used += usage.cpu_seconds(process.pid)
            self._tell(f"{pods} pods: remove {remove:.2f}, CPU {used:.2f}")
        after = await self._floor_round(f"floor-b-{pods}", pods)
        return Size(
            pods=pods,
            start=Pair(floor=statistics.mean((before[0], after[0])), ours=burst.seconds),
            start_cpu_s=burst.cpu_s or 0.0,
            idle=idle,
            change=change,
            adoption=adoption,
            remove=Pair(floor=statistics.mean((before[1], after[1])), ours=remove),
            remove_cpu_s=used,
        )

    async def _floor_round(self, prefix: str, pods: int) -> tuple[float, float]:
        """Seconds of the floor for so many starts, and for their removal."""
        start = (await self.floor.burst(prefix, pods)).seconds
        remove = await self.floor.clear()
        self._tell(f"{pods} pods, floor: start {start:.2f}, remove {remove:.2f}")
        return start, remove

    async def _changes(self, agent: race.Agent, name: str) -> Pair:
        """One pod among all changed a few times, and a pod of the floor beside them."""
        floor, ours = [], []
        for number in range(CHANGES):
            floor.append(await self.floor.change(f"floor-change-{number}"))
            ours.append(await agent.change(name, edition=number + 1))
            await asyncio.sleep(contest.SETTLE_S)
        return Pair(floor=statistics.median(floor), ours=statistics.median(ours))

    def _agent(self, place: agents.Place, pid: int) -> race.Agent:
        return race.Agent(
            "staticlet",
            pid=pid,
            manifests=place.manifests,
            runtime=self._machine.runtime,
            seen=self._machine.seen,
        )


async def _adopted(place: agents.Place, pid: int, pods: int) -> Adoption:
    """Wait until an agent just started shows all pods as running.

    Asking costs it a few milliseconds of CPU each time, which count.
    """
    began = events.now()
    try:
        async with asyncio.timeout(ADOPT_S):
            while await asyncio.to_thread(_running, place) < pods:  # noqa: ASYNC110  asked
                await asyncio.sleep(POLL_S)
    except TimeoutError as fault:
        raise events.Missed(f"{pods} pods were not adopted within {ADOPT_S:g} s") from fault
    seconds = events.now() - began
    return Adoption(seconds=seconds, cpu_s=usage.cpu_seconds(pid), memory=usage.memory(pid))


def _running(place: agents.Place) -> int:
    """How many pods the agent shows as running; 0 while it does not answer."""
    connection = agentsocket.UnixConnection(place.root / "staticlet.sock")
    try:
        connection.request("GET", "/pods")
        items = json.loads(connection.getresponse().read())["items"]
    except OSError:
        return 0
    finally:
        connection.close()
    return sum(item["status"].get("phase") == "Running" for item in items)


def _idle(idle: contest.Idle) -> str:
    return (
        f"idle CPU {idle.cpu_s_per_min:.3f} s/min, RSS {idle.memory.rss_mb:.1f} MB, "
        f"PSS {idle.memory.pss_mb:.1f} MB"
    )
