"""Pods: what a client may make of one, and what it may change later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from staticlet.apiserver import calls
from staticlet.apiserver.resources import (
    basic,
    columns,
    kind,
    objectmeta,
    podephemeral,
    podforms,
    podstatus,
    podupdate,
    traits,
)
from staticlet.kube import core, defaults, fieldselector, names, qos
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import peek
from staticlet.kube.validate import pod as pod_rules

_FINISHED = ("Failed", "Succeeded")
_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
    "lastProbeTime": None,
    "lastTransitionTime": None,
}


class Pods(basic.Basic):
    """The rules of pods, shared with static manifests where those know them."""

    returns_deleted = True

    def default(self, obj: kind.Object) -> None:
        """Fill in the defaults, and bring the pod into the form in which it is kept."""
        obj |= defaults.pod(obj)
        podforms.settle(obj)

    def prepare_create(self, obj: kind.Object, call: calls.Call) -> None:
        """A new pod is pending, whatever a client says."""
        super().prepare_create(obj, call)
        podforms.settle(obj)
        obj["metadata"]["generation"] = 1
        obj["status"] = {"phase": "Pending", "qosClass": qos.of_pod(obj).value}
        if peek.objects(obj["spec"], "schedulingGates"):
            obj["status"]["conditions"] = [{**_GATED}]

    def check_create(self, obj: kind.Object) -> Sequence[FieldError]:
        """All rules of a pod."""
        return pod_rules.check(obj)

    def prepare_update(self, new: kind.Object, old: kind.Object) -> None:
        """Keep the status; count a generation where the spec changes."""
        super().prepare_update(new, old)
        podforms.settle(new)
        new["status"] = old.get("status", {})
        generation = old["metadata"].get("generation", 0)
        changed = new.get("spec") != old.get("spec")
        new["metadata"]["generation"] = generation + 1 if changed else generation

    def check_update(self, new: kind.Object, old: kind.Object) -> Sequence[FieldError]:
        """The rules of any pod, and the few fields that may change."""
        found = (
            *objectmeta.check_change(new["metadata"], old["metadata"]),
            *pod_rules.check_any(new),
            *podupdate.mirror(new, old),
            *podupdate.spec(new, old),
        )
        return objectmeta.once(found)

    def prepare_status(self, new: kind.Object, old: kind.Object) -> None:
        """Keep spec, owners and generation; and what a status does not lose by leaving it out."""
        super().prepare_status(new, old)
        for name in ("ownerReferences", "generation"):
            new["metadata"].pop(name, None)
            if name in old["metadata"]:
                new["metadata"][name] = old["metadata"][name]
        podstatus.keep(new, old)
        podforms.settle(new)

    def check_status(self, new: kind.Object, old: kind.Object) -> Sequence[FieldError]:
        """The rules of a status, and of the annotations that may be written with it."""
        found = (
            *objectmeta.check_change(new["metadata"], old["metadata"]),
            *podupdate.mirror(new, old),
            *podstatus.check(new, old),
        )
        return objectmeta.once(found)

    def prepare_delete(
        self, obj: kind.Object, grace_s: int | None, now: datetime
    ) -> tuple[bool, int | None]:
        """What is bound and not finished gets its grace; anything else goes at once."""
        del now
        grace = grace_s
        if grace is None:
            grace = peek.number(peek.child(obj, "spec"), "terminationGracePeriodSeconds") or 0
        if not peek.text(peek.child(obj, "spec"), "nodeName"):
            grace = 0
        if peek.text(peek.child(obj, "status"), "phase") in _FINISHED:
            grace = 0
        if grace < 0:
            grace = 1
        return grace == 0, grace

    def warnings(self, obj: kind.Object) -> Sequence[str]:
        """That a name is no host name; told once, not with every status."""
        meta = obj["metadata"]
        wrong = names.dns_label(peek.text(meta, "name"))
        if not wrong or meta.get("resourceVersion"):
            return ()
        text = (
            "metadata.name: this is used in the Pod's hostname, which can result in surprising "
            f"behavior; a DNS label is recommended: [{' '.join(wrong)}]"
        )
        return (text,)


_OWN_FIELDS = {
    name: read
    for name, read in fieldselector.FIELDS.items()
    if name not in ("metadata.name", "metadata.namespace")
}
_STREAM = ("create", "get")

PODS = kind.Kind(
    plural="pods",
    singular="pod",
    kind="Pod",
    short_names=("po",),
    categories=("all",),
    verbs=traits.ALL,
    struct=core.Pod,
    strategy=Pods(),
    columns=columns.PODS,
    subresources=(
        kind.Subresource(name="attach", kind="PodAttachOptions", verbs=_STREAM),
        kind.Subresource(name="binding", kind="Binding", verbs=traits.CREATE),
        kind.Subresource(
            name="ephemeralcontainers",
            kind="Pod",
            verbs=traits.CHANGE,
            strategy=podephemeral.EphemeralContainers(),
        ),
        kind.Subresource(
            name="eviction", kind="Eviction", verbs=traits.CREATE, group="policy", version="v1"
        ),
        kind.Subresource(name="exec", kind="PodExecOptions", verbs=_STREAM),
        kind.Subresource(name="log", kind="Pod", verbs=("get",)),
        kind.Subresource(name="portforward", kind="PodPortForwardOptions", verbs=_STREAM),
        kind.Subresource(name="status", kind="Pod", verbs=traits.CHANGE),
    ),
    fields=_OWN_FIELDS,
    hash=traits.version_hash("", "v1", "Pod"),
)
