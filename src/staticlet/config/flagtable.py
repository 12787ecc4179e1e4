"""The flags of the command line: the kubelet's, by the kubelet's names, and four of our own.

Every flag of the kubelet 1.36 is known, so that a kubelet's command line can be reused as it is.
Those that set a field of the configuration become a layer above the files; those without an
effect here are accepted and named once at start.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass


class Kind(enum.Enum):
    """What a flag takes; the text stands in the help."""

    TEXT = "TEXT"
    PATH = "PATH"
    BOOL = "[BOOL]"
    INTEGER = "N"
    DURATION = "DURATION"
    LIST = "A,B,…"
    HEADERS = "NAME:VALUE,…"
    GATES = "NAME=BOOL,…"
    PAIRS = "NAME=VALUE,…"
    THRESHOLDS = "SIGNAL<VALUE,…"
    TAINTS = "KEY=VALUE:EFFECT,…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag.

    Attributes:
        name: Its name without the dashes.
        kind: How its text is read.
        path: The field of the configuration that it sets; empty when it is no field.
        text: What it does, for the help; empty hides it there.
        effective: Whether it does anything here.
    """

    name: str
    kind: Kind = Kind.TEXT
    path: tuple[str, ...] = ()
    text: str = ""
    effective: bool = True

    @property
    def source(self) -> str:
        """The flag as an origin of values."""
        return f"flag --{self.name}"


