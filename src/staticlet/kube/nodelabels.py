"""Which labels a node may give itself: the kubelet and the API server share this rule. Pure."""

from __future__ import annotations

HOSTNAME = "kubernetes.io/hostname"
OS = "kubernetes.io/os"
ARCH = "kubernetes.io/arch"
BETA_OS = "beta.kubernetes.io/os"
BETA_ARCH = "beta.kubernetes.io/arch"

DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
"""Within these a node may use any name."""

SETTABLE = frozenset(
    {
        ARCH,
        BETA_ARCH,
        BETA_OS,
        HOSTNAME,
        OS,
        "beta.kubernetes.io/instance-type",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
        "node.kubernetes.io/instance-type",
        "topology.kubernetes.io/region",
        "topology.kubernetes.io/zone",
    }
)
"""The others of Kubernetes' own domains that it may use."""

_KUBERNETES = ("kubernetes.io", "k8s.io")
_KEPT = ("node-restriction.kubernetes.io",)


def settable(name: str) -> bool:
    """Whether a node may set a label on itself."""
    domain = name.partition("/")[0] if "/" in name else ""
    if _within(domain, _KEPT):
        return False
    if not _within(domain, _KUBERNETES):
        return True
    return name in SETTABLE or _within(domain, DOMAINS)


def _within(domain: str, roots: tuple[str, ...]) -> bool:
    return any(domain == root or domain.endswith(f".{root}") for root in roots)
