"""Ephemeral containers: added to a pod that runs, and never changed or taken away."""

from __future__ import annotations

from collections.abc import Sequence

from staticlet.apiserver.resources import objectmeta, podforms
from staticlet.apiserver.resources.kind import Object, Strategy
from staticlet.kube import defaults
from staticlet.kube.finding import FieldError
from staticlet.kube.validate import errors, metadata, peek
from staticlet.kube.validate import pod as pod_rules

_AT = ("spec", "ephemeralContainers")


class EphemeralContainers(Strategy):
    """Updates through `/ephemeralcontainers`: nothing but these is taken over."""

    def default(self, obj: Object) -> None:
        """Fill in the pod's defaults."""
        obj |= defaults.pod(obj)
        podforms.settle(obj)

    def prepare_update(self, new: Object, old: Object) -> None:
        """Keep everything but the ephemeral containers."""
        wanted = peek.objects(peek.child(new, "spec"), "ephemeralContainers")
        version = new["metadata"].get("resourceVersion")
        new["metadata"] = {**old["metadata"]}
        if version:
            new["metadata"]["resourceVersion"] = version
        new["spec"], new["status"] = {**old["spec"]}, old.get("status", {})
        new["spec"].pop("ephemeralContainers", None)
        if wanted:
            new["spec"]["ephemeralContainers"] = list(wanted)
        if new["spec"] != old["spec"]:
            new["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def check_update(self, new: Object, old: Object) -> Sequence[FieldError]:
        """Those that there are stay as they are; new ones obey the rules of containers."""
        return objectmeta.once((*pod_rules.check_any(new), *_changes(new, old)))


def _changes(new: Object, old: Object) -> errors.Errors:
    if metadata.MIRROR_ANNOTATION in peek.text_map(old["metadata"], "annotations"):
        detail = "static pods do not support ephemeral containers"
        yield errors.forbidden(("metadata", "annotations"), detail)
    now = {peek.text(one, "name"): one for one in peek.objects(new["spec"], "ephemeralContainers")}
    for one in peek.objects(old["spec"], "ephemeralContainers"):
        name = peek.text(one, "name")
        if name not in now:
            detail = f'existing ephemeral containers "{name}" may not be removed\n'
            yield errors.forbidden(_AT, detail)
        elif now[name] != one:
            detail = f'existing ephemeral containers "{name}" may not be changed\n'
            yield errors.forbidden(_AT, detail)
