"""Decides for one pod what is done next: asks the pure rules with what is known, and tells why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from staticlet.aio import logfields
from staticlet.pods import (
    counting,
    deadline,
    ends,
    entrance,
    fields,
    mind,
    obstacles,
    preemption,
    served,
    steps,
    telling,
    tools,
    wanted,
)
from staticlet.pods import observed as obs
from staticlet.pods import plan as planning
from staticlet.pods.apiobjects import gate
from staticlet.pods.images import view as image_view


class Deciding:
    """Makes the plans of one pod.

    Args:
        knowing: What the worker knows.
        shared: What it acts with.
        teller: Tells of what is decided.

    Attributes:
        successor_images: Where the images of a changed pod stand while its predecessor is served.
    """

    def __init__(self, knowing: mind.Mind, shared: tools.Tools, teller: telling.Teller) -> None:
        self.successor_images: Mapping[str, image_view.ImageView] = {}
        self._mind = knowing
        self._tools = shared
        self._teller = teller
        self._waits_outside = False
        self._entrance = entrance.Entrance(
            knowing.key, shared.places, wake=knowing.wake, end=self._preempted
        )

    @property
    def obstacle(self) -> obstacles.Obstacle | None:
        """What keeps the pod, or its changed manifest, from being let in on this node."""
        return self._entrance.obstacle

    def leave(self) -> None:
        """Nothing is left of the pod: its place is another's."""
        self._entrance.leave()

    def plan(self) -> steps.Plan:
        """What is to be done as far as the pod is concerned, wherever its place is."""
        own = self._mind
        now_ns, want = own.now_ns(), own.want
        self._entrance.ask_anew()
        images = self._views(want) if want is not None else {}
        target = served.target(want, own.serving, own.seen, images)
        lacks_images = target is not want
        if target is not None and target is want:
            target = self._entrance.successor(want, own.serving, own.seen)
        if lacks_images and want is not None:
            self._tools.images.need(want, self._counts(want), own.wake)
        if target is not None and target is not want:
            self.successor_images = images
            if want is not None and lacks_images:
                self._teller.held_back(want, images)
            images = self._views(target)
        else:
            self.successor_images = {}
            self._teller.served()
        own.images = images
        self._switch(target, now_ns)
        self._hold_to_deadline(target, now_ns)
        made = planning.plan(self._situation(target, images, now_ns))
        return gate.within(made, target, self._tools.objects)

    def let_in(self, planned: steps.Plan) -> steps.Plan:
        """The plan, once the pod has its place; its time begins when it is let in."""
        own, waited = self._mind, self._waits_outside
        made = self._entrance.let_in(planned, own.serving, own.seen, own.past)
        found = self._entrance.obstacle
        self._teller.obstructed(own.want, found)
        self._waits_outside = found is not None and own.serving is own.want
        if waited and not self._waits_outside and own.serving is not None:
            now_ns = own.now_ns()
            own.past = own.past.begun(now_ns)
        return made

    def earliest(self, wake_at_ns: int | None) -> int | None:
        """The plan's time, the pod's deadline, or the next try to get an image: the first."""
        own, now_s = self._mind, self._tools.clock.monotonic()
        times = [
            own.now_ns() + int((view.until - now_s) * obs.SECOND_NS)
            for view in (*own.images.values(), *self.successor_images.values())
            if view.until is not None and view.until > now_s
        ]
        pod = own.serving
        if pod is not None and not ends.is_over(pod, own.seen, own.past):
            over = None if self._waits_outside else deadline.ends_at_ns(pod, own.past)
            times += [over] if over is not None else []
        return min([*times, *([wake_at_ns] if wake_at_ns is not None else [])], default=None)

    def _preempted(self) -> None:
        """A critical pod needs its room: it ends, with its own grace, and is not started again."""
        self._end(preemption.REASON, preemption.MESSAGE, disruption=preemption.CONDITION)

    def _hold_to_deadline(self, pod: wanted.WantedPod | None, now_ns: int) -> None:
        if pod is None or self._waits_outside:
            return
        if deadline.is_over(pod, self._mind.past, now_ns):
            self._end(deadline.REASON, deadline.MESSAGE)

    def _end(self, reason: str, message: str, *, disruption: str = "") -> None:
        """End the pod for good, whatever its restartPolicy says."""
        own, pod = self._mind, self._mind.serving
        if pod is None or ends.is_over(pod, own.seen, own.past):
            return
        ending = obs.Ending(
            uid=pod.uid,
            revision=pod.revision,
            reason=reason,
            message=message,
            at_ns=own.now_ns(),
            disruption=disruption,
        )
        own.past = replace(own.past, ended=ending)
        self._teller.ended(pod, ending)
        own.wake()

    def _switch(self, target: wanted.WantedPod | None, now_ns: int) -> None:
        """Serve another pod from now on."""
        own, before = self._mind, self._mind.serving
        if before is not None and (target is None or target.uid != before.uid):
            self._tools.images.forget(before.uid)
            own.uncleaned.add(before.uid)
        if target is None and before is not None:
            own.leaving = (before, self._tools.clock.now())
        if target is not None:
            own.leaving = None
            own.uncleaned.discard(target.uid)
            own.past = served.history(own.past, target, own.seen, now_ns)
        if target is not None and target is not before and target.source == wanted.API:
            own.renewal = True
        own.serving = target
        if target is not None:
            logfields.bind(uid=target.uid)

    def _situation(
        self,
        target: wanted.WantedPod | None,
        images: Mapping[str, image_view.ImageView],
        now_ns: int,
    ) -> steps.Situation:
        own = self._mind
        return steps.Situation(
            target=target,
            seen=own.seen,
            past=own.past,
            images=images,
            now_ns=now_ns,
            uncleaned=frozenset(own.uncleaned),
            origin=own.leaving[0].origin if own.leaving else "",
            source=own.leaving[0].source if own.leaving else "",
            graces=self._graces() if target is None else {},
        )

    def _graces(self) -> dict[str, int]:
        """With which grace each UID is deleted, where the deletion says so."""
        asked = ((s.uid, self._tools.grace_of(s.uid)) for s in self._mind.seen.sandboxes)
        return {uid: grace_s for uid, grace_s in asked if grace_s is not None}

    def _views(self, pod: wanted.WantedPod) -> Mapping[str, image_view.ImageView]:
        return self._tools.images.views(pod, self._counts(pod))

    def _counts(self, pod: wanted.WantedPod) -> dict[str, int]:
        situation = self._situation(pod, {}, 0)
        names = [c.name for c in fields.all_containers(pod.pod)]
        return {name: counting.next_count(situation, pod, name) for name in names}
