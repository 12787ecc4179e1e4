"""Container ports, and host ports over the containers of a pod."""

from __future__ import annotations

from collections.abc import Iterable

from staticlet.kube import fieldpath, names
from staticlet.kube.validate import errors, peek

_PROTOCOLS = ("SCTP", "TCP", "UDP")


def check(ports: tuple[peek.Object, ...], path: fieldpath.Path) -> errors.Errors:
    """The ports of one container."""
    taken: set[str] = set()
    for index, port in enumerate(ports):
        at = (*path, index)
        if name := peek.text(port, "name"):
            messages = names.port_name(name)
            yield from errors.each((*at, "name"), name, messages)
            if not messages and name in taken:
                yield errors.duplicate((*at, "name"), name)
            taken.add(name)
        container_port = peek.number(port, "containerPort")
        if not container_port:
            yield errors.required((*at, "containerPort"))
        else:
            messages = names.port_number(container_port)
            yield from errors.each((*at, "containerPort"), container_port, messages)
        if host_port := peek.number(port, "hostPort"):
            messages = names.port_number(host_port)
            yield from errors.each((*at, "hostPort"), host_port, messages)
        if address := peek.text(port, "hostIP"):
            yield from errors.each((*at, "hostIP"), address, names.ip_address(address))
        yield from errors.one_of((*at, "protocol"), peek.text(port, "protocol"), _PROTOCOLS)


def host_conflicts(
    containers: Iterable[tuple[fieldpath.Path, peek.Object]],
) -> errors.Errors:
    """Two containers that want one port of the host, by protocol, address and number."""
    taken: set[str] = set()
    for path, container in containers:
        for index, port in enumerate(peek.objects(container, "ports")):
            number = peek.number(port, "hostPort")
            if not number:
                continue
            protocol = peek.text(port, "protocol") or "TCP"
            wanted = f"{protocol}/{peek.text(port, 'hostIP')}/{number}"
            if wanted in taken:
                yield errors.duplicate((*path, "ports", index, "hostPort"), wanted)
            taken.add(wanted)


def host_network(
    containers: Iterable[tuple[fieldpath.Path, peek.Object]],
) -> errors.Errors:
    """On the host's network a container port is a host port: both numbers must agree."""
    for path, container in containers:
        for index, port in enumerate(peek.objects(container, "ports")):
            number = peek.number(port, "hostPort")
            if number and number != peek.number(port, "containerPort"):
                detail = "must match `containerPort` when `hostNetwork` is true"
                yield errors.invalid((*path, "ports", index, "hostPort"), number, detail)
