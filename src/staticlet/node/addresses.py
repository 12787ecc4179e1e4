"""Which addresses the Node tells of: those of `--node-ip`, of its name, or of the default route.

As the kubelet decides it. A name is looked up without anybody waiting for a name server: until
there is an answer, and where it is no address of this machine, the default route decides.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Sequence

ANY = {"0.0.0.0": 4, "::": 6}  # noqa: S104  what `--node-ip` may say, not where anything listens


def chosen(
    given: Sequence[str],
    name: str,
    *,
    looked_up: Sequence[str],
    local: Collection[str],
    default: Callable[[int], str | None],
) -> tuple[str, ...]:
    """The node's addresses, the first one first.

    Args:
        given: `--node-ip`; `0.0.0.0` and `::` ask for the default address of a family.
        name: The node's name.
        looked_up: What its name is said to stand for.
        local: This machine's own addresses; what is not among them is another machine's.
        default: The address on the default route, of a family: 4, 6, or 0 for either.
    """
    if given:
        return tuple(filter(None, (default(ANY[ip]) if ip in ANY else ip for ip in given)))
    if _is_address(name):
        return (name,)
    usable = [ip for ip in looked_up if ip in local and _is_own(ip)]
    usable.sort(key=lambda ip: ipaddress.ip_address(ip).version)
    found = usable[0] if usable else default(0)
    return (found,) if found else ()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _is_own(text: str) -> bool:
    """Whether others could reach a machine by an address."""
    ip = ipaddress.ip_address(text)
    return not (ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified)
