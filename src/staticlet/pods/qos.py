"""The quality of service class of a pod that runs here; the rule is `kube.qos`."""

from __future__ import annotations

from staticlet.kube import core, qos
from staticlet.pods import fields

QosClass = qos.QosClass


def qos_class(pod: core.Pod) -> QosClass:
    """The class of a pod, of its own resources if it has some, else of its containers'."""
    containers = (_claim(container.resources) for container in fields.all_containers(pod))
    return qos.of_claims(_claim(fields.spec(pod).resources), containers)


def _claim(resources: core.ResourceRequirements | None) -> qos.Claim:
    return fields.requests(resources), fields.limits(resources)
