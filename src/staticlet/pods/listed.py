"""What of ours the runtime lists, by pod: two calls tell of everything that runs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from staticlet.pods import observed as obs
from staticlet.pods import wanted
from staticlet.runtime import port


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is ours on the runtime, of one pod key.

    Attributes:
        sources: Which sources brought its sandboxes (`file`, `http`).
        sandboxes: Whether each sandbox is ready, by id.
        containers: The state of each container, by id.
        uids: UID of each sandbox, newest first.
        living: The sandboxes of which something lives.
    """

    sources: frozenset[str]
    sandboxes: Mapping[str, bool]
    containers: Mapping[str, port.ContainerState]
    uids: tuple[str, ...]
    living: tuple[port.Sandbox, ...] = ()


def by_pod(
    sandboxes: Iterable[port.Sandbox],
    containers: Iterable[port.Container],
    source_of: Callable[[port.Sandbox], str],
) -> dict[wanted.PodKey, Found]:
    """Group what the runtime lists by pod key."""
    boxes: dict[wanted.PodKey, list[port.Sandbox]] = {}
    keys: dict[str, wanted.PodKey] = {}
    for sandbox in sandboxes:
        key = wanted.PodKey(sandbox.namespace, sandbox.name)
        boxes.setdefault(key, []).append(sandbox)
        keys[sandbox.id] = key
    states: dict[wanted.PodKey, dict[str, port.ContainerState]] = {}
    running: set[str] = set()
    for container in containers:
        owner = keys.get(container.sandbox_id)
        if container.state in (port.ContainerState.RUNNING, port.ContainerState.UNKNOWN):
            running.add(container.sandbox_id)
        if owner is not None:
            states.setdefault(owner, {})[container.id] = container.state
    return {
        key: Found(
            sources=frozenset(source_of(s) for s in own),
            sandboxes={s.id: s.ready for s in own},
            containers=states.get(key, {}),
            uids=tuple(s.uid for s in sorted(own, key=lambda s: -s.created_at_ns)),
            living=tuple(s for s in own if s.ready or s.id in running),
        )
        for key, own in boxes.items()
    }


def differs(seen: Sequence[obs.ObservedSandbox], found: Found | None) -> bool:
    """Whether the runtime shows something else than what is believed to run."""
    sandboxes: Mapping[str, bool] = found.sandboxes if found else {}
    containers: Mapping[str, port.ContainerState] = found.containers if found else {}
    believed = {s.id: s.ready for s in seen}
    believed_containers = {c.id: c.state for s in seen for c in s.containers}
    return believed != dict(sandboxes) or believed_containers != dict(containers)
