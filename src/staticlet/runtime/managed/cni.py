"""The pod network of a bare machine: one bridge, addresses from a free range, host ports.

All pure: which range is free, what the configuration file says, whether a directory has one. What
iptables can do is handed in: without it pods talk to each other and to this machine, but neither
to the world (no masquerade) nor from it (no host ports).
"""

from __future__ import annotations

import ipaddress
import json
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE_NAME = "10-staticlet.conflist"
SUFFIXES = (".conf", ".conflist", ".json")  # what containerd reads
BIN_DIRS = (Path("/opt/cni/bin"), Path("/usr/lib/cni"), Path("/usr/libexec/cni"))
PLUGINS = ("bridge", "host-local", "loopback", "portmap")

# Ranges that Docker, podman, k3s, flannel, calico and kubeadm do not use by default.
CANDIDATES = (
    *(ipaddress.IPv4Network(f"10.{second}.0.0/20") for second in range(201, 240)),
    *(ipaddress.IPv4Network(f"172.{second}.0.0/20") for second in range(24, 32)),
    *(ipaddress.IPv4Network(f"192.168.{third}.0/24") for third in range(200, 240)),
)


class NoFreeSubnet(RuntimeError):
    """Every range that we know is routed somewhere already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """The network to describe.

    Attributes:
        name: The network's name, also the prefix of libcni's cache files.
        interface: The bridge's name; at most 15 characters.
        subnet: Where addresses come from.
        data_dir: Where host-local notes the addresses that it gave out.
        masquerade: Hide pods behind this machine's address; needs iptables.
        host_ports: Forward host ports; needs iptables.
    """

    name: str
    interface: str
    subnet: ipaddress.IPv4Network
    data_dir: Path
    masquerade: bool = True
    host_ports: bool = True


def conflist(bridge: Bridge) -> str:
    """The configuration list for a bridge network, as JSON."""
    plugins: list[dict[str, Any]] = [
        {
            "type": "bridge",
            "bridge": bridge.interface,
            "isGateway": True,
            "ipMasq": bridge.masquerade,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": str(bridge.subnet)}]],
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(bridge.data_dir),
            },
        }
    ]
    if bridge.host_ports:
        plugins.append({"type": "portmap", "snat": True, "capabilities": {"portMappings": True}})
    content = {"cniVersion": "0.4.0", "name": bridge.name, "plugins": plugins}
    return json.dumps(content, indent=2) + "\n"


def subnet_of(text: str) -> ipaddress.IPv4Network | None:
    """The subnet in a configuration list that `conflist` made; None when it is not one."""
    try:
        ranges = json.loads(text)["plugins"][0]["ipam"]["ranges"]
        return ipaddress.IPv4Network(ranges[0][0]["subnet"])
    except (ValueError, LookupError, TypeError):
        return None


def configured(names: Iterable[str]) -> bool:
    """Whether a directory with these file names holds a network configuration."""
    return any(name.endswith(SUFFIXES) for name in names)


def free_subnet(
    routes: Iterable[ipaddress.IPv4Network],
    candidates: Sequence[ipaddress.IPv4Network] = CANDIDATES,
) -> ipaddress.IPv4Network:
    """The first candidate that no route of this machine touches; default routes don't count.

    Raises:
        NoFreeSubnet: When all are taken.
    """
    taken = [route for route in routes if route.prefixlen > 0]
    for candidate in candidates:
        if not any(candidate.overlaps(route) for route in taken):
            return candidate
    raise NoFreeSubnet(
        f"each of {len(candidates)} address ranges for pods is routed on this machine already: "
        "put a network configuration of your own into /etc/cni/net.d"
    )


def parse_routes(text: str) -> dict[ipaddress.IPv4Network, str]:
    """The IPv4 routes in /proc/net/route and the interface of each; odd lines are skipped."""
    routes = {}
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            interface, destination, mask = fields[0], _address(fields[1]), _address(fields[7])
            routes[ipaddress.IPv4Network(f"{destination}/{mask}", strict=False)] = interface
        except (LookupError, ValueError):
            continue
    return routes


def _address(hex_digits: str) -> str:
    """The kernel prints the four bytes as one number of this machine's byte order."""
    return socket.inet_ntoa(struct.pack("=I", int(hex_digits, 16)))


def plugin_dir(dirs: Iterable[tuple[Path, frozenset[str]]]) -> Path | None:
    """The first directory that has every plugin of ours; each comes with what it holds."""
    return next((path for path, held in dirs if held.issuperset(PLUGINS)), None)
