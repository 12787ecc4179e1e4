"""A directory of which nearly every manifest is refused: is the agent still there for the rest?"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import agents, contest, events, pod, race, usage
from bench import machine as machines
from bench.floor import Floor

GOOD = 10
STARTS = 5
ASKS = 5
TAKEN_IN_S = 60.0
IDLE_S = 31.0
_BAD = """\
apiVersion: v1
kind: Pod
metadata:
  name: refused-{number}
spec:
  restartPolicy: Sometimes
  containers:
  - name: main
    image: {image}
    imagePullPolicy: IfNotPresent
    resources: {{limits: {{cpu: much}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """What was measured in a crowded directory, with the same in an empty one before.

    Attributes:
        manifests: How many it has.
        taken_in_s: From the first file's rename to the last one's state being shown.
        taken_in_cpu_s: The agent's CPU time for that.
        start_s: A good manifest renamed in, until its container has started: the median.
        start_empty_s: The same while the directory was empty.
        start_floor_s: The same by the floor, in turns with the crowded ones.
        start_cpu_s: The agent's CPU time for a start and a removal.
        ask_s: `staticlet get manifests`, the whole command: the median.
        ask_empty_s: The same while the directory was empty.
        idle: At rest.
    """

    manifests: int
    taken_in_s: float
    taken_in_cpu_s: float
    start_s: float
    start_empty_s: float
    start_floor_s: float
    start_cpu_s: float
    ask_s: float
    ask_empty_s: float
    idle: contest.Idle


async def measure(
    machine: machines.Machine, floor: Floor, manifests: int, tell: Callable[[str], None]
) -> Crowd:
    """Fill a directory with manifests, nearly all of them refused, and use the rest."""
    place = agents.Place(base=machine.base / "crowd", endpoint=machine.endpoint)
    async with agents.running(place, agents.ours(place)) as pid:
        agent = race.Agent(
            "staticlet",
            pid=pid,
            manifests=place.manifests,
            runtime=machine.runtime,
            seen=machine.seen,
        )
        empty = [await agent.start(f"alone-{number}") for number in range(STARTS)]
        ask_empty = [await _ask(place) for _ in range(ASKS)]
        cpu = usage.cpu_seconds(pid)
        taken_in = await _fill(place, manifests, machine.seen)
        cpu = usage.cpu_seconds(pid) - cpu
        tell(f"{manifests} manifests: taken in within {taken_in:.2f}, CPU {cpu:.2f}")
        await asyncio.sleep(contest.SETTLE_S)
        asks = [await _ask(place) for _ in range(ASKS)]
        used = usage.cpu_seconds(pid)
        starts, floors = [], []
        for number in range(STARTS):
            floors.append(await floor.start(f"floor-crowd-{number}"))
            starts.append(await agent.start(f"crowd-{number}"))
        used = (usage.cpu_seconds(pid) - used) / STARTS
        idle = await agent.idle(IDLE_S)
        found = Crowd(
            manifests=manifests,
            taken_in_s=taken_in,
            taken_in_cpu_s=cpu,
            start_s=statistics.median(starts),
            start_empty_s=statistics.median(empty),
            start_floor_s=statistics.median(floors),
            start_cpu_s=used,
            ask_s=statistics.median(asks),
            ask_empty_s=statistics.median(ask_empty),
            idle=idle,
        )
        tell(f"{manifests} manifests: {found}")
        await asyncio.to_thread(_remove, place.manifests)
        await machine.seen.last_of(events.EXIT, 2 * GOOD, timeout_s=contest.TIMEOUT_S)
        return found


async def _fill(place: agents.Place, manifests: int, seen: events.Events) -> float:
    """Rename all manifests in, the good ones last; seconds until the last good one has started.

    Files are taken in in the order in which the directory shows them, all that are there at once.
    """
    prepared = place.base / "prepared"
    await asyncio.to_thread(_prepare, prepared, manifests)
    seen.drain()
    began = events.now()
    await asyncio.to_thread(_move, prepared, place.manifests)
    last = await seen.last_of(events.START, 2 * GOOD, timeout_s=TAKEN_IN_S)
    return last.at - began


def _prepare(directory: Path, manifests: int) -> None:
    directory.mkdir()
    for number in range(manifests - GOOD):
        text = _BAD.format(number=number, image=pod.IMAGE)
        (directory / f"bad-{number:04}.yaml").write_text(text)
    for number in range(GOOD):
        (directory / f"good-{number}.yaml").write_text(pod.manifest(f"good-{number}", 0))


def _move(source: Path, target: Path) -> None:
    for file in sorted(source.iterdir()):
        file.rename(target / file.name)


def _remove(directory: Path) -> None:
    for file in directory.iterdir():
        file.unlink()


async def _ask(place: agents.Place) -> float:
    """Seconds of one `staticlet get manifests`."""
    command = (agents.PYTHON, "-m", "staticlet", "get", "manifests")
    began = events.now()
    process = await asyncio.create_subprocess_exec(
        *command, "--root-dir", str(place.root), stdout=asyncio.subprocess.DEVNULL
    )
    if await process.wait():
        raise events.Missed("`staticlet get manifests` failed")
    return events.now() - began
