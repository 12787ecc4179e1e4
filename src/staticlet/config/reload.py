"""Which settings may change while the agent runs, and what follows of a new configuration.

A pure decision: `changes` compares what holds with what was loaded. What may change takes effect;
what may not keeps its value and is named, so that nobody waits for something that never comes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from staticlet.config.settings import Settings

LIVE: Mapping[str, str] = {
    "static_pod_path": "staticPodPath",
    "static_pod_url": "staticPodURL",
    "static_pod_url_headers": "staticPodURLHeader",
    "file_check_frequency_s": "fileCheckFrequency",
    "http_check_frequency_s": "httpCheckFrequency",
    "sync_frequency_s": "syncFrequency",
    "all_file_names": "allFileNames",
    "strict_manifests": "strictManifests",
    "cluster_dns": "clusterDNS",
    "cluster_domain": "clusterDomain",
    "resolv_conf": "resolvConf",
    "serialize_image_pulls": "serializeImagePulls",
    "max_parallel_image_pulls": "maxParallelImagePulls",
    "registry_pull_qps": "registryPullQPS",
    "registry_burst": "registryBurst",
    "initial_container_restart_period_s": "featureGates.ReduceDefaultCrashLoopBackOffDecay",
    "max_container_restart_period_s": "crashLoopBackOff.maxContainerRestartPeriod",
    "verbosity": "logging.verbosity",
    "log_format": "logging.format",
}
"""The settings that may change while the agent runs, with the names that people know."""

FIXED: Mapping[str, str] = {
    "node_name": "nodeName",
    "node_ips": "nodeIP",
    "root_dir": "rootDir",
    "socket": "socket",
    "runtime_endpoint": "containerRuntimeEndpoint",
    "image_endpoint": "imageServiceEndpoint",
    "runtime_request_timeout_s": "runtimeRequestTimeout",
    "pod_logs_dir": "podLogsDir",
    "container_logs_dir": "containerLogsDir",
    "cgroup_driver": "cgroupDriver",
    "cgroup_root": "cgroupRoot",
    "pod_pids_limit": "podPidsLimit",
    "cpu_cfs_quota": "cpuCFSQuota",
    "cpu_cfs_quota_period_us": "cpuCFSQuotaPeriod",
    "seccomp_default": "seccompDefault",
    "enable_server": "enableServer",
    "address": "address",
    "port": "port",
    "read_only_port": "readOnlyPort",
    "healthz_bind_address": "healthzBindAddress",
    "healthz_port": "healthzPort",
    "enable_debugging_handlers": "enableDebuggingHandlers",
    "tls_cert_file": "tlsCertFile",
    "tls_private_key_file": "tlsPrivateKeyFile",
    "tls_min_version": "tlsMinVersion",
    "tls_cipher_suites": "tlsCipherSuites",
    "cert_dir": "certDir",
    "kubeconfig": "kubeconfig",
    "node_labels": "nodeLabels",
    "register_schedulable": "registerSchedulable",
    "register_node": "registerNode",
    "register_with_taints": "registerWithTaints",
    "node_status_update_frequency_s": "nodeStatusUpdateFrequency",
    "node_status_report_frequency_s": "nodeStatusReportFrequency",
    "node_lease_duration_s": "nodeLeaseDurationSeconds",
    "node_status_max_images": "nodeStatusMaxImages",
    "event_record_qps": "eventRecordQPS",
    "event_burst": "eventBurst",
    "max_pods": "maxPods",
    "pods_per_core": "podsPerCore",
    "kube_reserved": "kubeReserved",
    "system_reserved": "systemReserved",
    "eviction_hard": "evictionHard",
    "merge_default_eviction_settings": "mergeDefaultEvictionSettings",
    "eviction_pressure_transition_period_s": "evictionPressureTransitionPeriod",
    "client_ca_file": "authentication.x509.clientCAFile",
    "anonymous_auth": "authentication.anonymous.enabled",
    "webhook_auth": "authentication.webhook.enabled",
    "webhook_auth_cache_s": "authentication.webhook.cacheTTL",
    "authorization_mode": "authorization.mode",
    "authorized_cache_s": "authorization.webhook.cacheAuthorizedTTL",
    "unauthorized_cache_s": "authorization.webhook.cacheUnauthorizedTTL",
}
"""The settings that hold until the agent is started again: what runs was made with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A setting that was changed and keeps its value."""

    name: str
    value: Any
    asked: Any

    def __str__(self) -> str:
        return f"{self.name} stays {_shown(self.value)} (not {_shown(self.asked)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What follows of a new configuration.

    Attributes:
        settings: What holds from now on.
        applied: The names of the settings that have changed in it.
        kept: What was changed and needs a new start.
    """

    settings: Settings
    applied: tuple[str, ...]
    kept: tuple[Kept, ...]


def changes(old: Settings, new: Settings) -> Changes:
    """Decide what of a new configuration takes effect."""
    differing = [
        each.name
        for each in dataclasses.fields(Settings)
        if getattr(old, each.name) != getattr(new, each.name)
    ]
    live = {name: getattr(new, name) for name in differing if name in LIVE}
    return Changes(
        settings=dataclasses.replace(old, **live),
        applied=tuple(LIVE[name] for name in live),
        kept=tuple(
            Kept(name=FIXED[name], value=getattr(old, name), asked=getattr(new, name))
            for name in differing
            if name in FIXED
        ),
    )


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "empty"
    return "unset" if value in ("", None) else str(value)
