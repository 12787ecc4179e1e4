"""How the snapshots of new sources follow those of the old when places change: a pure rule.

A running pod must not end because the configuration was read again. What an old place has brought
stays until the new ones were seen: a source goes on with its old snapshot until its new one is
ready, and one that is not configured any more goes only when all others are ready.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from staticlet.pods.wanted import PodKey, Snapshot


def succeed(
    old: Mapping[str, Snapshot], new: Mapping[str, Snapshot], configured: Iterable[str]
) -> Mapping[str, Snapshot]:
    """The snapshots that count now, by source.

    Args:
        old: The last ones of the places before.
        new: What the present places have brought so far.
        configured: The sources that are configured now.
    """
    names = tuple(configured)
    out = {name: _of(name, old.get(name), new.get(name)) for name in names}
    if all(name in new and new[name].ready for name in names):
        return out
    return {**{name: one for name, one in old.items() if name not in out}, **out}


def _of(name: str, old: Snapshot | None, new: Snapshot | None) -> Snapshot:
    """One source's: its new snapshot as soon as it is ready; until then its findings alone."""
    if new is None:
        return old or Snapshot(source=name, ready=False)
    if old is None or new.ready:
        return new
    return replace(old, findings=new.findings)


def incarnations(snapshots: Iterable[Snapshot]) -> Mapping[PodKey, int]:
    """The incarnation of each pod of some snapshots."""
    return {
        pod.key: pod.incarnation
        for snapshot in snapshots
        for manifest in snapshot.manifests
        for pod in manifest.pods
    }


def continued(snapshot: Snapshot, begun: Mapping[PodKey, int]) -> Snapshot:
    """A new source's snapshot, whose pods count their incarnations on from the old source's.

    A new source counts from 0; a number that fell back would read as a manifest put back, and
    restart its pod.
    """
    if not any(begun.values()):
        return snapshot
    manifests = tuple(
        replace(
            manifest,
            pods=tuple(
                replace(pod, incarnation=pod.incarnation + begun.get(pod.key, 0))
                for pod in manifest.pods
            ),
        )
        for manifest in snapshot.manifests
    )
    return replace(snapshot, manifests=manifests)
