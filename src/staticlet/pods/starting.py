"""Which containers of a pod's sandbox start now, and what the others wait for. Pure.

Follows the kubelet's `computeInitContainerActions` and the container part of `computePodActions`.
"""

from __future__ import annotations

from staticlet.pods import because, counting, ends, fields, served, steps, wanted
from staticlet.pods import observed as obs


class Starting:
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
            if seen is None or ends.restarts(self.pod.pod, spec, seen):
                self._start(spec.name, self.sandbox.newest(spec.name))
            else:
                self.waits[spec.name] = steps.Wait(
                    what=f"leaving container {spec.name} ended",
                    why=f"{because.ended(seen)}, and its restartPolicy is "
                    f"{ends.restart_policy(self.pod.pod)}",
                )

    def _ended_before(self, name: str) -> obs.ObservedContainer | None:
        """A container that ended for good in an earlier sandbox of the same pod."""
        own = [
            s
            for s in self.now.seen.sandboxes
            if ends.serves(s, self.pod) and s.id not in self.now.past.doomed
        ]
        return ends.newest(own, name)

    def _start(self, name: str, seen: obs.ObservedContainer | None) -> None:
        """Start a container now, or say what it waits for."""
        if self._must_wait(name):
            return
        count = counting.next_count(self.now, self.pod, name)
        if not served.image_ready(self.now.images, name):
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
