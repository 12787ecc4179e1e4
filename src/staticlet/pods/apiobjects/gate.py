"""Which steps wait until an API server has told of what a pod refers to. Pure.

Only for the first answer or the first failure: after that a step is tried with what is known, and
fails in the kubelet's words where that is not enough. So nobody waits here for a server that is
away, and no pod holds a turn to start while it asks.
"""

from __future__ import annotations

from dataclasses import replace

from staticlet.pods import steps, wanted
from staticlet.pods.apiobjects import held

_WAIT = steps.Wait(what="waiting for the API server's config maps and secrets", why="")
_NEED = (steps.RunSandbox, steps.Start)


def within(made: steps.Plan, pod: wanted.WantedPod | None, objects: held.Objects) -> steps.Plan:
    """The plan without what must wait.

    Args:
        made: What is to be done.
        pod: The pod that is served.
        objects: Knows what the API server has.
    """
    if pod is None or pod.source != wanted.API:
        return made
    if not made.needs and not any(isinstance(one, _NEED) for one in made.actions):
        return made
    if not objects.of(pod).pending:
        return made
    rest = tuple(one for one in made.actions if not isinstance(one, _NEED))
    return replace(made, actions=rest, needs={}, waits={**made.waits, "": _WAIT})
