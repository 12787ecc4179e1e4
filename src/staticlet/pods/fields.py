"""Reading a pod whose optional parts may be absent: every question answered in one place.

The API leaves almost every field optional; the functions here give the value that absence means,
so that the modules that build on them read as the rules they follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from staticlet.kube import core

ALWAYS = "Always"


def spec(pod: core.Pod) -> core.PodSpec:
    """The spec; an empty one where the pod has none."""
    return pod.spec or core.PodSpec(containers=[])


def meta(pod: core.Pod) -> core.ObjectMeta:
    """The metadata; empty where the pod has none."""
    return pod.metadata or core.ObjectMeta()


def labels_of(pod: core.Pod) -> Mapping[str, str]:
    """The pod's labels."""
    return meta(pod).labels or {}


def annotations_of(pod: core.Pod) -> Mapping[str, str]:
    """The pod's annotations."""
    return meta(pod).annotations or {}


def containers(pod: core.Pod) -> Sequence[core.Container]:
    """The regular containers, in their order."""
    return spec(pod).containers


def init_containers(pod: core.Pod) -> Sequence[core.Container]:
    """The init containers, sidecars among them, in their order."""
    return spec(pod).initContainers or ()


def all_containers(pod: core.Pod) -> Sequence[core.Container]:
    """Init containers, then regular ones."""
    return (*init_containers(pod), *containers(pod))


def is_sidecar(container: core.Container) -> bool:
    """Whether an init container runs beside the regular ones (`restartPolicy: Always`)."""
    return container.restartPolicy == ALWAYS


def host_network(pod: core.Pod) -> bool:
    """Whether the pod uses the machine's own network."""
    return bool(spec(pod).hostNetwork)


def security(pod: core.Pod) -> core.PodSecurityContext:
    """The pod's security context; empty where it has none."""
    return spec(pod).securityContext or core.PodSecurityContext()


def container_security(container: core.Container) -> core.SecurityContext:
    """The container's security context; empty where it has none."""
    return container.securityContext or core.SecurityContext()


def is_privileged(container: core.Container) -> bool:
    """Whether the container is privileged."""
    return bool(container_security(container).privileged)


def requests(resources: core.ResourceRequirements | None) -> Mapping[str, str]:
    """The requests; empty where none are given."""
    return _amounts(resources.requests if resources else None)


def limits(resources: core.ResourceRequirements | None) -> Mapping[str, str]:
    """The limits; empty where none are given."""
    return _amounts(resources.limits if resources else None)


def _amounts(given: Mapping[str, str | int | float] | None) -> Mapping[str, str]:
    """Quantities as text: a manifest may hold bare numbers, and the type does not tell."""
    return {name: str(amount) for name, amount in (given or {}).items()}
