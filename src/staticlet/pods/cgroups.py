"""Where a pod's cgroup is, and what it is limited to: names and numbers, nothing is written here.

Follows the kubelet: `kubepods`, below it one group for each class but Guaranteed, below that one
for each pod. With the systemd driver the same path is a chain of slices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import qos, resources
from staticlet.pods.node import NodeFacts

SYSTEMD = "systemd"
_TOP = "kubepods"
_CLASS_NAMES = {
    qos.QosClass.GUARANTEED: (),
    qos.QosClass.BURSTABLE: ("burstable",),
    qos.QosClass.BEST_EFFORT: ("besteffort",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A cgroup to be made: its path from the root of the hierarchy, and its limits if any."""

    path: str
    limits: resources.PodResources | None = None


def parent(pod: core.Pod, uid: str, *, node: NodeFacts, settings: Settings) -> str:
    """The cgroup parent of the pod's containers, as the CRI wants it.

    A path for the cgroupfs driver, the name of a slice for systemd.
    """
    names = _names(pod, uid)
    if node.cgroup_driver == SYSTEMD:
        steps = (*settings.cgroup_root.strip("/").split("/"), *names)
        return "-".join(step.replace("-", "_") for step in steps if step) + ".slice"
    return _path(settings, names)


def path(pod: core.Pod, uid: str, *, settings: Settings) -> str:
    """The pod's cgroup path with the cgroupfs driver."""
    return _path(settings, _names(pod, uid))


def candidates(uid: str, *, settings: Settings) -> Sequence[str]:
    """All paths at which a pod of this UID can have its cgroup, whatever its class is."""
    return [_path(settings, (_TOP, *names, f"pod{uid}")) for names in _CLASS_NAMES.values()]


def groups(pod: core.Pod, uid: str, *, node: NodeFacts, settings: Settings) -> Sequence[Group]:
    """The groups that a pod needs with the cgroupfs driver, from the top down.

    Those in between get no limits, but for the besteffort group, whose cpu shares are the least.
    """
    names = _names(pod, uid)
    above = [Group(path=_path(settings, names[:depth])) for depth in range(1, len(names))]
    if qos.qos_class(pod) is qos.QosClass.BEST_EFFORT:
        above[-1] = Group(path=above[-1].path, limits=resources.PodResources())
    limits = resources.pod_resources(pod, node=node, settings=settings)
    return [*above, Group(path=_path(settings, names), limits=limits)]


def _names(pod: core.Pod, uid: str) -> tuple[str, ...]:
    return (_TOP, *_CLASS_NAMES[qos.qos_class(pod)], f"pod{uid}")


def _path(settings: Settings, names: Sequence[str]) -> str:
    root = settings.cgroup_root.strip("/")
    return "/" + "/".join((root, *names) if root else names)
