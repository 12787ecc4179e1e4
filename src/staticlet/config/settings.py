"""The settings of the agent, as values: what the rest of staticlet reads.

`load` makes one of these from the configuration file, its drop-ins and the flags. Names follow the
kubelet's configuration fields, in Python's spelling; durations are seconds, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from staticlet.config import nodetexts, tlsrules


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the agent can be told.

    Attributes:
        node_name: `--hostname-override` or the host name, trimmed, lower case.
        node_ips: `--node-ip`; empty means: find the address of the default route.
        static_pod_path: The manifest directory or file; None for no file source.
        static_pod_url: The manifest URL; empty for no URL source.
        static_pod_url_headers: Each header with all its values.
        all_file_names: Take every file name but dotfiles for a manifest, as the kubelet does.
        strict_manifests: Unknown fields and duplicate keys are errors, not warnings.
        runtime_endpoint: The CRI endpoint, `unix:///…`; empty means: the well-known sockets.
        image_endpoint: The same for images; empty means: the runtime's.
        socket: Where the agent answers the command line; None means: below the root directory.
        max_container_restart_period_s: The longest crash back-off.
        initial_container_restart_period_s: The first crash back-off.
        max_parallel_image_pulls: How many pulls run at once; 1 is the kubelet's serial default,
            0 is no bound.
        registry_pull_qps: How many pulls start a second on average; 0 is no bound.
        cgroup_driver: What is used where the runtime does not tell.
        enable_server: Whether the kubelet's API is served on `address` and `port`.
        read_only_port: Where what is no secret is served to anyone; 0 for nowhere.
        healthz_port: Where `/healthz` is answered in plain HTTP; 0 for nowhere.
        enable_debugging_handlers: Whether logs may be read through the kubelet's API.
        tls_cert_file: The certificate of the kubelet's API; None for one that is made here.
        tls_min_version: The oldest version of TLS that it offers, in the kubelet's words.
        tls_cipher_suites: The suites that it offers below TLS 1.3; empty for the usual ones.
        cert_dir: Where that one is kept; None means: `pki` below the root directory.
        client_ca_file: Whose client certificates the kubelet's API believes; None for nobody's.
        webhook_auth: Whether bearer tokens are reviewed by the API server.
        webhook_auth_cache_s: How long an answer to that is taken for true.
        authorization_mode: `Webhook` (the API server decides) or `AlwaysAllow`.
        authorized_cache_s: How long a permission is taken for true.
        unauthorized_cache_s: How long a refusal is.
        kubeconfig: How the API server is reached; None for no API server.
        node_labels: `--node-labels`: what the Node is registered with beside the usual labels.
        register_schedulable: Whether the Node is open for pods when it is registered.
        register_node: Whether the Node is made when it is not there.
        register_with_taints: The taints that it is made with: key, value and effect.
        node_status_update_frequency_s: How often the Node's status is computed.
        node_status_report_frequency_s: How often it is sent although nothing has changed.
        node_lease_duration_s: How long the Node counts as alive after a sign of life.
        node_status_max_images: How many images its status names; -1 is no bound.
        event_record_qps: How many events a second are sent to the API server; 0 is no bound.
        event_burst: How many events may be sent at once.
        pods_per_core: A bound on pods for each CPU beside `max_pods`; 0 is none.
        kube_reserved: What of the machine is kept from pods, as quantities by resource.
        system_reserved: The same once more.
        eviction_hard: Below what the node is under pressure, by signal: `100Mi` or `10%`.
        merge_default_eviction_settings: Whether signals that are left out have their defaults.
        eviction_pressure_transition_period_s: How long it stays under pressure at least.
        verbosity: `--v`: how much is logged.
        log_format: `--log-format`: `text` or `json`.
    """

    node_name: str
    root_dir: Path = Path("/var/lib/kubelet")
    node_ips: tuple[str, ...] = ()
    static_pod_path: Path | None = Path("/etc/kubernetes/manifests")
    static_pod_url: str = ""
    static_pod_url_headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    file_check_frequency_s: float = 20.0
    http_check_frequency_s: float = 20.0
    sync_frequency_s: float = 60.0
    all_file_names: bool = False
    strict_manifests: bool = False
    runtime_endpoint: str = ""
    image_endpoint: str = ""
    socket: Path | None = None
    runtime_request_timeout_s: float = 120.0
    pod_logs_dir: Path = Path("/var/log/pods")
    container_logs_dir: Path = Path("/var/log/containers")
    cluster_dns: tuple[str, ...] = ()
    cluster_domain: str = ""
    resolv_conf: Path | None = Path("/etc/resolv.conf")
    serialize_image_pulls: bool = True
    max_parallel_image_pulls: int = 1
    registry_pull_qps: float = 5.0
    registry_burst: int = 10
    initial_container_restart_period_s: float = 10.0
    max_container_restart_period_s: float = 300.0
    cgroup_driver: str = "cgroupfs"
    cgroup_root: str = ""
    pod_pids_limit: int = -1
    cpu_cfs_quota: bool = True
    cpu_cfs_quota_period_us: int = 100_000
    seccomp_default: bool = False
    enable_server: bool = True
    address: str = "0.0.0.0"  # noqa: S104  as the kubelet does: TLS, and nobody without a right
    port: int = 10250
    read_only_port: int = 0
    healthz_bind_address: str = "127.0.0.1"
    healthz_port: int = 10248
    enable_debugging_handlers: bool = True
    tls_cert_file: Path | None = None
    tls_private_key_file: Path | None = None
    tls_min_version: str = tlsrules.OLDEST
    tls_cipher_suites: tuple[str, ...] = ()
    cert_dir: Path | None = None
    client_ca_file: Path | None = None
    anonymous_auth: bool = False
    webhook_auth: bool = True
    webhook_auth_cache_s: float = 120.0
    authorization_mode: str = "Webhook"
    authorized_cache_s: float = 300.0
    unauthorized_cache_s: float = 30.0
    kubeconfig: Path | None = None
    node_labels: Mapping[str, str] = field(default_factory=dict)
    register_schedulable: bool = True
    register_node: bool = True
    register_with_taints: tuple[Mapping[str, str], ...] = ()
    node_status_update_frequency_s: float = 10.0
    node_status_report_frequency_s: float = 300.0
    node_lease_duration_s: int = 40
    node_status_max_images: int = 50
    event_record_qps: int = 50
    event_burst: int = 100
    max_pods: int = 110
    pods_per_core: int = 0
    kube_reserved: Mapping[str, str] = field(default_factory=dict)
    system_reserved: Mapping[str, str] = field(default_factory=dict)
    eviction_hard: Mapping[str, str] = field(default_factory=lambda: nodetexts.EVICTION_HARD)
    merge_default_eviction_settings: bool = False
    eviction_pressure_transition_period_s: float = 300.0
    verbosity: int = 0
    log_format: str = "text"
