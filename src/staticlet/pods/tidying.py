"""What of a pod is removed because nobody needs it any more. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from staticlet.pods import ends, fields, steps, wanted
from staticlet.pods import observed as obs
from staticlet.runtime import port


def leftovers(
    now: steps.Situation, pod: wanted.WantedPod, current: obs.ObservedSandbox | None
) -> tuple[steps.Action, ...]:
    """Dead sandboxes that no longer matter, and all but the last dead container of a name."""
    actions = list(removals(now, keep_uid=pod.uid, why="it was replaced", current=current))
    for sandbox in now.seen.sandboxes:
        if sandbox is not current:
            continue
        for name in {c.name for c in sandbox.containers}:
            own = sorted(
                (c for c in sandbox.containers if c.name == name),
                key=lambda c: (c.restart_count, c.created_at_ns),
                reverse=True,
            )
            actions += [
                steps.RemoveContainer(container_id=c.id, why="a newer dead container is kept")
                for c in own[2:]
                if c.state is not port.ContainerState.RUNNING
            ]
    return tuple(actions)


def removals(
    now: steps.Situation,
    *,
    keep_uid: str,
    why: str,
    current: obs.ObservedSandbox | None = None,
) -> Iterator[steps.Action]:
    """Remove dead sandboxes, then clean up after every UID of which none is left.

    What alone tells how often a container was started stays until the present sandbox tells it:
    the counts outlive a restart of the agent. Where restartPolicy is not Always, dead sandboxes
    also tell which containers ended for good, so there every one that serves the pod stays.
    """
    target_pod = now.target
    kept: set[str] = set()
    if target_pod is not None:
        own = [s for s in now.seen.sandboxes if s.uid == keep_uid]
        serves = [s for s in own if ends.serves(s, target_pod) and s.id not in now.past.doomed]
        if ends.restart_policy(target_pod.pod) != "Always":
            kept |= {s.id for s in serves}
        elif current is None:
            kept |= {s.id for s in own[:1]}
        kept |= _counting(target_pod, own, current)
    left: set[str] = {keep_uid}
    for sandbox in now.seen.sandboxes:
        if sandbox is current or sandbox.alive or sandbox.id in kept:
            left.add(sandbox.uid)
        else:
            yield steps.RemoveSandbox(sandbox_id=sandbox.id, why=why)
    gone = {s.uid for s in now.seen.sandboxes} | now.uncleaned
    for uid in sorted(gone - left):
        yield steps.CleanUp(uid=uid, why=why)


def _counting(
    pod: wanted.WantedPod,
    own: Sequence[obs.ObservedSandbox],
    current: obs.ObservedSandbox | None,
) -> set[str]:
    """The sandboxes that hold the highest restart count of a container not yet made here."""
    found: set[str] = set()
    for spec in fields.all_containers(pod.pod):
        if current is not None and current.newest(spec.name) is not None:
            continue
        counts = [(c.restart_count, s.id) for s in own if (c := s.newest(spec.name))]
        found |= {max(counts)[1]} if counts else set()
    return found
