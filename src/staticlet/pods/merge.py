"""All sources' snapshots to the one list of wanted pods.

A pod's key belongs to one manifest at a time. The kubelet lets the last reader win, so that two
files of one name take turns with every event; here who holds a key keeps it for as long as it
claims it, and the other is told which file to mend.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from staticlet.kube import finding
from staticlet.pods.wanted import API, Manifest, ManifestState, PodKey, Snapshot, Wanted, WantedPod


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a key.

    Attributes:
        origin: The path or URL; empty when it is not known, as after a start of the agent.
        uid: The UID of the pod that runs.
    """

    origin: str = ""
    uid: str = ""


def merge(snapshots: Iterable[Snapshot], *, holders: Mapping[PodKey, Holder]) -> Wanted:
    """Decide for every claimed key whose it is.

    The holder keeps it: the manifest of its origin, else one with its very content (the holder's
    file was renamed, or the agent was restarted), else the first claimant in the order of origins.
    A pod of the API never has the key of a static one: who may write to the API server must not be
    able to end what a file on this machine wants.

    Args:
        snapshots: One for each configured source.
        holders: Who has what now: `holders` of the last result, or what the runtime runs.

    Returns:
        The wanted pods. Manifests still list the pods that they lost, with an error that names
        the holder.
    """
    snapshots = tuple(snapshots)
    claims: dict[PodKey, list[WantedPod]] = {}
    for snapshot in snapshots:
        for manifest in snapshot.manifests:
            for pod in manifest.pods:
                claims.setdefault(pod.key, []).append(pod)
    pods = {key: _winner(claimants, holders.get(key)) for key, claimants in claims.items()}
    manifests = [
        _told(manifest, pods)
        for snapshot in snapshots
        if snapshot.source != API
        for manifest in snapshot.manifests
    ]
    return Wanted(
        pods=pods,
        manifests=tuple(sorted(manifests, key=lambda each: each.origin)),
        findings=tuple(each for snapshot in snapshots for each in snapshot.findings),
        ready=frozenset(snapshot.source for snapshot in snapshots if snapshot.ready),
        sources=frozenset(snapshot.source for snapshot in snapshots),
    )


def holders(wanted: Wanted) -> dict[PodKey, Holder]:
    """Who holds what, for the next merge."""
    return {key: Holder(origin=pod.origin, uid=pod.uid) for key, pod in wanted.pods.items()}


def _winner(claimants: list[WantedPod], holder: Holder | None) -> WantedPod:
    static = [pod for pod in claimants if pod.source != API]
    ordered = sorted(static or claimants, key=lambda pod: pod.origin)
    if holder is not None:
        for pod in ordered:
            if pod.origin == holder.origin:
                return pod
        for pod in ordered:
            if pod.uid == holder.uid:
                return pod
    return ordered[0]


def _told(manifest: Manifest, pods: Mapping[PodKey, WantedPod]) -> Manifest:
    """A manifest with an error for each pod that another one holds."""
    lost = [pod for pod in manifest.pods if pods[pod.key].origin != manifest.origin]
    if not lost:
        return manifest
    errors = tuple(
        finding.Finding(
            severity=finding.Severity.ERROR,
            source=manifest.origin,
            path="metadata.name",
            message=f"{pod.key} is held by {pods[pod.key].origin}; remove or rename one of them",
        )
        for pod in lost
    )
    state = ManifestState.CONFLICT if len(lost) == len(manifest.pods) else manifest.state
    return replace(manifest, state=state, findings=(*manifest.findings, *errors))
