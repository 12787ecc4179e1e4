"""What a pod of the API refers to: config maps, secrets and tokens, as a pure function of it.

A static pod refers to nothing: it must run without an API server.
"""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.kube import core
from staticlet.pods import fields, wanted
from staticlet.pods.apiobjects import held

_TOKENS = "/var/run/secrets/kubernetes.io/serviceaccount"

LIFETIME_S = 3600
"""How long a token lasts for which the pod says nothing."""


def of(pod: wanted.WantedPod) -> frozenset[held.AnyRef]:
    """All that a pod needs while it lives: nothing for a static one, and one that has ended."""
    if pod.source != wanted.API or pod.over:
        return frozenset()
    found: set[held.AnyRef] = set(pull_secrets(pod))
    for volume in fields.spec(pod.pod).volumes or ():
        found.update(of_volume(pod, volume))
    for container in fields.all_containers(pod.pod):
        found.update(_of_container(pod, container))
    if _speaks_to_the_server(pod.pod):
        found.add(held.SERVER)
    return frozenset(one for one in found if isinstance(one, held.TokenRef) or one.name)


def pull_secrets(pod: wanted.WantedPod) -> tuple[held.Ref, ...]:
    """The secrets for pulling its images, in their order."""
    named = (one.name for one in fields.spec(pod.pod).imagePullSecrets or ())
    return tuple(secret(pod, name) for name in named if name)


def config_map(pod: wanted.WantedPod, name: str | None) -> held.Ref:
    """A config map of the pod's namespace."""
    return held.Ref(kind=held.Kind.CONFIG_MAP, namespace=pod.key.namespace, name=name or "")


def secret(pod: wanted.WantedPod, name: str | None) -> held.Ref:
    """A secret of the pod's namespace."""
    return held.Ref(kind=held.Kind.SECRET, namespace=pod.key.namespace, name=name or "")


def token(pod: wanted.WantedPod, source: core.ServiceAccountTokenProjection) -> held.TokenRef:
    """The token that a projected volume asks for."""
    return held.TokenRef(
        namespace=pod.key.namespace,
        account=fields.spec(pod.pod).serviceAccountName or "default",
        pod_name=pod.key.name,
        pod_uid=pod.uid,
        audience=source.audience or "",
        lifetime_s=source.expirationSeconds or LIFETIME_S,
    )


def of_volume(pod: wanted.WantedPod, volume: core.Volume) -> Iterator[held.AnyRef]:
    """What a volume is made of."""
    if volume.configMap:
        yield config_map(pod, volume.configMap.name)
    if volume.secret:
        yield secret(pod, volume.secret.secretName)
    for source in (volume.projected.sources if volume.projected else None) or ():
        if source.configMap:
            yield config_map(pod, source.configMap.name)
        if source.secret:
            yield secret(pod, source.secret.name)
        if source.serviceAccountToken:
            yield token(pod, source.serviceAccountToken)


def _speaks_to_the_server(pod: core.Pod) -> bool:
    """Whether a pod has a service account token, of which every kind is mounted at one place."""
    tokens = (
        source.serviceAccountToken
        for volume in fields.spec(pod).volumes or ()
        if volume.projected
        for source in volume.projected.sources or ()
    )
    mounts = (
        mount.mountPath for one in fields.all_containers(pod) for mount in one.volumeMounts or ()
    )
    return any(tokens) or _TOKENS in mounts


def _of_container(pod: wanted.WantedPod, container: core.Container) -> Iterator[held.AnyRef]:
    for every in container.envFrom or ():
        if every.configMapRef:
            yield config_map(pod, every.configMapRef.name)
        if every.secretRef:
            yield secret(pod, every.secretRef.name)
    for variable in container.env or ():
        source = variable.valueFrom
        if source is not None and source.configMapKeyRef:
            yield config_map(pod, source.configMapKeyRef.name)
        if source is not None and source.secretKeyRef:
            yield secret(pod, source.secretKeyRef.name)
