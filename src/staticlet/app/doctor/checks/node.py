"""The configuration, and the machine as a node: name, clock, name service. Pure."""

from __future__ import annotations

from staticlet.app.doctor import verdict
from staticlet.app.doctor.facts import Agent, Configuration, Node
from staticlet.app.doctor.verdict import Check, Verdict
from staticlet.config.settings import Settings

EARLIEST_YEAR = 2025
LATEST_YEAR = 2100
MOST_SERVERS = 3


def configuration(configuration: Configuration) -> Verdict:
    """Whether the flags, the file and the drop-ins hold."""
    if configuration.errors:
        return verdict.fail(
            f"does not hold: {verdict.count(len(configuration.errors), 'error')}; what depends "
            "on it is not checked",
            "mend what is named; `staticlet config` shows what holds",
            *map(str, configuration.errors),
        )
    if configuration.warnings:
        return verdict.warn(
            f"holds, with {verdict.count(len(configuration.warnings), 'warning')}",
            "mend what is named; `staticlet config` shows what holds",
            *map(str, configuration.warnings),
        )
    without = len(configuration.ineffective)
    return verdict.good(
        "holds" + (f"; {without} without effect here" if without else ""),
        *configuration.ineffective,
    )


def agent(agent: Agent) -> Verdict:
    """Whether an agent is at work on this root directory."""
    if agent.answers:
        version = f", version {agent.version}" if agent.version else ""
        return verdict.good(
            f"runs with pid {agent.holder or 'unknown'}{version}, and has "
            f"{verdict.count(agent.pods, 'pod')}"
        )
    if agent.holder is not None:
        return verdict.fail(
            f"process {agent.holder} holds the root directory, but does not answer on "
            f"{agent.socket}: {agent.fault or 'nothing is there'}",
            "look at its log (journalctl -u staticlet), and whether its --socket is another one",
        )
    return verdict.good("none runs on this root directory")


def host_name(settings: Settings, node: Node) -> Verdict:
    """Programs ask for the address of their own machine's name."""
    same = settings.node_name == node.host_name.lower()
    named = f"node {settings.node_name}" + ("" if same else f", host {node.host_name}")
    if not node.resolves:
        return verdict.warn(
            f"{named}: /etc/hosts does not have {node.host_name}",
            f'add it: echo "127.0.1.1 {node.host_name}" >> /etc/hosts',
        )
    return verdict.good(f"{named}, which /etc/hosts has")


def address(node: Node) -> Verdict:
    """Pods on the host network have this machine's address in their status."""
    if node.addresses:
        return verdict.good(", ".join(node.addresses))
    return verdict.warn(
        "no interface but the loopback has an address: pods on the host network show none",
        "bring up the network, or give --node-ip",
    )


def clock(node: Node) -> Verdict:
    """Certificates of registries are valid for a span of time."""
    shown = node.now.strftime("%Y-%m-%d %H:%M:%S UTC")
    if not EARLIEST_YEAR <= node.now.year < LATEST_YEAR:
        return verdict.fail(
            f"says {shown}: images cannot be pulled, since no certificate is valid then",
            "set it: timedatectl set-ntp true, or date -s; apt-get install systemd-timesyncd",
        )
    if node.synchronised is None:
        return verdict.skipped(f"says {shown}; the kernel does not say whether it is kept right")
    if not node.synchronised:
        return verdict.warn(
            f"says {shown}, and nothing keeps it right",
            "apt-get install systemd-timesyncd (or chrony), then timedatectl set-ntp true",
        )
    return verdict.good(f"says {shown}, and is kept right")


def name_servers(settings: Settings, node: Node) -> Verdict:
    """What pods with the DNS policies Default and ClusterFirst get."""
    if settings.resolv_conf is None:
        return verdict.good("resolvConf is empty: pods get no name servers of the machine")
    if node.resolv_conf is None:
        return verdict.fail(
            f"{settings.resolv_conf} cannot be read",
            "create it with a line `nameserver ADDRESS`, or set resolvConf to where it is",
        )
    servers = _servers(node.pod_resolv_conf)
    if not servers:
        return verdict.warn(
            f"{settings.resolv_conf} names no server: registries are not found",
            "add a line `nameserver ADDRESS`",
        )
    outside = [server for server in servers if not _is_loopback(server)]
    if not outside:
        return verdict.warn(
            f"only {', '.join(servers)}, on this machine's loopback: pods with a network of "
            "their own cannot reach it",
            "set resolvConf to a file with the true servers (--resolv-conf=/etc/resolv-pods.conf)",
        )
    if len(servers) > MOST_SERVERS:
        return verdict.warn(
            f"{len(servers)} servers: resolvers ask the first {MOST_SERVERS} only",
            f"leave {MOST_SERVERS} in {settings.resolv_conf}",
        )
    return verdict.good(", ".join(servers))


def _servers(text: str) -> list[str]:
    words = (line.split() for line in text.splitlines())
    return [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]


def _is_loopback(server: str) -> bool:
    return server.startswith("127.") or server == "::1"


CONFIGURATION = (
    Check("configuration", "flags, file and drop-ins hold", configuration),
    Check("agent", "whether one runs on this root directory: pid, version, pods", agent),
)
CHECKS = (
    Check("host-name", "the node's name, and that /etc/hosts has the host's", host_name),
    Check("address", "the address that pods on the host network show", address),
    Check("clock", "the year is plausible, and something keeps the clock right", clock),
    Check("name-servers", "servers that pods can reach, not only a loopback stub", name_servers),
)
