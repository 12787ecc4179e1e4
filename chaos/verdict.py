"""Whether the machine is exactly what the files say; pure.

Each trouble is a sentence. None means: one sandbox a wanted pod, each container once and with the
right content, and of anything else nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from chaos import manifests
from chaos.model import Goods, Shape, Variant
from chaos.survey import Box, Inmate, Machine


def settled(
    allowed: Mapping[str, frozenset[Goods]],
    machine: Machine,
    bereft: Collection[str] = frozenset(),
) -> tuple[Mapping[str, Goods], list[str]]:
    """Choose for each lineage what fits the machine best, and tell what does not fit.

    Args:
        allowed: What each lineage may stand for.
        machine: What was found.
        bereft: The sandboxes whose ended init container somebody else removed.

    Returns:
        What each lineage stands for, and the troubles.
    """
    shown = {(box.pod, box.round) for box in machine.boxes}
    chosen = {
        name: max(
            sorted(choices, key=sorted),
            key=lambda goods: _likeness(goods, choices, shown),
        )
        for name, choices in allowed.items()
    }
    wanted = [variant for goods in chosen.values() for variant in sorted(goods)]
    return chosen, list(troubles(wanted, machine, bereft))


def _likeness(
    goods: Goods, choices: Iterable[Goods], shown: set[tuple[str, int]]
) -> tuple[int, int]:
    """How much of it runs and how little else of what the lineage could be."""
    every = {(each.pod, each.round) for choice in choices for each in choice}
    own = {(each.pod, each.round) for each in goods}
    return -len(own ^ (every & shown)), len(own)


def troubles(
    wanted: Iterable[Variant], machine: Machine, bereft: Collection[str] = frozenset()
) -> Iterator[str]:
    """What is wrong with the machine; `bereft` as with `settled`."""
    boxes: list[Box] = []
    for variant in wanted:
        own = [box for box in machine.boxes if box.pod == variant.pod]
        boxes += own
        if variant.shape is Shape.ONCE:
            yield from _ended(variant, own, machine)
            continue
        if len(own) != 1:
            yield f"{variant}: {len(own)} sandboxes instead of one: {own}"
        for box in own:
            yield from _box(variant, box, machine, bereft)
    for box in machine.boxes:
        if box not in boxes:
            yield f"left over: {box}"
    yield from _inmates(machine)
    yield from _processes(machine)
    yield from _disk(machine, frozenset(box.uid for box in boxes))


def _box(variant: Variant, box: Box, machine: Machine, bereft: Collection[str]) -> Iterator[str]:
    if box.round != variant.round:
        yield f"{variant}: its sandbox is of round {box.round}"
    if not box.ready:
        yield f"{variant}: its sandbox is not ready"
    own = [each for each in machine.inmates if each.sandbox_id == box.id]
    names = manifests.containers_of(variant.shape)
    ran = any(each.name == manifests.INIT_CONTAINER for each in own)
    if variant.shape is Shape.INIT and not ran and box.id not in bereft:
        yield f"{variant}: its init container never ran"
    for name in sorted(names | {each.name for each in own}):
        lives = sorted((c for c in own if c.name == name), key=lambda c: c.attempt)
        if name in names:
            yield from _container(variant, name, lives)
        elif variant.shape is not Shape.INIT or name != manifests.INIT_CONTAINER:
            yield f"{variant}: nobody asked for container {name}"
        elif len(lives) > 2 or not all(each.exited for each in lives):  # it may fail once
            yield f"{variant}: init container {name}: {lives}"


def _ended(variant: Variant, own: list[Box], machine: Machine) -> Iterator[str]:
    """A pod that ran to its end: its dead sandboxes stay, since they tell so."""
    ids = {box.id for box in own}
    lives = [each for each in machine.inmates if each.sandbox_id in ids]
    if any(box.ready or box.round != variant.round for box in own):
        yield f"{variant}: is to have ended: {own}"
    if not lives or not all(each.exited and each.name == "main" for each in lives):
        yield f"{variant}: main is to have ended: {lives}"


def _container(variant: Variant, name: str, lives: list[Inmate]) -> Iterator[str]:
    running = [each for each in lives if each.running]
    if len(running) != 1 or running != lives[-1:]:
        yield f"{variant}: container {name} is to run once: {lives}"
    if len(lives) > 2:
        yield f"{variant}: container {name} leaves its dead: {lives}"
    for each in running:
        if each.round != variant.round:
            yield f"{variant}: container {name} runs round {each.round}"
    for each in lives:
        if not (each.running or each.exited):
            yield f"{variant}: container {name} was made and never started: {each}"


def _inmates(machine: Machine) -> Iterator[str]:
    known = {box.id for box in machine.boxes}
    for each in machine.inmates:
        if each.sandbox_id not in known:
            yield f"left over, of no sandbox: {each}"
    twice = Counter((box.pod, box.ready) for box in machine.boxes)
    yield from (f"doubled: {pod}" for (pod, ready), n in twice.items() if ready and n > 1)


def _processes(machine: Machine) -> Iterator[str]:
    ready = {box.id for box in machine.boxes if box.ready}
    known = {box.id for box in machine.boxes} | {each.id for each in machine.inmates}
    alive = ready | {each.id for each in machine.inmates if each.running}
    yield from _unequal("in containerd and not in the CRI", machine.records, known)
    yield from _unequal("tasks", machine.tasks, alive)
    yield from _unequal("shims", machine.shims, ready)


def _disk(machine: Machine, uids: frozenset[str]) -> Iterator[str]:
    running = frozenset(box.uid for box in machine.boxes if box.ready)
    logs = frozenset(name.rpartition("_")[2] for name in machine.logs)
    yield from _unequal("pod directories", machine.directories, uids)
    yield from _unequal("log directories", logs, uids)
    yield from _unequal("logs of many lives", machine.crowded, ())
    yield from _unequal("mounts", machine.mounts, machine.mounts & uids)
    yield from _unequal("cgroups", machine.groups, (machine.groups & uids) | running)
    for container_id, there in machine.links.items():
        if not there:  # those of containers that are gone last as long as their logs do
            yield f"log link of {container_id} leads nowhere"


def _unequal(what: str, found: Iterable[str], expected: Iterable[str]) -> Iterator[str]:
    more, less = {*found} - {*expected}, {*expected} - {*found}
    if more:
        yield f"{what}: too many: {', '.join(sorted(more))}"
    if less:
        yield f"{what}: missing: {', '.join(sorted(less))}"
