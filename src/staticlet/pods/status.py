"""The status of a pod as the kubelet would write it: a pure function of what is known of it.

Follows `generateAPIPodStatus`: conditions in the kubelet's order, phase by `getPhase` (a static
pod never gets a terminal phase because it was stopped), container states from the newest and
second newest container of each name, with start errors and back-offs as waiting reasons.
"""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.kube import core
from staticlet.pods import containerstatus, ends, fields, podconditions, qos, statusparts
from staticlet.pods import observed as obs


def status(known: statusparts.Known) -> core.PodStatus:
    """The pod's status."""
    pod = known.pod.pod
    sandboxes = statusparts.own(known)
    current = next((s for s in sandboxes if s.ready), None)
    init = [containerstatus.of(known, sandboxes, c) for c in fields.init_containers(pod)]
    regular = [containerstatus.of(known, sandboxes, c) for c in fields.containers(pod)]
    regular.sort(key=lambda s: s.name)
    ended = _ended_for_good(known)
    phase = "Failed" if ended is not None else _phase(pod, init, regular)
    ips = _pod_ips(known, current)
    started = known.past.started_at_ns or known.now_ns
    return core.PodStatus(
        phase=phase,
        reason=ended.reason if ended is not None else None,
        message=ended.message if ended is not None else None,
        conditions=podconditions.conditions(known, phase, current, init, regular),
        hostIP=known.host_ips[0] if known.host_ips else None,
        hostIPs=[core.HostIP(ip=ip) for ip in known.host_ips] or None,
        podIP=ips[0] if ips else None,
        podIPs=[core.PodIP(ip=ip) for ip in ips] or None,
        startTime=statusparts.time_of(started),
        initContainerStatuses=init or None,
        containerStatuses=regular,
        qosClass=qos.qos_class(pod).value,
    )


def _ended_for_good(known: statusparts.Known) -> obs.Ending | None:
    """Why the agent has ended the pod, once nothing of it runs any more."""
    if any(sandbox.alive for sandbox in statusparts.own(known)):
        return None
    return known.past.end_of(known.pod.uid, known.pod.revision)


def _pod_ips(known: statusparts.Known, current: obs.ObservedSandbox | None) -> Sequence[str]:
    if fields.host_network(known.pod.pod):
        return known.host_ips
    return current.ips if current else ()


def _phase(
    pod: core.Pod,
    init: Sequence[core.ContainerStatus],
    regular: Sequence[core.ContainerStatus],
) -> str:
    """Pending, Running, Succeeded or Failed, by the kubelet's rules for static pods."""
    plain = [
        (s, c)
        for s, c in zip(init, fields.init_containers(pod), strict=True)
        if not fields.is_sidecar(c)
    ]
    began = any(statusparts.state(s).running or statusparts.ended(s) for s in regular)
    for one, _ in plain:
        ended = statusparts.ended(one)
        if ended is not None and ended.exitCode != 0 and ends.restart_policy(pod) == "Never":
            return "Failed"
        if not began and (ended is None or ended.exitCode != 0):
            return "Pending"
    if any(statusparts.state(s).waiting and not statusparts.last_ended(s) for s in regular):
        return "Pending"
    if any(statusparts.state(s).running for s in regular):
        return "Running"
    last = [statusparts.ended(s) for s in regular]
    if any(e is None for e in last) or ends.restart_policy(pod) == fields.ALWAYS:
        return "Running"
    codes = [e.exitCode for e in last if e is not None]
    if ends.restart_policy(pod) == "OnFailure" and any(codes):
        return "Running"
    return "Failed" if any(codes) else "Succeeded"
