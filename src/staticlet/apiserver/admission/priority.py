"""Pods have a priority: 0, or that of one of the two classes that every cluster has (Priority)."""

from __future__ import annotations

from staticlet.apiserver.admission import about, plugin
from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store.port import Objects
from staticlet.kube.validate import peek

CLASSES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
"""The priorities of the classes; this server has no others."""

_PREEMPTS = "PreemptLowerPriority"


class Priority:
    """Sets the priority that follows from the class."""

    def mutate(self, review: plugin.Review, objects: Objects) -> None:
        """Set `priority` and `preemptionPolicy`; an update keeps them.

        Raises:
            refusal.Refusal: 403, the class is not there, or the priority is not the class's.
        """
        del objects
        pod = about.pod_to_be(review, "CREATE", "UPDATE")
        if pod is None:
            return
        spec = pod["spec"] = pod.get("spec") or {}
        if review.operation == "UPDATE":
            _keep(spec, peek.child(review.old or {}, "spec"))
            return
        _set(review, spec)

    def validate(self, review: plugin.Review, objects: Objects) -> None:
        """Nothing is left to refuse."""


def _keep(spec: Object, old: peek.Object) -> None:
    for name in ("priority", "preemptionPolicy"):
        if spec.get(name) is None and old.get(name) is not None:
            spec[name] = old[name]


def _set(review: plugin.Review, spec: Object) -> None:
    name = peek.text(spec, "priorityClassName")
    if name and name not in CLASSES:
        raise about.forbidden(review, f"no PriorityClass with name {name} was found")
    value = CLASSES.get(name, 0)
    for field, words, computed in (
        ("priority", "the integer value of priority", value),
        ("preemptionPolicy", "the string value of PreemptionPolicy", _PREEMPTS),
    ):
        given = spec.get(field)
        if given not in (None, computed):
            why = (
                f"{words} ({given}) must not be provided in pod spec; priority admission "
                f"controller computed {computed} from the given PriorityClass name"
            )
            raise about.forbidden(review, why)
    spec["priority"], spec["preemptionPolicy"] = value, _PREEMPTS
