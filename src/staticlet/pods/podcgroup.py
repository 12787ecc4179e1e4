"""Making a pod's cgroup before its sandbox, and removing it after.

With the systemd driver the groups are slices, which systemd and the runtime make between them;
then nothing is done here.
"""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.config.settings import Settings
from staticlet.host import cgroup
from staticlet.pods import cgroups, resources
from staticlet.pods.node import NodeFacts
from staticlet.pods.wanted import WantedPod


def ensure(
    wanted: WantedPod, *, trees: cgroup.Hierarchies, node: NodeFacts, settings: Settings
) -> Sequence[str]:
    """Make a pod's cgroup with its limits; what could not be done, in words, and no fault."""
    if node.cgroup_driver == cgroups.SYSTEMD:
        return ()
    troubles: list[str] = []
    for group in cgroups.groups(wanted.pod, wanted.uid, node=node, settings=settings):
        limits = _limits(group.limits) if group.limits else None
        troubles += cgroup.ensure(trees, group.path, limits)
    return troubles


def remove(
    uid: str, *, trees: cgroup.Hierarchies, node: NodeFacts, settings: Settings
) -> Sequence[str]:
    """Remove a pod's cgroup, whatever its class was; what is still there, in words."""
    if node.cgroup_driver == cgroups.SYSTEMD:
        return ()
    troubles: list[str] = []
    for path in cgroups.candidates(uid, settings=settings):
        troubles += cgroup.remove(trees, path)
    return troubles


def _limits(given: resources.PodResources) -> cgroup.Limits:
    return cgroup.Limits(
        cpu_shares=given.cpu_shares,
        cpu_quota_us=given.cpu_quota_us,
        cpu_period_us=given.cpu_period_us,
        memory_bytes=given.memory_limit_bytes,
        pids=given.pids_limit,
        hugepages=given.hugepage_limits,
    )
