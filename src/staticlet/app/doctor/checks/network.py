"""The network of pods: configuration, plugins, forwarding, host ports. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from staticlet.app.doctor import verdict
from staticlet.app.doctor.facts import Holder, HostPort, Manifests, Network
from staticlet.app.doctor.verdict import Check, Verdict

_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared with, not bound to
_NO_PLUGINS = "there is no network configuration that names plugins"


def cni_config(network: Network) -> Verdict:
    """The first file by name counts."""
    if not network.files:
        return verdict.fail(
            f"{network.conf_dir} has no network configuration: only pods with hostNetwork run",
            f"put a conflist there (bridge, host-local, portmap) as {network.conf_dir}/"
            "10-pods.conflist, or use `staticlet up`, which makes one",
        )
    first, *others = network.files
    if network.fault:
        return verdict.fail(
            f"{network.conf_dir}/{first} cannot be used: {network.fault}",
            "mend it; the first file by name counts",
        )
    if network.load_fault:
        return verdict.fail(
            f"the runtime could not load {network.conf_dir}/{first}: {network.load_fault}",
            "mend it; if the runtime does not notice, restart it",
        )
    if others:
        return verdict.warn(
            f"network {network.name} from {network.conf_dir}/{first}; without effect beside it: "
            f"{', '.join(others)}",
            "the first file by name counts: move the others away",
        )
    return verdict.good(f"network {network.name} from {network.conf_dir}/{first}")


def cni_plugins(network: Network) -> Verdict:
    """The programs that the configuration names."""
    if not network.plugins:
        return verdict.skipped(_NO_PLUGINS)
    missing = [name for name in network.plugins if name not in network.present]
    where = ", ".join(network.bin_dirs)
    if missing:
        return verdict.fail(
            f"{where} lacks {', '.join(missing)}",
            "apt-get install containernetworking-plugins (they go to /usr/lib/cni: set the "
            "runtime's bin_dir to it, or link them)",
        )
    return verdict.good(f"{', '.join(network.plugins)} in {where}")


def ip_forward(network: Network) -> Verdict:
    """Without it nothing goes between pods and other machines."""
    if network.forwards:
        return verdict.good("net.ipv4.ip_forward is 1")
    return verdict.warn(
        "net.ipv4.ip_forward is 0: pods with a network of their own reach this machine only",
        "sysctl -w net.ipv4.ip_forward=1, and the same in /etc/sysctl.d/90-pods.conf",
    )


def iptables(network: Network) -> Verdict:
    """What masquerading and host ports are made with."""
    if not network.needs_iptables:
        return verdict.skipped("the network configuration needs none")
    if network.iptables is None:
        return verdict.skipped("it could not be tried")
    if network.iptables:
        return verdict.good("works, as masquerading and host ports need it")
    return verdict.fail(
        "iptables is missing or does not work, and the network configuration needs it",
        "apt-get install iptables; if it is there, the kernel lacks nf_tables: "
        "update-alternatives --set iptables /usr/sbin/iptables-legacy",
    )


def host_ports(manifests: Manifests, listeners: tuple[Holder, ...]) -> Verdict:
    """Ports of this machine that manifests want and others have."""
    clashes = (*_twice(manifests.ports), *_taken(manifests.ports, listeners))
    if clashes:
        return verdict.fail(
            "not all are to be had",
            "stop what has the port, or change hostPort in the manifest",
            *clashes,
        )
    if not manifests.ports:
        return verdict.good("no manifest wants one")
    wanted = ", ".join(sorted({f"{port.port}/{port.protocol}" for port in manifests.ports}))
    return verdict.good(f"free, or held by their own pods: {wanted}")


def _twice(ports: tuple[HostPort, ...]) -> Iterator[str]:
    """Two pods that want one port."""
    for index, one in enumerate(ports):
        for other in ports[:index]:
            if other.pod != one.pod and _meet(one, other.protocol, other.port, other.address):
                yield f"{one.pod} and {other.pod} both want {one.port}/{one.protocol}"


def _taken(ports: tuple[HostPort, ...], listeners: tuple[Holder, ...]) -> Iterator[str]:
    """Ports that somebody listens on who is no pod."""
    for one in ports:
        for holder in listeners:
            its = holder.listener
            if not holder.of_pod and _meet(one, its.protocol, its.port, its.address):
                yield f"{one.pod} wants {one.port}/{one.protocol}, which {_who(holder)} has"
                break


def _meet(one: HostPort, protocol: str, port: int, address: str) -> bool:
    if (one.protocol, one.port) != (protocol, port):
        return False
    return one.address in _EVERYWHERE or address in _EVERYWHERE or one.address == address


def _who(holder: Holder) -> str:
    if not holder.pid:
        return "a process that may not be seen"
    return f"{holder.program or 'a process'} (pid {holder.pid})"


CHECKS = (
    Check("cni-config", "the runtime's network configuration is there and parses", cni_config),
    Check("cni-plugins", "the plugins that it names are installed", cni_plugins),
    Check("ip-forward", "packets are forwarded", ip_forward),
    Check("iptables", "it works, where masquerading or host ports need it", iptables),
    Check("host-ports", "host ports of the manifests are free, or who has them", host_ports),
)
