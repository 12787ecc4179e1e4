"""What a pod needs next: the whole container logic on one page, as a pure function.

`plan` looks at what is wanted, what runs, what is remembered and the time, and names the next
steps. It follows the kubelet's `computePodActions` and `SyncPod`, with these departures: the new
image of a changed pod is pulled before the old pod is stopped (`target`), a deliberate stop earns
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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from staticlet.kube import core
from staticlet.pods import because, fields, steps, wanted
from staticlet.pods import observed as obs
from staticlet.pods.images import view as image_view
from staticlet.runtime import port


def restart_policy(pod: core.Pod) -> str:
    """The pod's restartPolicy; Always when it has none."""
    return fields.spec(pod).restartPolicy or fields.ALWAYS


def target(
    want: wanted.WantedPod | None,
    previous: wanted.WantedPod | None,
    seen: obs.Observed,
    images: Mapping[str, image_view.ImageView],
) -> wanted.WantedPod | None:
    """Which pod to serve now: the wanted one, or its predecessor until the new images are there.

    Args:
        want: What the manifest says now.
        previous: What was served so far.
        seen: What runs.
        images: Where the images of `want` stand.
    """
    if want is None or previous is None or same_content(want, previous):
        return want
    if want.incarnation != previous.incarnation:
        return want
    if not any(serves(s, previous) and s.alive for s in seen.sandboxes):
        return want
    ready = all(_image_ready(images, c.name) for c in fields.all_containers(want.pod))
    return want if ready else previous


def _image_ready(images: Mapping[str, image_view.ImageView], name: str) -> bool:
    view = images.get(name)
    return view is not None and view.state is image_view.State.PRESENT


def same_content(one: wanted.WantedPod, other: wanted.WantedPod) -> bool:
    """Whether two wanted pods are the same pod with the same content."""
    return one.uid == other.uid and one.revision == other.revision


def serving(
    past: obs.History, pod: wanted.WantedPod, seen: obs.Observed, now_ns: int
) -> obs.History:
    """The history once a pod is to be served.

    A new UID starts with a clean slate; a new incarnation dooms every sandbox there is, and
    forgets back-off, since a deliberate stop is not a crash.
    """
    if past.uid != pod.uid:
        counts = _counts(seen, pod.uid)
        began = _began(pod, seen, now_ns)
        past = obs.History(uid=pod.uid, doomed=past.doomed, counts=counts, started_at_ns=began)
    if past.incarnation is None:
        return replace(past, incarnation=pod.incarnation)
    if past.incarnation != pod.incarnation:
        doomed = past.doomed | {s.id for s in seen.sandboxes}
        fresh = past.without_crashes()
        if past.ended is not None:  # its time begins anew with its new life
            fresh = replace(fresh, ended=None, started_at_ns=now_ns)
        return replace(fresh, incarnation=pod.incarnation, doomed=doomed)
    return past


def _began(pod: wanted.WantedPod, seen: obs.Observed, now_ns: int) -> int:
    """When a pod began, as far as the API or the runtime still knows."""
    told = pod.pod.status.startTime if pod.pod.status is not None else None
    times = [s.created_at_ns for s in seen.sandboxes if s.uid == pod.uid]
    if told is not None:
        times.append(int(told.timestamp()) * obs.SECOND_NS)
    return min([*times, now_ns])


def plan(now: steps.Situation) -> steps.Plan:
    """The next steps for one pod; see the module's page of rules."""
    if now.target is None:
        return _terminate(now)
    return _serve(now, now.target)


