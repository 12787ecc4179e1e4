"""Pods put up with a node that does not answer for five minutes (DefaultTolerationSeconds)."""

from __future__ import annotations

from staticlet.apiserver.admission import about, plugin
from staticlet.apiserver.store.port import Objects
from staticlet.kube.validate import peek

SECONDS = 300
_KEYS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


class DefaultTolerations:
    """Adds the tolerations of a node that is not ready or cannot be reached."""

    def mutate(self, review: plugin.Review, objects: Objects) -> None:
        """Add what the pod does not say itself."""
        del objects
        pod = about.pod_to_be(review, "CREATE", "UPDATE")
        if pod is None:
            return
        spec = pod["spec"] = pod.get("spec") or {}
        given = peek.objects(spec, "tolerations")
        added = [key for key in _KEYS if not any(_covers(one, key) for one in given)]
        if added:
            spec["tolerations"] = [*given, *map(_toleration, added)]

    def validate(self, review: plugin.Review, objects: Objects) -> None:
        """Nothing is refused."""


def _covers(toleration: peek.Object, key: str) -> bool:
    return peek.text(toleration, "key") in ("", key) and peek.text(toleration, "effect") in (
        "",
        "NoExecute",
    )


def _toleration(key: str) -> dict[str, object]:
    return {
        "key": key,
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": SECONDS,
    }
