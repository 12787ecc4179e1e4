"""Pods run as a service account that there is, `default` unless they say another (ServiceAccount).

Unlike kube-apiserver's, no volume with a token is added: a pod that wants a token asks for it with
a projected volume. Mirror pods have no account and refer to no secrets.
"""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.apiserver.admission import about, plugin
from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store.port import Key, Objects
from staticlet.kube.validate import peek

DEFAULT = "default"
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


class ServiceAccount:
    """Names the account of new pods, and gives them its image pull secrets."""

    def mutate(self, review: plugin.Review, objects: Objects) -> None:
        """Set the account, and what comes with it.

        Raises:
            refusal.Refusal: 403, a mirror pod refers to what it may not.
        """
        pod = about.pod_to_be(review, "CREATE")
        if pod is None:
            return
        if about.is_mirror(pod):
            _check_mirror(review, pod)
            return
        spec = pod["spec"] = pod.get("spec") or {}
        name = spec.get("serviceAccountName") or DEFAULT
        spec["serviceAccountName"] = spec["serviceAccount"] = name
        account = objects.get(Key("serviceaccounts", review.call.target.namespace, name))
        if account is None:
            raise _absent(review, name)
        if not spec.get("imagePullSecrets"):
            secrets = account.object().get("imagePullSecrets")
            if secrets:
                spec["imagePullSecrets"] = secrets

    def validate(self, review: plugin.Review, objects: Objects) -> None:
        """Nothing is left to refuse."""


def _absent(review: plugin.Review, name: str) -> Exception:
    """What refuses a pod without its account; every namespace gets the default one in a moment."""
    place = review.call.target.namespace
    why = f'error looking up service account {place}/{name}: serviceaccount "{name}" not found'
    refused = about.forbidden(review, why)
    return plugin.NotYet(refused) if name == DEFAULT else refused


def _check_mirror(review: plugin.Review, pod: Object) -> None:
    spec = peek.child(pod, "spec")
    if peek.text(spec, "serviceAccountName"):
        raise about.forbidden(review, "a mirror pod may not reference service accounts")
    if any(_secrets(spec)):
        raise about.forbidden(review, "a mirror pod may not reference secrets")
    for volume in peek.objects(spec, "volumes"):
        sources = peek.objects(peek.child(volume, "projected"), "sources")
        if any(peek.has(source, "serviceAccountToken") for source in sources):
            why = "a mirror pod may not use ServiceAccountToken volume projections"
            raise about.forbidden(review, why)


def _secrets(spec: peek.Object) -> Iterator[bool]:
    """For each place where a spec may name a secret, whether it does."""
    for secret in peek.objects(spec, "imagePullSecrets"):
        yield bool(peek.text(secret, "name"))
    for field in _CONTAINERS:
        for container in peek.objects(spec, field):
            for variable in peek.objects(container, "env"):
                yield peek.has(peek.child(variable, "valueFrom"), "secretKeyRef")
            for source in peek.objects(container, "envFrom"):
                yield peek.has(source, "secretRef")
    for volume in peek.objects(spec, "volumes"):
        yield peek.has(volume, "secret")
        for source in peek.objects(peek.child(volume, "projected"), "sources"):
            yield peek.has(source, "secret")
