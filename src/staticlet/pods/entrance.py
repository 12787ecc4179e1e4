"""Lets one pod in: its sandbox is made, and its predecessor ended, only once it has its place.

What lives is asked nothing: it has its place already, also when it was only found here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from staticlet.pods import ends, hostports, obstacles, places, served, steps, wanted
from staticlet.pods import observed as obs


class Entrance:
    """The entrance of one pod key.

    Args:
        key: The pod's name.
        everybody: Who has a place on this node.
        wake: Called when it is time to try again; must not wait.
        end: Ends the pod for a critical one; must not wait.

    Attributes:
        obstacle: What keeps the pod, or what is to take its place, outside; None for nothing.
    """

    def __init__(
        self,
        key: wanted.PodKey,
        everybody: places.Places,
        *,
        wake: Callable[[], None],
        end: Callable[[], None],
    ) -> None:
        self.obstacle: obstacles.Obstacle | None = None
        self._key = key
        self._places = everybody
        self._wake = wake
        self._end = end

    def ask_anew(self) -> None:
        """What was in the way before says nothing about now."""
        self.obstacle = None

    def successor(
        self, want: wanted.WantedPod, serving: wanted.WantedPod | None, seen: obs.Observed
    ) -> wanted.WantedPod:
        """Whom to serve: a pod whose manifest has changed runs on until the change has its place.

        That somebody removed the manifest and put it back ends the old pod in any case.
        """
        if serving is None or served.same_content(want, serving):
            return want
        if (want.incarnation, want.source) != (serving.incarnation, serving.source):
            return want
        if not any(s.alive and ends.serves(s, serving) for s in seen.sandboxes):
            return want
        self.obstacle = self._places.take(self._key, want, self._wake, self._end)
        return want if self.obstacle is None else serving

    def let_in(
        self,
        made: steps.Plan,
        pod: wanted.WantedPod | None,
        seen: obs.Observed,
        past: obs.History,
    ) -> steps.Plan:
        """The plan if the pod may have its place; else one that waits for it.

        Args:
            made: The plan.
            pod: What is served; None while everything is ended.
            seen: What runs.
            past: What is remembered.
        """
        living = [s for s in seen.sandboxes if s.alive]
        serves = pod is not None and any(ends.serves(s, pod) for s in living)
        if not living:
            self._places.lives(self._key, None)
        elif serves and pod is not None:
            self._places.lives(self._key, pod.pod)
        if pod is None or ends.is_over(pod, seen, past):
            self._go(living=bool(living))
            return made
        if self.obstacle is not None:
            return _runs_on(made, self.obstacle)
        if serves:
            self._places.keep(self._key, pod, self._end)
        elif any(isinstance(action, steps.RunSandbox) for action in made.actions):
            self.obstacle = self._places.take(self._key, pod, self._wake, self._end)
        return made if self.obstacle is None else _waits(made, self.obstacle)

    def leave(self) -> None:
        """Nothing is left of the pod."""
        self._places.leave(self._key)

    def _go(self, *, living: bool) -> None:
        if living:
            self._places.going(self._key)
        else:
            self._places.leave(self._key)


def _waits(made: steps.Plan, obstacle: obstacles.Obstacle) -> steps.Plan:
    """A plan without a sandbox; images are got meanwhile where the wait may be a short one."""
    wait = steps.Wait(what="waiting to make its sandbox", why=str(obstacle))
    rest = tuple(a for a in made.actions if not isinstance(a, steps.RunSandbox))
    short = obstacle.soon or obstacle.reason == hostports.REASON
    needs = made.needs if short else {}
    return replace(made, actions=rest, needs=needs, waits={**made.waits, "": wait})


def _runs_on(made: steps.Plan, obstacle: obstacles.Obstacle) -> steps.Plan:
    wait = steps.Wait(what="running on as before its manifest changed", why=str(obstacle))
    return replace(made, waits={"": wait, **made.waits})
