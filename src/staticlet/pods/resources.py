"""From requests and limits to what the kernel is told: cpu shares and quota, memory, OOM score.

Follows the kubelet's `generateLinuxContainerResources`, `ResourceConfigForPod` and its OOM score
policy. Amounts are exact until the last step and then rounded up, as Kubernetes does. The machine
(its memory, its cgroup version) comes in as facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from staticlet.config.settings import Settings
from staticlet.kube import core, quantity
from staticlet.pods import fields, qos
from staticlet.pods.node import NodeFacts
from staticlet.runtime import port

MIN_SHARES = 2
MAX_SHARES = 262_144
MIN_QUOTA_US = 1000
_SHARES_PER_CPU = 1024
_MILLI = 1000
GUARANTEED_OOM_SCORE = -997
BEST_EFFORT_OOM_SCORE = 1000
_LEAST_BURSTABLE_SCORE = 3
_MOST_BURSTABLE_SCORE = 999
_NODE_CRITICAL = "system-node-critical"
_HUGEPAGES = "hugepages-"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodResources:
    """Limits of a pod's cgroup; 0 means: do not limit.

    Attributes:
        cpu_shares: In the units of cgroup v1, 2 to 262144.
        cpu_quota_us: CPU time in each period.
        cpu_period_us: The period.
        memory_limit_bytes: The memory of all containers together.
        pids_limit: How many processes and threads it may have.
        hugepage_limits: Bytes by page size.
    """

    cpu_shares: int = MIN_SHARES
    cpu_quota_us: int = 0
    cpu_period_us: int = 0
    memory_limit_bytes: int = 0
    pids_limit: int = 0
    hugepage_limits: Mapping[str, int] = field(default_factory=dict)


def container_resources(
    pod: core.Pod, container: core.Container, *, node: NodeFacts, settings: Settings
) -> port.Resources:
    """What the runtime sets on the container's own cgroup and process."""
    requests = fields.requests(container.resources)
    limits = fields.limits(container.resources)
    whole = fields.limits(fields.spec(pod).resources)
    cpu_limit = _milli(limits, "cpu") or _milli(whole, "cpu")
    memory_limit = _bytes(limits, "memory") or _bytes(whole, "memory")
    cpu_request = _milli(requests if "cpu" in requests else limits, "cpu")
    return port.Resources(
        cpu_shares=shares(cpu_request),
        cpu_period_us=settings.cpu_cfs_quota_period_us if settings.cpu_cfs_quota else 0,
        cpu_quota_us=quota(cpu_limit, settings),
        memory_limit_bytes=memory_limit,
        oom_score_adj=oom_score(pod, container, memory_bytes=node.memory_bytes),
        hugepage_limits=_hugepages(limits, node.hugepage_sizes),
        unified=_unified(node),
    )


def pod_resources(pod: core.Pod, *, node: NodeFacts, settings: Settings) -> PodResources:
    """What the pod's cgroup is limited to: the sums, where every container has a limit."""
    cpu_limit, memory_limit = pod_limit(pod, "cpu"), pod_limit(pod, "memory")
    cpu_limit_us = quota(cpu_limit.milli() if cpu_limit else 0, settings)
    hugepages: dict[str, int] = {}
    for container in fields.containers(pod):
        given = _hugepages(fields.limits(container.resources), node.hugepage_sizes)
        for size, amount in given.items():
            hugepages[size] = hugepages.get(size, 0) + amount
    return PodResources(
        cpu_shares=shares(pod_request(pod, "cpu").milli()),
        cpu_quota_us=cpu_limit_us,
        cpu_period_us=settings.cpu_cfs_quota_period_us if cpu_limit_us else 0,
        memory_limit_bytes=memory_limit.value() if memory_limit else 0,
        pids_limit=max(settings.pod_pids_limit, 0),
        hugepage_limits=hugepages,
    )


def pod_request(pod: core.Pod, resource: str) -> quantity.Quantity:
    """What a pod needs of a resource at its most needy moment, overhead included.

    That is the larger of all that runs together in the end, and of each init container with the
    sidecars that were started before it. A request of the pod as a whole takes their place.
    """
    whole = fields.requests(fields.spec(pod).resources)
    if resource in whole:
        return quantity.parse(whole[resource]) + _overhead(pod, resource)
    return _peak(pod, lambda c: _request(c, resource)) + _overhead(pod, resource)


def pod_limit(pod: core.Pod, resource: str) -> quantity.Quantity | None:
    """The limit of a pod as a whole; None when any of its containers has none."""
    whole = fields.limits(fields.spec(pod).resources)
    if resource in whole:
        return quantity.parse(whole[resource]) + _overhead(pod, resource)
    given = [_limit(container, resource) for container in fields.all_containers(pod)]
    if any(limit.is_zero for limit in given):
        return None
    return _peak(pod, lambda c: _limit(c, resource)) + _overhead(pod, resource)