def finished(pod: wanted.WantedPod, seen: obs.Observed, past: obs.History) -> bool:
    """Whether the pod ran to its end: nothing runs and its restartPolicy starts nothing again."""
    if restart_policy(pod.pod) == "Always":
        return False
    own = [s for s in seen.sandboxes if serves(s, pod) and s.id not in past.doomed]
    if any(c.alive for s in own for c in s.containers):
        return False
    newest = [(c, _newest(own, c.name)) for c in fields.containers(pod.pod)]
    if all(c is not None and not restarts(pod.pod, spec, c) for spec, c in newest):
        return True
    inits = (
        _newest(own, c.name) for c in fields.init_containers(pod.pod) if not fields.is_sidecar(c)
    )
    never = restart_policy(pod.pod) == "Never"
    return never and any(c is not None and c.exited and c.exit_code != 0 for c in inits)


def is_over(pod: wanted.WantedPod, seen: obs.Observed, past: obs.History) -> bool:
    """Whether nothing of a pod is to be started any more: it ran to its end, or was ended."""
    ended = past.end_of(pod.uid, pod.revision) is not None
    return pod.over or ended or finished(pod, seen, past)


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
    rest = _removals(now, keep_uid="", why=why)
    return steps.Plan(actions=(*rest, steps.End(why="nothing is wanted and nothing is left")))


def _serve(now: steps.Situation, pod: wanted.WantedPod) -> steps.Plan:
    current = _current(now, pod)
    stale = tuple(_stops(now, pod, current))
    if stale:
        return steps.Plan(actions=stale)
    if is_over(pod, now.seen, now.past):
        return _finish(now, pod, current)
    if current is None:
        return _make_sandbox(now, pod)
    found = _Steps(now, pod, current)
    found.init_containers()
    if found.initialized:
        found.containers()
    if not found.actions:
        found.actions.extend(_leftovers(now, pod, current))
    return found.plan()


def _finish(
    now: steps.Situation, pod: wanted.WantedPod, current: obs.ObservedSandbox | None
) -> steps.Plan:
    """Nothing is started any more: what lives is stopped, and kept for the status."""
    policy = restart_policy(pod.pod)
    own = [s for s in now.seen.sandboxes if serves(s, pod)]
    ends = [
        f"container {c.name} {because.ended(seen)}"
        for c in fields.all_containers(pod.pod)
        if (seen := _newest(own, c.name)) is not None and seen.exited
    ]
    why = f"{', '.join(ends)}, and its restartPolicy is {policy}"
    if pod.over:
        why = "the API server has it as ended, and nothing of it is started again"
    ended = now.past.end_of(pod.uid, pod.revision)
    if ended is not None:
        why = f"{ended.reason}: {ended.message}"
    waits = {"": steps.Wait(what="leaving it ended", why=why)}
    if current is not None:
        stop = steps.Stop(sandbox_id=current.id, grace_s=current.grace_s, why=why)
        return steps.Plan(actions=(stop,), waits=waits)
    return steps.Plan(actions=_leftovers(now, pod, current), waits=waits)


def serves(sandbox: obs.ObservedSandbox, pod: wanted.WantedPod) -> bool:
    """Whether a sandbox was made for this very content of a pod."""
    return sandbox.uid == pod.uid and sandbox.revision == pod.revision


def _current(now: steps.Situation, pod: wanted.WantedPod) -> obs.ObservedSandbox | None:
    """The sandbox in which the pod runs: the newest that is ready and serves this content."""
    host_network = fields.host_network(pod.pod)
    for sandbox in now.seen.sandboxes:
        good = sandbox.ready and sandbox.id not in now.past.doomed and serves(sandbox, pod)
        if good and sandbox.host_network == host_network and (host_network or sandbox.ips):
            return sandbox
    return None


