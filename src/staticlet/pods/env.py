"""The environment of a container, and what `$(NAME)` means in it.

Follows `makeEnvironmentVariables` for a machine without services: literal values, in which earlier
variables can be named, fields of the pod, amounts of its resources, and for pods of the API what
is in config maps and secrets, and where the API server is, if they have a token. A static pod
cannot have such objects: its optional ones are left out, and others keep the container from being
made, as does what comes from a file of a volume.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from staticlet.kube import core, quantity
from staticlet.pods import fields
from staticlet.pods.apiobjects import held
from staticlet.pods.faults import ConfigFault
from staticlet.pods.node import NodeFacts
from staticlet.pods.wanted import API, WantedPod

_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\))")
_SUBSCRIPT = re.compile(r"metadata\.(?P<map>labels|annotations)\['(?P<key>.*)'\]")
_FIELD_REFUSED = (
    "use metadata.name, .namespace, .uid, .labels['key'] or .annotations['key'], "
    "spec.nodeName, spec.serviceAccountName, status.hostIP, .hostIPs, .podIP or .podIPs"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What variables can speak of.

    Attributes:
        wanted: The pod.
        node: The machine.
        ips: The pod's addresses, the primary one first; empty on the host network.
        held: What is known of the API's objects that the pod refers to.
    """

    wanted: WantedPod
    node: NodeFacts
    ips: tuple[str, ...] = ()
    held: held.Holdings = held.NONE

    @property
    def pod_ips(self) -> tuple[str, ...]:
        """The addresses that the pod has to the world: the node's on the host network."""
        return self.node.ips if fields.host_network(self.wanted.pod) else self.ips


def environment(container: core.Container, around: Surroundings) -> Mapping[str, str]:
    """All variables of a container with their values, in the order of the manifest.

    Raises:
        ConfigFault: A value can not be had here, or there is no such field.
    """
    found = _of_server(around) | _from_whole_objects(container, around)
    for variable in container.env or ():
        if variable.valueFrom is None:
            found[variable.name] = expand(variable.value or "", found)
            continue
        value = _from_source(variable, variable.valueFrom, container, around)
        if value is not None:
            found[variable.name] = value
    return found


def expand(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of `$(NAME)`; unknown names stay as written, `$$` is one `$`."""
    return _replace(text, lambda name: values.get(name))


def expand_strictly(text: str, values: Mapping[str, str]) -> str:
    """As `expand`, for places where every name must have a value.

    Raises:
        ConfigFault: A name has none.
    """

    def value(name: str) -> str:
        if name not in values:
            raise ConfigFault(f'missing value for "{name}"')
        return values[name]

    return _replace(text, value)


def field_value(path: str, around: Surroundings) -> str:
    """The value of a `fieldRef`.

    Raises:
        ConfigFault: There is no such field for variables.
    """
    wanted, node = around.wanted, around.node
    if match := _SUBSCRIPT.fullmatch(path):
        pod = wanted.pod
        whole = fields.labels_of(pod) if match["map"] == "labels" else fields.annotations_of(pod)
        return whole.get(match["key"], "")
    match path:
        case "metadata.name":
            return wanted.key.name
        case "metadata.namespace":
            return wanted.key.namespace
        case "metadata.uid":
            return wanted.uid
        case "spec.nodeName":
            return node.name
        case "spec.serviceAccountName":
            return fields.spec(wanted.pod).serviceAccountName or ""
        case "status.hostIP":
            return _first(node.ips)
        case "status.hostIPs":
            return ",".join(node.ips)
        case "status.podIP":
            return _first(around.pod_ips)
        case "status.podIPs":
            return ",".join(around.pod_ips)
    raise ConfigFault(f'unsupported fieldPath "{path}": {_FIELD_REFUSED}')


def resource_value(
    selector: core.ResourceFieldSelector, container: core.Container, around: Surroundings
) -> str:
    """The value of a `resourceFieldRef`: how many divisors the amount takes, rounded up.

    A missing limit is what the machine has to give; a missing request is nothing.

    Raises:
        ConfigFault: There is no such resource or no such container.
    """
    subject = _container(selector.containerName, container, around.wanted.pod)
    kind, _, resource = selector.resource.partition(".")
    if kind == "limits":
        amount = _limit(subject, resource, around)
    elif kind == "requests":
        amount = quantity.parse(fields.requests(subject.resources).get(resource, "0"))
    else:
        raise ConfigFault(f'unsupported container resource : "{selector.resource}"')
    return str(amount.to_units(quantity.parse(str(selector.divisor or "0"))))


def _limit(subject: core.Container, resource: str, around: Surroundings) -> quantity.Quantity:
    given = fields.limits(subject.resources)
    if resource in given and not quantity.parse(given[resource]).is_zero:
        return quantity.parse(given[resource])
    node = around.node
    whole = {"cpu": str(node.cpus), "memory": str(node.memory_bytes), **node.allocatable}
    return quantity.parse(whole.get(resource, "0"))


def _container(name: str | None, own: core.Container, pod: core.Pod) -> core.Container:
    if not name or name == own.name:
        return own
    for container in fields.all_containers(pod):
        if container.name == name:
            return container
    raise ConfigFault(f"container {name} not found")


def _from_source(
    variable: core.EnvVar,
    source: core.EnvVarSource,
    container: core.Container,
    around: Surroundings,
) -> str | None:
    if source.fieldRef:
        return field_value(source.fieldRef.fieldPath, around)
    if source.resourceFieldRef:
        return resource_value(source.resourceFieldRef, container, around)
    _refuse_object(source.fileKeyRef, "file in a volume", variable.name)
    if around.wanted.source != API:
        _refuse_object(source.configMapKeyRef, "config map", variable.name)
        _refuse_object(source.secretKeyRef, "secret", variable.name)
        return None
    from staticlet.pods.apiobjects import variables  # static pods have no use for it

    return variables.value(around.wanted, variable.name, source, around.held)


def _of_server(around: Surroundings) -> dict[str, str]:
    """Where the API server is, for pods that speak to it; everything else may say otherwise."""
    if held.SERVER not in around.held.answers:
        return {}
    from staticlet.pods.apiobjects import variables

    return dict(variables.of_server(around.held))


def _from_whole_objects(container: core.Container, around: Surroundings) -> dict[str, str]:
    if container.envFrom and around.wanted.source == API:
        from staticlet.pods.apiobjects import variables

        return dict(variables.whole(around.wanted, container, around.held).values)
    for source in container.envFrom or ():
        _refuse_object(source.configMapRef, "config map")
        _refuse_object(source.secretRef, "secret")
    return {}


def _refuse_object(reference: object, kind: str, variable: str = "") -> None:
    if reference is None or getattr(reference, "optional", False):
        return
    what = f"variable {variable}" if variable else "envFrom"
    raise ConfigFault(f"{what} takes its value from a {kind}, which is not supported yet")


def _replace(text: str, value: Callable[[str], str | None]) -> str:
    def one(match: re.Match[str]) -> str:
        name = match["name"]
        if name is None:
            return "$"
        found = value(name)
        return match[0] if found is None else found

    return _REFERENCE.sub(one, text)


def _first(addresses: tuple[str, ...]) -> str:
    return addresses[0] if addresses else ""