def shares(milli_cpu: int) -> int:
    """CPU shares of a request in thousandths of a CPU."""
    return min(max(milli_cpu * _SHARES_PER_CPU // _MILLI, MIN_SHARES), MAX_SHARES)


def quota(milli_cpu: int, settings: Settings) -> int:
    """CPU time in each period, in microseconds, of a limit; 0 for no limit."""
    if not milli_cpu or not settings.cpu_cfs_quota:
        return 0
    return max(milli_cpu * settings.cpu_cfs_quota_period_us // _MILLI, MIN_QUOTA_US)


def oom_score(pod: core.Pod, container: core.Container, *, memory_bytes: int) -> int:
    """Who dies first when memory runs out: -997 last, 1000 first.

    Static pods are critical always, so that the priority class alone makes one node critical. A
    sidecar is never worth less than the regular container that asks for the least.
    """
    if fields.spec(pod).priorityClassName == _NODE_CRITICAL:
        return GUARANTEED_OOM_SCORE
    match qos.qos_class(pod):
        case qos.QosClass.GUARANTEED:
            return GUARANTEED_OOM_SCORE
        case qos.QosClass.BEST_EFFORT:
            return BEST_EFFORT_OOM_SCORE
        case qos.QosClass.BURSTABLE:
            return _burstable_score(pod, container, memory_bytes)


def _burstable_score(pod: core.Pod, container: core.Container, memory_bytes: int) -> int:
    if memory_bytes <= 0:
        return _MOST_BURSTABLE_SCORE
    asked = _request(container, "memory").value() + _share_of_whole(pod)
    if fields.is_sidecar(container):
        regular = [_request(one, "memory").value() for one in fields.containers(pod)]
        asked = max(asked, min(regular, default=0) + _share_of_whole(pod))
    score = 1000 - 1000 * asked // memory_bytes
    return min(max(score, _LEAST_BURSTABLE_SCORE), _MOST_BURSTABLE_SCORE)


def _share_of_whole(pod: core.Pod) -> int:
    """The part of the pod's own memory request that no container claims, for each container."""
    whole = fields.requests(fields.spec(pod).resources)
    if "memory" not in whole:
        return 0
    members = [one for one in fields.all_containers(pod) if _lasts(pod, one)]
    claimed = sum(_request(one, "memory").value() for one in members)
    return max(_bytes(whole, "memory") - claimed, 0) // max(len(members), 1)


def _lasts(pod: core.Pod, container: core.Container) -> bool:
    return fields.is_sidecar(container) or container in fields.containers(pod)


def _peak(
    pod: core.Pod, amount: Callable[[core.Container], quantity.Quantity]
) -> quantity.Quantity:
    beside = quantity.ZERO
    peak = quantity.ZERO
    for container in fields.init_containers(pod):
        peak = max(peak, beside + amount(container))
        if fields.is_sidecar(container):
            beside += amount(container)
    return max(peak, sum((amount(one) for one in fields.containers(pod)), start=beside))


def _request(container: core.Container, resource: str) -> quantity.Quantity:
    """A container's request; its limit where it gives no request, as defaulting does it."""
    requests = fields.requests(container.resources)
    return _amount(
        requests if resource in requests else fields.limits(container.resources), resource
    )


def _limit(container: core.Container, resource: str) -> quantity.Quantity:
    return _amount(fields.limits(container.resources), resource)


def _overhead(pod: core.Pod, resource: str) -> quantity.Quantity:
    return _amount(fields.spec(pod).overhead or {}, resource)


def _amount(amounts: Mapping[str, str], resource: str) -> quantity.Quantity:
    return quantity.parse(amounts[resource]) if resource in amounts else quantity.ZERO


def _milli(amounts: Mapping[str, str], resource: str) -> int:
    return _amount(amounts, resource).milli()


def _bytes(amounts: Mapping[str, str], resource: str) -> int:
    return _amount(amounts, resource).value()


def _hugepages(limits: Mapping[str, str], sizes: Iterable[str]) -> dict[str, int]:
    """A limit for each page size of the machine: none of them, where nothing is asked for."""
    found = dict.fromkeys(sizes, 0)
    for name in limits:
        if name.startswith(_HUGEPAGES):
            found[page_size(name.removeprefix(_HUGEPAGES))] = _bytes(limits, name)
    return found


def page_size(text: str) -> str:
    """The kernel's name of a huge page size: `2Mi` is `2MB`."""
    kib = quantity.parse(text).value() // 1024
    for unit, scale in (("GB", 1024 * 1024), ("MB", 1024)):
        if kib >= scale and kib % scale == 0:
            return f"{kib // scale}{unit}"
    return f"{kib}KB"


def _unified(node: NodeFacts) -> dict[str, str]:
    """Version 2 only: an OOM ends all of a container, and containers do not swap."""
    if node.cgroup_version != 2:
        return {}
    found = {"memory.oom.group": "1"}
    if node.swap_controlled:
        found["memory.swap.max"] = "0"
    return found
