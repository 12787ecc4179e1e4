"""What a pod's resolv.conf says: the node's servers, the cluster's, or the manifest's own.

Follows `GetPodDNS` and its limits. What is cut or falls back is told as warnings with the event
reasons that the kubelet gives; the caller records them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from staticlet.config.settings import Settings
from staticlet.kube import core
from staticlet.pods import fields
from staticlet.pods.node import NodeFacts
from staticlet.pods.wanted import WantedPod
from staticlet.runtime import port

MAX_SERVERS = 3
MAX_SEARCHES = 32
MAX_SEARCH_LENGTH = 2048
_CLUSTER_OPTIONS = ("ndots:5",)


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsWarning:
    """Something to tell about a pod's DNS; `reason` is that of the event."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsAnswer:
    """The configuration, within the limits, and what had to be changed for it."""

    config: port.DnsConfig
    warnings: tuple[DnsWarning, ...] = ()


def pod_dns(wanted: WantedPod, *, node: NodeFacts, settings: Settings) -> DnsAnswer:
    """The DNS configuration of a pod by its policy and its own `dnsConfig`."""
    spec = fields.spec(wanted.pod)
    policy = _effective(spec)
    host = _host(node)
    warnings: tuple[DnsWarning, ...] = ()
    match policy:
        case "None":
            config = port.DnsConfig()
        case "ClusterFirst" if settings.cluster_dns:
            config = _cluster(wanted, host, settings)
        case "ClusterFirst":
            config, warnings = host, (_missing(wanted, spec.dnsPolicy or policy),)
        case _:
            config = host
    fitted = _fit(_with_own(config, spec.dnsConfig))
    return replace(fitted, warnings=warnings + fitted.warnings)


def parse_resolv_conf(text: str) -> port.DnsConfig:
    """Read a resolv.conf as the kubelet does: all servers, the last search and options lines."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.partition("#")[0].partition(";")[0].split()
        match words:
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["search", *names]:
                searches = tuple(name if name == "." else name.removesuffix(".") for name in names)
            case ["options", *given]:
                options = tuple(given)
    return port.DnsConfig(servers=tuple(servers), searches=searches, options=options)


def _effective(spec: core.PodSpec) -> str:
    """The policy that decides: on the host network ClusterFirst means Default."""
    policy = spec.dnsPolicy or "ClusterFirst"
    if policy == "ClusterFirst" and spec.hostNetwork:
        return "Default"
    return "ClusterFirst" if policy == "ClusterFirstWithHostNet" else policy


def _host(node: NodeFacts) -> port.DnsConfig:
    """The node's own; without a file the machine itself must answer."""
    if node.resolv_conf is not None:
        return parse_resolv_conf(node.resolv_conf)
    loopback = ["::1" if _is_v6(address) else "127.0.0.1" for address in node.ips]
    return port.DnsConfig(servers=_distinct(loopback) or ("127.0.0.1",), searches=(".",))


def _cluster(wanted: WantedPod, host: port.DnsConfig, settings: Settings) -> port.DnsConfig:
    domain = settings.cluster_domain
    own = (f"{wanted.key.namespace}.svc.{domain}", f"svc.{domain}", domain) if domain else ()
    return port.DnsConfig(
        servers=settings.cluster_dns,
        searches=_distinct((*own, *host.searches)),
        options=_CLUSTER_OPTIONS,
    )


def _with_own(config: port.DnsConfig, own: core.PodDNSConfig | None) -> port.DnsConfig:
    """The manifest's `dnsConfig` after what the policy gave; its options win by name."""
    if own is None:
        return config
    options = {option.partition(":")[0]: option for option in config.options}
    for option in own.options or ():
        name = option.name or ""
        options[name] = name if option.value is None else f"{name}:{option.value}"
    return port.DnsConfig(
        servers=_distinct((*config.servers, *(own.nameservers or ()))),
        searches=_distinct((*config.searches, *(own.searches or ()))),
        options=tuple(options.values()),
    )


def _fit(config: port.DnsConfig) -> DnsAnswer:
    servers, searches = config.servers[:MAX_SERVERS], _fitting(config.searches)
    warnings = []
    if servers != config.servers:
        warnings.append(
            DnsWarning(
                reason="DNSConfigForming",
                message="Nameserver limits were exceeded, some nameservers have been omitted, "
                f"the applied nameserver line is: {' '.join(servers)}",
            )
        )
    if searches != config.searches:
        warnings.append(
            DnsWarning(
                reason="DNSConfigForming",
                message="Search Line limits were exceeded, some search paths have been omitted, "
                f"the applied search line is: {' '.join(searches)}",
            )
        )
    fitted = replace(config, servers=servers, searches=searches)
    return DnsAnswer(config=fitted, warnings=tuple(warnings))


def _fitting(searches: Sequence[str]) -> tuple[str, ...]:
    """The leading search domains that fit both limits; one too long for itself is left out."""
    kept: list[str] = []
    length = -1
    for name in (name for name in searches if len(name) <= MAX_SEARCH_LENGTH):
        length += len(name) + 1
        if len(kept) == MAX_SEARCHES or length > MAX_SEARCH_LENGTH:
            break
        kept.append(name)
    return tuple(kept)


def _missing(wanted: WantedPod, policy: str) -> DnsWarning:
    return DnsWarning(
        reason="MissingClusterDNS",
        message=f'pod: "{wanted.key}". kubelet does not have ClusterDNS IP configured and cannot '
        f'create Pod using "{policy}" policy. Falling back to "Default" policy.',
    )


def _distinct(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _is_v6(address: str) -> bool:
    return ipaddress.ip_address(address).version == 6
