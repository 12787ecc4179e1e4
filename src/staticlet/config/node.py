"""The node's name and addresses, as the kubelet takes them from its flags and the host."""

from __future__ import annotations

import ipaddress

from staticlet.kube import names


class NodeError(ValueError):
    """A name or an address is not valid; the message says what to do."""


def name(override: str, host_name: str) -> str:
    """The node's name: the override, or the host name, trimmed and in lower case.

    Raises:
        NodeError: it is empty, or no DNS subdomain.
    """
    chosen = (override or host_name).strip().lower()
    if not chosen:
        given = "is blank" if override else "and the host name are both empty"
        raise NodeError(f"the node's name {given}: give --hostname-override a name")
    wrong = names.dns_subdomain(chosen)
    if wrong:
        raise NodeError(
            f'"{chosen}" cannot be the name of a node: {wrong[0]};'
            " give a valid name with --hostname-override"
        )
    return chosen


def addresses(text: str) -> tuple[str, ...]:
    """Read `--node-ip`: one address, or two of different families, split by a comma.

    `0.0.0.0` and `::` stand for the default address of that family.

    Raises:
        NodeError: a part is no address, or there are too many.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    families: list[int] = []
    for part in parts:
        try:
            families.append(ipaddress.ip_address(part).version)
        except ValueError as error:
            raise NodeError(f'"{part}" is not an IP address') from error
    if len(parts) > 2 or len(set(families)) < len(parts):
        raise NodeError(f'"{text}" must be one address, or one IPv4 and one IPv6 address')
    return tuple(str(ipaddress.ip_address(part)) for part in parts)