def _stops(
    now: steps.Situation, pod: wanted.WantedPod, current: obs.ObservedSandbox | None
) -> Iterator[steps.Stop]:
    for sandbox in now.seen.sandboxes:
        if sandbox is current or not sandbox.alive:
            continue
        if not serves(sandbox, pod):
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
        c.name: next_count(now, pod, c.name)
        for c in fields.all_containers(pod.pod)
        if not _image_ready(now.images, c.name)
    }
    fault = now.past.sandbox_fault
    if fault and fault.retry_at_ns > now.now_ns:
        return steps.Plan(
            actions=_leftovers(now, pod, None),
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
    if any(not serves(s, pod) for s in now.seen.sandboxes):
        return because.changed(pod)
    if now.seen.sandboxes:
        return "its sandbox is gone"
    return because.new(pod)


class _Steps:
    """Collects what the containers of the current sandbox need."""

    def __init__(
        self, now: steps.Situation, pod: wanted.WantedPod, sandbox: obs.ObservedSandbox
    ) -> None:
        self.now, self.pod, self.sandbox = now, pod, sandbox
        self.actions: list[steps.Action] = []
        self.needs: dict[str, int] = {}
        self.waits: dict[str, steps.Wait] = {}
        self.wake_at_ns: int | None = None
        self.initialized = False

    def plan(self) -> steps.Plan:
        """What was collected."""
        return steps.Plan(
            actions=tuple(self.actions),
            needs=self.needs,
            wake_at_ns=self.wake_at_ns,
            waits=self.waits,
        )

    def init_containers(self) -> None:
        """One at a time, in order; a sidecar counts as done when it runs."""
        inits = fields.init_containers(self.pod.pod)
        regular = {c.name for c in fields.containers(self.pod.pod)}
        over = self.now.past.initialized == self.sandbox.id
        over = over or any(c.name in regular for c in self.sandbox.containers)
        for spec in inits:
            seen = self.sandbox.newest(spec.name)
            if fields.is_sidecar(spec):
                if seen is None or not seen.running:
                    self._start(spec.name, seen)
                    if not over:
                        return
            elif over or (seen is not None and seen.exited and seen.exit_code == 0):
                continue
            elif seen is not None and seen.running:
                self.waits[spec.name] = steps.Wait(
                    what=f"waiting for init container {spec.name}",
                    why="it runs, and what comes after it starts when it has succeeded",
                )
                return
            else:
                self._start(spec.name, seen)
                return
        self.initialized = True

    def containers(self) -> None:
        """Start what never ran and what ended and may run again."""
        for spec in fields.containers(self.pod.pod):
            seen = self.sandbox.newest(spec.name)
            if seen is not None and seen.running:
                continue
            if seen is None:
                seen = self._ended_before(spec.name)
            if seen is None or restarts(self.pod.pod, spec, seen):
                self._start(spec.name, self.sandbox.newest(spec.name))
            else:
                self.waits[spec.name] = steps.Wait(
                    what=f"leaving container {spec.name} ended",
                    why=f"{because.ended(seen)}, and its restartPolicy is "
                    f"{restart_policy(self.pod.pod)}",
                )

    def _ended_before(self, name: str) -> obs.ObservedContainer | None:
        """A container that ended for good in an earlier sandbox of the same pod."""
        own = [
            s
            for s in self.now.seen.sandboxes
            if serves(s, self.pod) and s.id not in self.now.past.doomed
        ]
        return _newest(own, name)

    def _start(self, name: str, seen: obs.ObservedContainer | None) -> None:
        """Start a container now, or say what it waits for."""
        if self._must_wait(name):
            return
        count = next_count(self.now, self.pod, name)
        if not _image_ready(self.now.images, name):
            self.needs[name] = count
            self.waits[name] = self._wait_for_image(name)
            return
        if seen is not None and not seen.exited:
            why = "it was created and never started" if not seen.alive else "its state is unknown"
            self.actions.append(steps.RemoveContainer(container_id=seen.id, why=why))
        self.actions.append(
            steps.Start(
                sandbox_id=self.sandbox.id,
                name=name,
                restart_count=count,
                why=self._why_start(name, seen),
            )
        )

    def _must_wait(self, name: str) -> bool:
        """Whether a crash or a failed start keeps a container from starting; then say so."""
        crashes = self.now.past.crashes.get(name)
        if crashes and crashes.delay_s:
            last = self.now.past.last.get(name)
            until_ns = crashes.until_ns
            if until_ns > self.now.now_ns:
                how = because.ended(last) if last else "crashed"
                why = f"{how}, back-off {crashes.delay_s:g}s"
                self._wait(name, f"waiting to restart container {name}", why, until_ns, crash=True)
                return True
        fault = self.now.past.faults.get(name)
        if fault and fault.retry_at_ns > self.now.now_ns:
            why = f"{fault.reason}: {fault.message}"
            self._wait(name, f"waiting to start container {name}", why, fault.retry_at_ns)
            return True
        return False

    def _wait_for_image(self, name: str) -> steps.Wait:
        spec = next(c for c in fields.all_containers(self.pod.pod) if c.name == name)
        return steps.Wait(
            what=because.waiting_for_image(spec), why=because.image(self.now.images.get(name))
        )

    def _wait(self, name: str, what: str, why: str, until_ns: int, *, crash: bool = False) -> None:
        self.waits[name] = steps.Wait(what=what, why=why, until_ns=until_ns, crash=crash)
        self.wake_at_ns = min(until_ns, self.wake_at_ns or until_ns)

    def _why_start(self, name: str, seen: obs.ObservedContainer | None) -> str:
        """What led to a start: how the last run ended, or that there was none."""
        if seen is None:
            before = self.now.past.last.get(name)
            return "it has not run in this sandbox" if before else "it has not run yet"
        if not seen.exited:
            return "its state is unknown" if seen.alive else "it was created and never started"
        why = because.ended_ago(seen, self.now.now_ns)
        crashes = self.now.past.crashes.get(name)
        delay_s = crashes.delay_s if crashes else 0
        return f"{why}; back-off {delay_s:g}s is over" if delay_s else why


def restarts(pod: core.Pod, spec: core.Container, container: obs.ObservedContainer) -> bool:
    """Whether a container that is not running is started again.

    restartPolicy decides; a sidecar always is, an init container that succeeded never.
    """
    if not container.exited or fields.is_sidecar(spec):
        return True
    if any(c.name == spec.name for c in fields.init_containers(pod)) and not container.exit_code:
        return False
    match restart_policy(pod):
        case "Never":
            return False
        case "OnFailure":
            return container.exit_code != 0
        case _:
            return True


def _newest(sandboxes: Sequence[obs.ObservedSandbox], name: str) -> obs.ObservedContainer | None:
    """The newest container of a name over several sandboxes of one content.

    Its count tells, which never goes back: dates may.
    """
    own = [c for s in sandboxes if (c := s.newest(name)) is not None]
    return max(own, key=lambda c: (c.restart_count, c.created_at_ns), default=None)


def _counts(seen: obs.Observed, uid: str) -> dict[str, int]:
    """The highest restart count of each container of a UID that the runtime still has."""
    counts: dict[str, int] = {}
    for sandbox in seen.sandboxes:
        for container in sandbox.containers if sandbox.uid == uid else ():
            highest = max(counts.get(container.name, -1), container.restart_count)
            counts[container.name] = highest
    return counts


def next_count(now: steps.Situation, pod: wanted.WantedPod, name: str) -> int:
    """The restart count of a container's next start: one more than the highest known."""
    known = _counts(now.seen, pod.uid).get(name, -1)
    remembered = now.past.counts.get(name, -1) if now.past.uid == pod.uid else -1
    return max(known, remembered) + 1


def _leftovers(
    now: steps.Situation, pod: wanted.WantedPod, current: obs.ObservedSandbox | None
) -> tuple[steps.Action, ...]:
    """Dead sandboxes that no longer matter, and all but the last dead container of a name."""
    actions = list(_removals(now, keep_uid=pod.uid, why="it was replaced", current=current))
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


def _removals(
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
        serving_now = [s for s in own if serves(s, target_pod) and s.id not in now.past.doomed]
        if restart_policy(target_pod.pod) != "Always":
            kept |= {s.id for s in serving_now}
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
