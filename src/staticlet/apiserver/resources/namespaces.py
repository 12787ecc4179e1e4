"""Namespaces: active until they are deleted, then terminating until they are empty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from staticlet.apiserver import calls
from staticlet.apiserver.resources import basic, columns, kind, objectmeta, traits
from staticlet.kube import core, names
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors, metadata, peek

FINALIZER = "kubernetes"
NAME_LABEL = "kubernetes.io/metadata.name"
ACTIVE, TERMINATING = "Active", "Terminating"


class Namespaces(basic.Basic):
    """The rules of namespaces: the server alone says in which phase one is."""

    def default(self, obj: kind.Object) -> None:
        """Label it with its name, by which it can be selected."""
        obj.setdefault("spec", {})
        obj.setdefault("status", {})
        if name := peek.text(obj["metadata"], "name"):
            obj["metadata"]["labels"] = {
                **peek.text_map(obj["metadata"], "labels"),
                NAME_LABEL: name,
            }

    def prepare_create(self, obj: kind.Object, call: calls.Call) -> None:
        """It is active, and must be emptied before it goes."""
        super().prepare_create(obj, call)
        self.default(obj)
        obj["status"] = {"phase": ACTIVE}
        finalizers = list(peek.texts(obj["spec"], "finalizers"))
        if FINALIZER not in finalizers:
            obj["spec"]["finalizers"] = [*finalizers, FINALIZER]

    def keep(self, new: kind.Object, old: kind.Object) -> None:
        """Its finalizers change through `/finalize`, its status through `/status`."""
        new["spec"], new["status"] = {**old.get("spec", {})}, old.get("status", {})

    def check_status(self, new: kind.Object, old: kind.Object) -> Sequence[FieldError]:
        """The phase follows from whether it is being deleted."""
        found = [*super().check_status(new, old), *_phase(new)]
        return objectmeta.once(found)

    def prepare_delete(
        self, obj: kind.Object, grace_s: int | None, now: datetime
    ) -> tuple[bool, int | None]:
        """It goes when it has been emptied: when it has no finalizers of its own any more."""
        del grace_s, now
        return not peek.texts(peek.child(obj, "spec"), "finalizers"), None

    def begin_delete(self, obj: kind.Object) -> None:
        """It is terminating from now on."""
        obj["status"] = {**peek.child(obj, "status"), "phase": TERMINATING}


def _phase(obj: kind.Object) -> errors.Errors:
    phase = peek.text(peek.child(obj, "status"), "phase")
    deleted = bool(obj["metadata"].get("deletionTimestamp"))
    if deleted and phase != TERMINATING:
        detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
        yield errors.invalid(("status", "Phase"), phase, detail)
    if not deleted and phase != ACTIVE:
        detail = "may only be 'Active' if `deletionTimestamp` is empty"
        yield errors.invalid(("status", "Phase"), phase, detail)


class Finalize(kind.Strategy):
    """Updates through `/finalize`: who has emptied the namespace takes its finalizer away."""

    def prepare_update(self, new: kind.Object, old: kind.Object) -> None:
        """Keep the status."""
        objectmeta.carry(new["metadata"], old["metadata"])
        new["status"] = old.get("status", {})
        new.setdefault("spec", {})

    def check_update(self, new: kind.Object, old: kind.Object) -> Sequence[FieldError]:
        """Finalizers are qualified names."""
        path = ("spec", "finalizers")
        found = [
            *objectmeta.check_change(new["metadata"], old["metadata"]),
            *metadata.check_finalizers(peek.texts(new["spec"], "finalizers"), path),
        ]
        return objectmeta.once(found)


NAMESPACES = kind.Kind(
    plural="namespaces",
    singular="namespace",
    kind="Namespace",
    short_names=("ns",),
    namespaced=False,
    verbs=tuple(verb for verb in traits.ALL if verb != "deletecollection"),
    struct=core.Namespace,
    strategy=Namespaces(names.dns_label, namespaced=False),
    columns=columns.NAMESPACES,
    subresources=(
        kind.Subresource(
            name="finalize", kind="Namespace", verbs=("update",), strategy=Finalize()
        ),
        kind.Subresource(name="status", kind="Namespace", verbs=traits.CHANGE),
    ),
    fields={
        "name": traits.at("metadata", "name"),
        "status.phase": traits.at("status", "phase"),
    },
    hash=traits.version_hash("", "v1", "Namespace"),
)
