"""What a pod's configuration depends on outside of its manifest: facts of this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """The machine, as far as pods can see it.

    Attributes:
        name: The node's name.
        ips: Its addresses, the primary one first; at most one a family.
        memory_bytes: The machine's memory.
        cpus: Its number of CPUs.
        allocatable: What pods may use, as quantities by resource name: the default of a missing
            limit in `resourceFieldRef`. Missing entries mean the machine's whole.
        cgroup_version: 2 where `/sys/fs/cgroup` is the unified hierarchy, else 1.
        cgroup_driver: `cgroupfs` or `systemd`, as the runtime says it.
        swap_controlled: Whether the memory controller can limit swap.
        hugepage_sizes: The page sizes that the hugetlb controller can limit, as `2MB`, `1GB`.
        resolv_conf: The text of the node's resolv.conf; None when the settings name no file.
        hosts: The text of the node's /etc/hosts.
    """

    name: str
    ips: tuple[str, ...] = ()
    memory_bytes: int = 0
    cpus: int = 1
    allocatable: Mapping[str, str] = field(default_factory=dict)
    cgroup_version: int = 2
    cgroup_driver: str = "cgroupfs"
    swap_controlled: bool = False
    hugepage_sizes: tuple[str, ...] = ()
    resolv_conf: str | None = ""
    hosts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What this node offers to pods, as admission sees it; the same that its Node says.

    Attributes:
        name: The node's name.
        labels: Its own labels: those that it is registered with.
        api_labels: The labels that an API server has of its Node; empty while that is not known.
        allocatable: What pods may use, as quantities by resource name; empty where it is not
            known, and then nobody is refused for it.
    """

    name: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    api_labels: Mapping[str, str] = field(default_factory=dict)
    allocatable: Mapping[str, str] = field(default_factory=dict)
