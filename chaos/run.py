"""One run: rough times and rests, and what is wrong at a rest."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chaos import deeds, model, survey, verdict
from staticlet.testing import agent as agents
from staticlet.testing import containerd as containerd_of_ours
from staticlet.testing.agent import Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.until import pause

REST_S = 60.0
"""How long it may take until the machine is at rest. Generous: the verdict is on state."""
STAYS_S = 1.0
"""For how long it must be right, then."""
LOOK_S = 0.3
DEEDS = (8, 22)
ROUGH_S = 15.0
"""How many deeds there are between two rests, and for how long at most."""
SPEECHLESS = re.compile(
    r"Traceback|failed unexpectedly|never retrieved|was never awaited|Unclosed|Exception ignored"
)
"""What an agent that is well never prints."""


class Wrong(AssertionError):
    """The machine is not what the files say, or the agent is not well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do.

    Attributes:
        seed: From which all chance comes.
        rough_s: After so many seconds no rough time begins any more.
        tell: Takes each line of the report.
        tell_deed: Takes a line for each deed.
    """

    seed: int
    rough_s: float
    tell: Callable[[str], None]
    tell_deed: Callable[[str], None]


def run(order: Order) -> None:
    """Do it.

    Raises:
        Wrong: With all that is wrong, and the end of the agent's log.
    """
    begun = time.monotonic()
    with survey.groups_removed() as groups, containerd_of_ours.running() as containerd:
        group = f"/chaos-{containerd.base.name}"
        groups.append(group)
        config = {**agents.QUICK, "syncFrequency": "5s", "cgroupRoot": group}
        agent = Agent(containerd.base / "a", containerd, config=config)
        try:
            agent.start()
            _rough_times(order, agent, containerd, group, begun)
        finally:
            agent.kill()


def _rough_times(
    order: Order, agent: Agent, containerd: Containerd, group: str, begun: float
) -> None:
    rng = deeds.rng_of(order.seed)
    doing = deeds.Deeds(agent, containerd, rng, order.tell_deed)
    doing.everything()
    rests = 0
    while True:
        took, troubles = _come_to_rest(doing, agent, containerd, group)
        rests += 1
        clock = time.monotonic() - begun
        wanted = sum(len(goods) for each in doing.model.values() for goods in each.possible)
        order.tell(f"{clock:6.1f} s  rest {rests}: {wanted} pods, after {took:.1f} s")
        if troubles:
            raise Wrong("\n".join((*troubles, agent.story())))
        well(agent)
        if clock > order.rough_s:
            break
        doing.some(rng.randrange(*DEEDS), for_s=ROUGH_S)
    _end(doing, agent, containerd, group)
    order.tell(f"{time.monotonic() - begun:6.1f} s  the end: nothing is left")
    if doing.lost:
        order.tell(f"containerd, when requests were cut off, has lost {len(doing.lost)} shims")


def _come_to_rest(
    doing: deeds.Deeds, agent: Agent, containerd: Containerd, group: str
) -> tuple[float, list[str]]:
    """Wait until all is as it should be, and stays so; what is wrong when it never is."""
    begun = time.monotonic()
    doing.rest()
    right_since: float | None = None
    while True:
        allowed = {key: each.allowed() for key, each in doing.model.items()}
        chosen: Mapping[str, model.Goods] = {}
        try:
            machine = survey.look(agent, containerd, cgroup_root=group)
            chosen, troubles = verdict.settled(allowed, machine, doing.bereft)
            doing.lost = machine.lost
            if machine.lost and not doing.cut_off:
                troubles.append(f"shims that containerd does not know: {sorted(machine.lost)}")
        except survey.Moving as fault:
            troubles = [str(fault)]
        now = time.monotonic()
        if troubles:
            right_since = None
            if now - begun > REST_S:
                return now - begun, troubles
        elif right_since is None:
            right_since = now
        elif now - right_since > STAYS_S:
            doing.found(dict(chosen))
            return right_since - begun, []
        pause(LOOK_S)


def _end(doing: deeds.Deeds, agent: Agent, containerd: Containerd, group: str) -> None:
    """Remove every file: nothing may be left."""
    doing.nothing()
    _, troubles = _come_to_rest(doing, agent, containerd, group)
    if troubles:
        raise Wrong("\n".join(("after all files were removed:", *troubles, agent.story())))
    if agent.stop() != 0:
        raise Wrong(f"the agent ended badly{agent.story()}")
    well(agent)


def well(agent: Agent) -> None:
    """Hold the agent's log to what an agent that is well never prints.

    Raises:
        Wrong: It has printed such a thing.
    """
    found = SPEECHLESS.search(agent.log)
    if found:
        around = agent.log[max(0, found.start() - 1500) : found.end() + 2500]
        raise Wrong(f"the agent's log:\n{around}")
