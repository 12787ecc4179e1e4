"""What a pod needs next: the whole container logic on one page, as a pure function.

`plan` looks at what is wanted, what runs, what is remembered and the time, and names the next
steps. It follows the kubelet's `computePodActions` and `SyncPod`, with these departures: the new
image of a changed pod is pulled before the old pod is stopped (`served`), a deliberate stop earns
no back-off, and an old pod is wholly gone before its successor starts.

The rules, in the order in which they are asked:

    not wanted          stop what lives, remove it, clean its directories, end
    something stale     stop what lives of it (changed, recreated, broken, doubled)
    all done, or over   stop the sandbox, keep the dead containers for the status
    no sandbox          make one, unless the last try failed a moment ago
    init containers     one after the other; a failed one is tried again as restartPolicy says
    containers          start what never ran; restart what ended, after its back-off
    leftovers           remove dead sandboxes and older dead containers
"""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.pods import (
    because,
    counting,
    ends,
    fields,
    served,
    starting,
    steps,
    tidying,
    wanted,
)
from staticlet.pods import observed as obs


def plan(now: steps.Situation) -> steps.Plan:
    """The next steps for one pod; see the module's page of rules."""
    if now.target is None:
        return _terminate(now)
    return _serve(now, now.target)


def _terminate(now: steps.Situation) -> steps.Plan:
    """Nothing is wanted: stop, remove, clean, end."""
    why = because.removed(now.source, now.origin)
    living = tuple(
        steps.Stop(sandbox_id=s.id, grace_s=now.graces.get(s.uid, s.grace_s), why=why)
        for s in now.seen.sandboxes
        if s.alive
    )
    if living:
        return steps.Plan(actions=living)
    rest = tidying.removals(now, keep_uid="", why=why)
    return steps.Plan(actions=(*rest, steps.End(why="nothing is wanted and nothing is left")))


def _serve(now: steps.Situation, pod: wanted.WantedPod) -> steps.Plan:
    current = _current(now, pod)
    stale = tuple(_stops(now, pod, current))
    if stale:
        return steps.Plan(actions=stale)
    if ends.is_over(pod, now.seen, now.past):
        return _finish(now, pod, current)
    if current is None:
        return _make_sandbox(now, pod)
    found = starting.Starting(now, pod, current)
    found.init_containers()
    if found.initialized:
        found.containers()
    if not found.actions:
        found.actions.extend(tidying.leftovers(now, pod, current))
    return found.plan()


def _finish(
    now: steps.Situation, pod: wanted.WantedPod, current: obs.ObservedSandbox | None
) -> steps.Plan:
    """Nothing is started any more: what lives is stopped, and kept for the status."""
    policy = ends.restart_policy(pod.pod)
    own = [s for s in now.seen.sandboxes if ends.serves(s, pod)]
    said = [
        f"container {c.name} {because.ended(seen)}"
        for c in fields.all_containers(pod.pod)
        if (seen := ends.newest(own, c.name)) is not None and seen.exited
    ]
    why = f"{', '.join(said)}, and its restartPolicy is {policy}"
    if pod.over:
        why = "the API server has it as ended, and nothing of it is started again"
    ended = now.past.end_of(pod.uid, pod.revision)
    if ended is not None:
        why = f"{ended.reason}: {ended.message}"
    waits = {"": steps.Wait(what="leaving it ended", why=why)}
    if current is not None:
        stop = steps.Stop(sandbox_id=current.id, grace_s=current.grace_s, why=why)
        return steps.Plan(actions=(stop,), waits=waits)
    return steps.Plan(actions=tidying.leftovers(now, pod, current), waits=waits)


def _current(now: steps.Situation, pod: wanted.WantedPod) -> obs.ObservedSandbox | None:
    """The sandbox in which the pod runs: the newest that is ready and serves this content."""
    host_network = fields.host_network(pod.pod)
    for sandbox in now.seen.sandboxes:
        good = sandbox.ready and sandbox.id not in now.past.doomed and ends.serves(sandbox, pod)
        if good and sandbox.host_network == host_network and (host_network or sandbox.ips):
            return sandbox
    return None


def _stops(
    now: steps.Situation, pod: wanted.WantedPod, current: obs.ObservedSandbox | None
) -> Iterator[steps.Stop]:
    for sandbox in now.seen.sandboxes:
        if sandbox is current or not sandbox.alive:
            continue
        if not ends.serves(sandbox, pod):
            why = because.changed(pod)
        elif sandbox.id in now.past.doomed:
            why = "a restart was asked for, or its manifest was removed and put back"
        elif not sandbox.ready:
            why = "its sandbox is gone"
        else:
            why = "its sandbox is broken or there are two"
        yield steps.Stop(sandbox_id=sandbox.id, grace_s=sandbox.grace_s, why=why)


def _make_sandbox(now: steps.Situation, pod: wanted.WantedPod) -> steps.Plan:
    needs = {
        c.name: counting.next_count(now, pod, c.name)
        for c in fields.all_containers(pod.pod)
        if not served.image_ready(now.images, c.name)
    }
    fault = now.past.sandbox_fault
    if fault and fault.retry_at_ns > now.now_ns:
        return steps.Plan(
            actions=tidying.leftovers(now, pod, None),
            wake_at_ns=fault.retry_at_ns,
            waits={"": _wait_for_sandbox(fault)},
        )
    own = [s for s in now.seen.sandboxes if s.uid == pod.uid]
    attempt = max((s.attempt for s in own), default=-1) + 1
    why = _why_sandbox(now, pod)
    return steps.Plan(actions=(steps.RunSandbox(attempt=attempt, why=why),), needs=needs)


def _wait_for_sandbox(fault: obs.Fault) -> steps.Wait:
    return steps.Wait(
        what="waiting to make its sandbox",
        why=f"{fault.reason}: {fault.message}",
        until_ns=fault.retry_at_ns,
    )


def _why_sandbox(now: steps.Situation, pod: wanted.WantedPod) -> str:
    if now.past.sandbox_fault:
        return f"the last try failed: {now.past.sandbox_fault.message}"
    if any(not ends.serves(s, pod) for s in now.seen.sandboxes):
        return because.changed(pod)
    if now.seen.sandboxes:
        return "its sandbox is gone"
    return because.new(pod)
