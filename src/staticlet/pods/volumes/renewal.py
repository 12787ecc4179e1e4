"""Volumes of a pod that lives, or has ended, brought up to what is known of the API's objects now.

Plain functions that block, meant for one `asyncio.to_thread` call. What a volume cannot be written
with stays out: the pod goes on with what it has.
"""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.config.settings import Settings
from staticlet.pods import env, paths
from staticlet.pods.apiobjects import held
from staticlet.pods.faults import PodFault, VolumeFault
from staticlet.pods.node import NodeFacts
from staticlet.pods.volumes import payload, plan, projection
from staticlet.pods.wanted import WantedPod


def renew(
    pod: WantedPod, *, node: NodeFacts, settings: Settings, known: held.Holdings
) -> tuple[str, ...]:
    """Write what has changed; what could not be written, in words.

    What is only not known yet is no trouble: it is written when it is.
    """
    troubles = []
    around = env.Surroundings(wanted=pod, node=node, held=known)
    for volume in _written(pod, node, settings):
        if not volume.path.is_dir():
            continue
        try:
            projection.make(volume, payload.files(volume.source, around))
        except VolumeFault as fault:
            lacking = fault.__cause__
            if not isinstance(lacking, held.Lacking) or lacking.absent:
                troubles.append(fault.message)
    return tuple(troubles)


def withdraw(pod: WantedPod, *, node: NodeFacts, settings: Settings) -> tuple[str, ...]:
    """Remove what was written for a pod that has ended; what could not be removed, in words."""
    troubles = []
    where = paths.of(pod.key, pod.uid, settings)
    for volume in _written(pod, node, settings):
        try:
            projection.remove(volume, where.sub_paths / volume.name)
        except VolumeFault as fault:
            troubles.append(fault.message)
    return tuple(troubles)


def _written(pod: WantedPod, node: NodeFacts, settings: Settings) -> Iterator[plan.Projection]:
    try:
        plans = plan.plan(pod.pod, paths.of(pod.key, pod.uid, settings), node=node)
    except PodFault:
        return  # it was never made
    for volume in plans:
        if isinstance(volume, plan.Projection):
            yield volume
