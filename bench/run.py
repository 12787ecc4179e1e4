"""A whole measurement: everything started, the contestants in turn, their samples."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import agents, contest, kubelets, pod, race, results
from bench import machine as machines

FLOOR_AT_ONCE = 4
AFTER_BURST_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be measured.

    Attributes:
        pods: How many pods live a life, one after the other.
        burst: How many are started at once.
        rounds: How often.
        idle_s: How long the pods of the last burst are watched; 0 for not at all.
        kubelet: A kubelet to measure too.
        starts: Instead of all this, bursts alone with these bounds of starts at once.
        tell: Called with a line about what goes on.
    """

    pods: int = 12
    burst: int = 30
    rounds: int = 3
    idle_s: float = 30.0
    kubelet: Path | None = None
    starts: tuple[int, ...] = ()
    tell: Callable[[str], None] = field(default=print)


async def measure(order: Order) -> dict[str, results.Samples]:
    """Everything that was ordered, by the contestants' names.

    Raises:
        agents.DidNotStart: An agent did not.
        kubelets.NoKubelet: What was given is none.
        events.Missed: Something that was asked for did not happen.
    """
    async with contextlib.AsyncExitStack() as stack:
        machine = await stack.enter_async_context(machines.running())
        if order.starts:
            return await _compare_bounds(order, machine, stack)
        rivals: list[contest.Contestant] = [
            machine.floor(results.FLOOR, FLOOR_AT_ONCE),
            await _ours(machine, results.SUBJECT, stack),
        ]
        if order.kubelet is not None:
            rivals.append(await _kubelet(order.kubelet, stack))
        samples = {rival.name: results.Samples() for rival in rivals}
        await _lives(order, rivals, samples)
        await _bursts(order, rivals, samples)
        return samples


async def _compare_bounds(
    order: Order, machine: machines.Machine, stack: contextlib.AsyncExitStack
) -> dict[str, results.Samples]:
    rivals: list[contest.Contestant] = []
    for bound in order.starts:
        rivals.append(machine.floor(f"floor {bound}", bound))
        rivals.append(await _ours(machine, f"agent {bound}", stack, starts=bound))
    samples = {rival.name: results.Samples() for rival in rivals}
    await _bursts(order, rivals, samples)
    return samples


async def _lives(
    order: Order, rivals: Sequence[contest.Contestant], samples: dict[str, results.Samples]
) -> None:
    for number in range(order.pods):
        for rival in _in_turn(rivals, number):
            life = await rival.live(f"life-{number}")
            samples[rival.name].lives.append(life)
            order.tell(
                f"pod {number + 1}/{order.pods} {rival.name}: start {life.start:.3f}, "
                f"restart {life.restart:.3f}, change {life.change:.3f}, remove {life.remove:.3f}"
            )


async def _bursts(
    order: Order, rivals: Sequence[contest.Contestant], samples: dict[str, results.Samples]
) -> None:
    for number in range(order.rounds if order.burst else 0):
        for rival in _in_turn(rivals, number):
            burst = await rival.burst(f"burst-{number}", order.burst)
            samples[rival.name].bursts.append(burst)
            cpu = "" if burst.cpu_s is None else f", CPU {burst.cpu_s:.2f}"
            order.tell(f"burst {number + 1}/{order.rounds} {rival.name}: {burst.seconds:.2f}{cpu}")
            await asyncio.sleep(AFTER_BURST_S)
            if order.idle_s and number == order.rounds - 1:
                samples[rival.name].idle = await rival.idle(order.idle_s)
            await rival.clear()


def _in_turn(rivals: Sequence[contest.Contestant], number: int) -> Sequence[contest.Contestant]:
    """Every other round backwards: nobody always comes first."""
    return rivals if number % 2 == 0 else rivals[::-1]


async def _ours(
    machine: machines.Machine,
    name: str,
    stack: contextlib.AsyncExitStack,
    *,
    starts: int | None = None,
) -> race.Agent:
    place = agents.Place(base=machine.base / name.replace(" ", "-"), endpoint=machine.endpoint)
    return await _enter(machine, name, place, agents.ours(place, starts=starts), stack)


async def _kubelet(binary: Path, stack: contextlib.AsyncExitStack) -> race.Agent:
    """A kubelet on a containerd for itself: it removes every pod that it does not know."""
    stack.enter_context(kubelets.logs_of(pod.NAMESPACE))
    machine = await stack.enter_async_context(machines.running())
    place = agents.Place(
        base=machine.base / "kubelet",
        endpoint=machine.endpoint,
        kubelet=kubelets.version(binary),
    )
    return await _enter(machine, "kubelet", place, agents.kubelet(place, binary), stack)


async def _enter(
    machine: machines.Machine,
    name: str,
    place: agents.Place,
    command: Sequence[str],
    stack: contextlib.AsyncExitStack,
) -> race.Agent:
    pid = await stack.enter_async_context(agents.running(place, command))
    return race.Agent(
        name,
        pid=pid,
        manifests=place.manifests,
        runtime=machine.runtime,
        seen=machine.seen,
    )
