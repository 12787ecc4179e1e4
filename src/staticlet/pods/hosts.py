"""A pod's own name, and the /etc/hosts that its containers share.

Follows `GeneratePodHostNameAndDomain` and the kubelet's managed hosts file, byte for byte: tools
look for its first line to see whether the file is managed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from staticlet.kube import core
from staticlet.pods import fields
from staticlet.pods.faults import PodFault
from staticlet.pods.wanted import WantedPod

MAX_HOSTNAME = 63
MAX_FQDN = 64
_MANAGED = "# Kubernetes-managed hosts file.\n"
_MANAGED_HOST_NETWORK = "# Kubernetes-managed hosts file (host network).\n"
_ALIASES = "\n# Entries added by HostAliases.\n"
_LOCAL = (
    "127.0.0.1\tlocalhost\n"
    "::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\n"
    "fe00::0\tip6-mcastprefix\n"
    "fe00::1\tip6-allnodes\n"
    "fe00::2\tip6-allrouters\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostName:
    """A pod's host name and domain; the domain is empty without a subdomain."""

    name: str
    domain: str = ""

    @property
    def full(self) -> str:
        """The name with its domain."""
        return f"{self.name}.{self.domain}" if self.domain else self.name


def host_name(wanted: WantedPod, *, cluster_domain: str) -> HostName:
    """The pod's host name: its own choice or its name, cut to what a host name may be."""
    spec = fields.spec(wanted.pod)
    if spec.hostnameOverride:
        return HostName(name=spec.hostnameOverride)
    name = (spec.hostname or wanted.key.name)[:MAX_HOSTNAME].rstrip("-.")
    domain = ""
    if spec.subdomain:
        domain = f"{spec.subdomain}.{wanted.key.namespace}.svc.{cluster_domain}"
    return HostName(name=name, domain=domain)


def sandbox_hostname(wanted: WantedPod, *, cluster_domain: str) -> str:
    """What the sandbox is called; nothing on the host network, where it has the machine's name.

    Raises:
        PodFault: The pod wants its full name for a host name, and it is too long.
    """
    if fields.host_network(wanted.pod):
        return ""
    host = host_name(wanted, cluster_domain=cluster_domain)
    if not (fields.spec(wanted.pod).setHostnameAsFQDN and host.domain):
        return host.name
    if len(host.full) > MAX_FQDN:
        raise PodFault(
            "Failed to construct FQDN from pod hostname and cluster domain, FQDN "
            f"{host.full} is too long ({MAX_FQDN} characters is the max, {len(host.full)} "
            "characters requested)",
            reason="FailedCreatePodSandBox",
        )
    return host.full


def hosts_file(
    wanted: WantedPod, *, ips: Sequence[str], node_hosts: str, cluster_domain: str
) -> str | None:
    """The content of the pod's hosts file; None when it has neither addresses nor the node's.

    Args:
        wanted: The pod.
        ips: Its addresses.
        node_hosts: The node's own hosts file, copied on the host network.
        cluster_domain: The domain that a subdomain lies in.
    """
    aliases = _alias_lines(fields.spec(wanted.pod).hostAliases or ())
    if fields.host_network(wanted.pod):
        return _MANAGED_HOST_NETWORK + node_hosts + aliases
    if not ips:
        return None
    host = host_name(wanted, cluster_domain=cluster_domain)
    names = f"{host.full}\t{host.name}" if host.domain else host.name
    return _MANAGED + _LOCAL + "".join(f"{ip}\t{names}\n" for ip in ips) + aliases


def _alias_lines(aliases: Sequence[core.HostAlias]) -> str:
    if not aliases:
        return ""
    lines = ("\t".join((alias.ip, *(alias.hostnames or ()))) + "\n" for alias in aliases)
    return _ALIASES + "".join(lines)