_SHOWN = (
    Flag(name="config", kind=Kind.PATH, text="The KubeletConfiguration file, YAML or JSON."),
    Flag(name="config-dir", kind=Kind.PATH, text="A directory of drop-ins (*.conf) for it."),
    Flag(
        name="pod-manifest-path",
        kind=Kind.PATH,
        path=("staticPodPath",),
        text="The manifest directory, or one manifest file.  [default: /etc/kubernetes/manifests]",
    ),
    Flag(name="manifest-url", path=("staticPodURL",), text="A URL to fetch manifests from."),
    Flag(
        name="manifest-url-header",
        kind=Kind.HEADERS,
        path=("staticPodURLHeader",),
        text="Headers to send to the URL, as in a:hello,b:again; may be given more than once.",
    ),
    Flag(
        name="file-check-frequency",
        kind=Kind.DURATION,
        path=("fileCheckFrequency",),
        text="How often the manifest directory is listed anew.  [default: 20s]",
    ),
    Flag(
        name="http-check-frequency",
        kind=Kind.DURATION,
        path=("httpCheckFrequency",),
        text="How often the URL is asked.  [default: 20s]",
    ),
    Flag(
        name="sync-frequency",
        kind=Kind.DURATION,
        path=("syncFrequency",),
        text="How often every pod is looked at without a cause.  [default: 1m]",
    ),
    Flag(
        name="root-dir",
        kind=Kind.PATH,
        text="Where files of pods are kept.  [default: /var/lib/kubelet]",
    ),
    Flag(
        name="kubeconfig",
        kind=Kind.PATH,
        text="How to reach an API server, and as whom; without it the agent is on its own.",
    ),
    Flag(name="hostname-override", text="The node's name, instead of the host name."),
    Flag(name="node-ip", text="The node's address, or one of each family: 10.0.0.1,fd00::1."),
    Flag(
        name="container-runtime-endpoint",
        path=("containerRuntimeEndpoint",),
        text="The runtime's socket, unix:///path.  [default: the well-known sockets]",
    ),
    Flag(
        name="image-service-endpoint",
        path=("imageServiceEndpoint",),
        text="The image service's socket.  [default: the runtime's]",
    ),
    Flag(
        name="v",
        kind=Kind.INTEGER,
        path=("logging", "verbosity"),
        text="How much is logged: 0 what an operator needs, 2 every step and why, 4 calls on the "
        "runtime, 6 libraries too.  [default: 0]",
    ),
    Flag(
        name="log-format",
        path=("logging", "format"),
        text="text, for people or the journal, or json.  [default: text]",
    ),
    Flag(
        name="all-file-names",
        kind=Kind.BOOL,
        text="Take every file name but dotfiles for a manifest, as the kubelet does.",
    ),
    Flag(
        name="strict-manifests",
        kind=Kind.BOOL,
        text="Make unknown fields and duplicate keys in manifests errors.",
    ),
    Flag(
        name="socket",
        kind=Kind.PATH,
        text="The agent's own socket.  [default: below the root directory]",
    ),
)
_HIDDEN = (
    Flag(name="cgroup-driver", path=("cgroupDriver",)),
    Flag(name="cgroup-root", path=("cgroupRoot",)),
    Flag(name="cluster-dns", kind=Kind.LIST, path=("clusterDNS",)),
    Flag(name="cluster-domain", path=("clusterDomain",)),
    Flag(name="cpu-cfs-quota", kind=Kind.BOOL, path=("cpuCFSQuota",)),
    Flag(name="cpu-cfs-quota-period", kind=Kind.DURATION, path=("cpuCFSQuotaPeriod",)),
    Flag(name="feature-gates", kind=Kind.GATES, path=("featureGates",)),
    Flag(name="logging-format", path=("logging", "format")),
    Flag(name="pod-max-pids", kind=Kind.INTEGER, path=("podPidsLimit",)),
    Flag(name="registry-burst", kind=Kind.INTEGER, path=("registryBurst",)),
    Flag(name="registry-qps", kind=Kind.INTEGER, path=("registryPullQPS",)),
    Flag(name="resolv-conf", kind=Kind.PATH, path=("resolvConf",)),
    Flag(name="address", path=("address",)),
    Flag(name="anonymous-auth", kind=Kind.BOOL, path=("authentication", "anonymous", "enabled")),
    Flag(
        name="authentication-token-webhook",
        kind=Kind.BOOL,
        path=("authentication", "webhook", "enabled"),
    ),
    Flag(
        name="authentication-token-webhook-cache-ttl",
        kind=Kind.DURATION,
        path=("authentication", "webhook", "cacheTTL"),
    ),
    Flag(name="authorization-mode", path=("authorization", "mode")),
    Flag(
        name="authorization-webhook-cache-authorized-ttl",
        kind=Kind.DURATION,
        path=("authorization", "webhook", "cacheAuthorizedTTL"),
    ),
    Flag(
        name="authorization-webhook-cache-unauthorized-ttl",
        kind=Kind.DURATION,
        path=("authorization", "webhook", "cacheUnauthorizedTTL"),
    ),
    Flag(name="cert-dir", kind=Kind.PATH),
    Flag(
        name="client-ca-file",
        kind=Kind.PATH,
        path=("authentication", "x509", "clientCAFile"),
    ),
    Flag(name="enable-debugging-handlers", kind=Kind.BOOL, path=("enableDebuggingHandlers",)),
    Flag(name="enable-server", kind=Kind.BOOL, path=("enableServer",)),
    Flag(name="healthz-bind-address", path=("healthzBindAddress",)),
    Flag(name="healthz-port", kind=Kind.INTEGER, path=("healthzPort",)),
    Flag(name="port", kind=Kind.INTEGER, path=("port",)),
    Flag(name="read-only-port", kind=Kind.INTEGER, path=("readOnlyPort",)),
    Flag(name="tls-cert-file", kind=Kind.PATH, path=("tlsCertFile",)),
    Flag(name="tls-private-key-file", kind=Kind.PATH, path=("tlsPrivateKeyFile",)),
    Flag(name="tls-cipher-suites", kind=Kind.LIST, path=("tlsCipherSuites",)),
    Flag(name="tls-min-version", path=("tlsMinVersion",)),
    Flag(name="rotate-server-certificates", kind=Kind.BOOL, path=("serverTLSBootstrap",)),
    Flag(name="event-burst", kind=Kind.INTEGER, path=("eventBurst",)),
    Flag(name="event-qps", kind=Kind.INTEGER, path=("eventRecordQPS",)),
    Flag(name="eviction-hard", kind=Kind.THRESHOLDS, path=("evictionHard",)),
    Flag(
        name="eviction-pressure-transition-period",
        kind=Kind.DURATION,
        path=("evictionPressureTransitionPeriod",),
    ),
    Flag(name="kube-reserved", kind=Kind.PAIRS, path=("kubeReserved",)),
    Flag(name="max-pods", kind=Kind.INTEGER, path=("maxPods",)),
    Flag(name="node-labels", kind=Kind.PAIRS),
    Flag(name="node-status-max-images", kind=Kind.INTEGER, path=("nodeStatusMaxImages",)),
    Flag(
        name="node-status-update-frequency",
        kind=Kind.DURATION,
        path=("nodeStatusUpdateFrequency",),
    ),
    Flag(name="pods-per-core", kind=Kind.INTEGER, path=("podsPerCore",)),
    Flag(name="register-node", kind=Kind.BOOL, path=("registerNode",)),
    Flag(name="register-schedulable", kind=Kind.BOOL),
    Flag(name="register-with-taints", kind=Kind.TAINTS, path=("registerWithTaints",)),
    Flag(name="system-reserved", kind=Kind.PAIRS, path=("systemReserved",)),
    Flag(name="runonce", kind=Kind.BOOL, path=("runOnce",)),
    Flag(name="runtime-request-timeout", kind=Kind.DURATION, path=("runtimeRequestTimeout",)),
    Flag(name="seccomp-default", kind=Kind.BOOL, path=("seccompDefault",)),
    Flag(name="serialize-image-pulls", kind=Kind.BOOL, path=("serializeImagePulls",)),
)
_SWITCHES_WITHOUT_EFFECT = """
    cgroups-per-qos contention-profiling
    enable-controller-attach-detach
    exit-on-lock-contention experimental-allocatable-ignore-eviction fail-swap-on
    kernel-memcg-notification local-storage-capacity-isolation log-json-split-stream
    log-text-split-stream make-iptables-util-chains protect-kernel-defaults
    rotate-certificates
"""
_TEXTS_WITHOUT_EFFECT = """
    allowed-unsafe-sysctls
    bootstrap-kubeconfig cloud-config cloud-provider
    container-log-max-files container-log-max-size cpu-manager-policy
    cpu-manager-policy-options cpu-manager-reconcile-period enforce-node-allocatable
    eviction-max-pod-grace-period
    eviction-minimum-reclaim eviction-soft
    eviction-soft-grace-period experimental-mounter-path hairpin-mode
    image-credential-provider-bin-dir image-credential-provider-config
    image-gc-high-threshold image-gc-low-threshold kube-api-burst kube-api-content-type
    kube-api-qps kube-reserved-cgroup kubelet-cgroups lock-file
    log-flush-frequency log-json-info-buffer-size log-text-info-buffer-size
    max-open-files maximum-dead-containers maximum-dead-containers-per-container
    memory-manager-policy minimum-container-ttl-duration minimum-image-ttl-duration
    oom-score-adj pod-cidr
    pod-infra-container-image provider-id qos-reserved
    reserved-cpus reserved-memory runtime-cgroups
    streaming-connection-idle-timeout system-cgroups system-reserved-cgroup
    topology-manager-policy topology-manager-policy-options topology-manager-scope vmodule
    volume-plugin-dir volume-stats-agg-period
"""


def _without_effect() -> Iterator[Flag]:
    for name in _SWITCHES_WITHOUT_EFFECT.split():
        yield Flag(name=name, kind=Kind.BOOL, effective=False)
    for name in _TEXTS_WITHOUT_EFFECT.split():
        yield Flag(name=name, effective=False)


FLAGS: Mapping[str, Flag] = {flag.name: flag for flag in (*_SHOWN, *_HIDDEN, *_without_effect())}
