"""Makes the settings: built-in defaults, the file, its drop-ins, the flags; later ones win.

All that is wrong is gathered and reported together, each with its file, line and column. Nothing
is half applied: either everything holds or there are no settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from staticlet.config import check, dropins, effective, flagonly, flags, layer, limits
from staticlet.config.effective import Value
from staticlet.config.layer import Layer, Stack
from staticlet.config.settings import Settings
from staticlet.kube import duration, fieldpath
from staticlet.kube.finding import Finding, Severity


class ConfigError(Exception):
    """The configuration does not hold.

    Attributes:
        findings: Everything that is wrong, files first, in their order.
    """

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Ineffective:
    """Something of the kubelet's that is accepted and does nothing here.

    Attributes:
        name: The field, or the flag with its dashes.
        origin: Where it was set.
    """

    name: str
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings and where they came from.

    Attributes:
        settings: What the agent reads.
        values: The same by the kubelet's names, each with its origin, for people.
        findings: Warnings; errors are raised.
        ineffective: What was set and does nothing here.
    """

    settings: Settings
    values: tuple[Value, ...]
    findings: tuple[Finding, ...]
    ineffective: tuple[Ineffective, ...]

    @property
    def origins(self) -> Mapping[str, str]:
        """Where each value came from, by field."""
        return {value.field: value.origin for value in self.values}


def load(given: flags.Given, *, host_name: str, directory: Path) -> Loaded:
    """Read the configuration that the flags name, and lay the flags on it.

    Args:
        given: The flags that were given, by name without dashes, each with its texts in order.
        host_name: The machine's name, for the node's when no flag overrides it.
        directory: What relative paths in flags start at: the working directory.

    Raises:
        ConfigError: something is wrong.
    """
    findings: list[Finding] = []
    layers = [*_files(given, directory, findings)]
    from_flags, unread = flags.layers(given, directory=directory)
    findings += unread
    layers += from_flags
    clean = []
    for one in layers:
        kept, misfits = check.clean(one)
        clean.append(kept)
        findings += misfits
    stack = layer.stack(clean)
    findings += limits.check(stack)
    findings += effective.check(stack)
    own, wrong = flagonly.values(given, host_name=host_name, directory=directory)
    findings += wrong
    errors = [one for one in findings if one.severity is Severity.ERROR]
    if errors:
        raise ConfigError(_ordered(errors, [one.source for one in layers]))
    values = effective.values(stack)
    return Loaded(
        settings=_settings(values, own),
        values=(*own, *values),
        findings=tuple(findings),
        ineffective=(*_ineffective_fields(stack), *_ineffective_flags(given)),
    )


def _files(given: flags.Given, directory: Path, findings: list[Finding]) -> Iterator[Layer]:
    """The layers of the file and the drop-ins; what is wrong goes to `findings`."""
    if given.get("config"):
        yield from _file(Path(given["config"][-1]), directory, findings)
    if not given.get("config-dir"):
        return
    where = Path(given["config-dir"][-1])
    try:
        paths, lookalikes = dropins.find(directory / where)
    except OSError as error:
        message = f"cannot list the drop-ins: {_reason(error)}"
        findings.append(_error(str(where), message))
        return
    findings += map(_lookalike, lookalikes)
    for path in paths:
        yield from _file(where / path.relative_to(directory / where), directory, findings)


def _lookalike(path: Path) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        source=str(path),
        message=f"is not read: the name of a drop-in ends in {dropins.SUFFIX}",
    )


def _file(path: Path, directory: Path, findings: list[Finding]) -> Iterator[Layer]:
    absolute = directory / path
    try:
        content = absolute.read_bytes()
    except OSError as error:
        findings.append(_error(str(path), f"cannot be read: {_reason(error)}"))
        return
    decoded, problems = layer.decode(str(path), content, absolute.parent)
    findings += problems
    if decoded is not None:
        yield decoded


def _error(source: str, message: str) -> Finding:
    return Finding(severity=Severity.ERROR, source=source, message=message)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _ordered(findings: list[Finding], sources: list[str]) -> tuple[Finding, ...]:
    """Sort by file in the order of reading, then by position; each finding once."""
    place = {source: index for index, source in reversed(list(enumerate(sources)))}

    def key(one: Finding) -> tuple[int, int, int]:
        at = one.position
        rank = place.get(one.source, len(sources) if one.source.startswith("flag ") else -1)
        return (rank, at.line if at else 0, at.column if at else 0)

    return tuple(sorted(dict.fromkeys(findings), key=key))


def _ineffective_fields(stack: Stack) -> Iterator[Ineffective]:
    for path in effective.ineffective(stack):
        yield Ineffective(name=fieldpath.render(path), origin=stack.origin(path))


def _ineffective_flags(given: flags.Given) -> Iterator[Ineffective]:
    for name in flags.without_effect(given):
        yield Ineffective(name=name, origin="command line")


def _settings(values: tuple[Value, ...], own: tuple[Value, ...]) -> Settings:
    of = {value.field: value.value for value in (*values, *own)}
    reduced = of["featureGates.ReduceDefaultCrashLoopBackOffDecay"]
    longest = _seconds(of["crashLoopBackOff.maxContainerRestartPeriod"])
    return Settings(
        node_name=of["nodeName"],
        node_ips=tuple(of["nodeIP"]),
        root_dir=Path(of["rootDir"]),
        static_pod_path=_path(of["staticPodPath"]),
        static_pod_url=of["staticPodURL"],
        static_pod_url_headers={
            name: tuple(texts) for name, texts in of["staticPodURLHeader"].items()
        },
        file_check_frequency_s=_seconds(of["fileCheckFrequency"]),
        http_check_frequency_s=_seconds(of["httpCheckFrequency"]),
        sync_frequency_s=_seconds(of["syncFrequency"]),
        all_file_names=of["allFileNames"],
        strict_manifests=of["strictManifests"],
        runtime_endpoint=_endpoint(of["containerRuntimeEndpoint"]),
        image_endpoint=_endpoint(of["imageServiceEndpoint"]),
        socket=_path(of["socket"]),
        runtime_request_timeout_s=_seconds(of["runtimeRequestTimeout"]),
        pod_logs_dir=Path(of["podLogsDir"]),
        cluster_dns=tuple(of["clusterDNS"]),
        cluster_domain=of["clusterDomain"],
        resolv_conf=_path(of["resolvConf"]),
        serialize_image_pulls=of["serializeImagePulls"],
        max_parallel_image_pulls=of["maxParallelImagePulls"],
        registry_pull_qps=float(of["registryPullQPS"]),
        registry_burst=of["registryBurst"],
        initial_container_restart_period_s=min(1.0 if reduced else 10.0, longest),
        max_container_restart_period_s=longest,
        cgroup_driver=of["cgroupDriver"],
        cgroup_root=of["cgroupRoot"],
        pod_pids_limit=of["podPidsLimit"],
        cpu_cfs_quota=of["cpuCFSQuota"],
        cpu_cfs_quota_period_us=duration.parse(of["cpuCFSQuotaPeriod"]) // duration.MICROSECOND,
        seccomp_default=of["seccompDefault"],
        enable_server=of["enableServer"],
        address=of["address"],
        port=of["port"],
        read_only_port=of["readOnlyPort"],
        healthz_bind_address=of["healthzBindAddress"],
        healthz_port=of["healthzPort"],
        enable_debugging_handlers=of["enableDebuggingHandlers"],
        tls_cert_file=_path(of["tlsCertFile"]),
        tls_private_key_file=_path(of["tlsPrivateKeyFile"]),
        tls_min_version=of["tlsMinVersion"],
        tls_cipher_suites=tuple(of["tlsCipherSuites"]),
        cert_dir=_path(of["certDir"]),
        client_ca_file=_path(of["authentication.x509.clientCAFile"]),
        anonymous_auth=of["authentication.anonymous.enabled"],
        webhook_auth=of["authentication.webhook.enabled"],
        webhook_auth_cache_s=_seconds(of["authentication.webhook.cacheTTL"]),
        authorization_mode=of["authorization.mode"],
        authorized_cache_s=_seconds(of["authorization.webhook.cacheAuthorizedTTL"]),
        unauthorized_cache_s=_seconds(of["authorization.webhook.cacheUnauthorizedTTL"]),
        kubeconfig=_path(of["kubeconfig"]),
        node_labels=of["nodeLabels"],
        register_schedulable=of["registerSchedulable"],
        register_node=of["registerNode"],
        register_with_taints=tuple(of["registerWithTaints"]),
        node_status_update_frequency_s=_seconds(of["nodeStatusUpdateFrequency"]),
        node_status_report_frequency_s=_seconds(of["nodeStatusReportFrequency"]),
        node_lease_duration_s=of["nodeLeaseDurationSeconds"],
        node_status_max_images=of["nodeStatusMaxImages"],
        event_record_qps=of["eventRecordQPS"],
        event_burst=of["eventBurst"],
        max_pods=of["maxPods"],
        pods_per_core=of["podsPerCore"],
        kube_reserved=of["kubeReserved"],
        system_reserved=of["systemReserved"],
        eviction_hard=of["evictionHard"],
        merge_default_eviction_settings=of["mergeDefaultEvictionSettings"],
        eviction_pressure_transition_period_s=_seconds(of["evictionPressureTransitionPeriod"]),
        verbosity=of["logging.verbosity"],
        log_format=of["logging.format"],
    )


def _seconds(text: str) -> float:
    return duration.seconds(duration.parse(text))


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _endpoint(text: str) -> str:
    """An endpoint as `unix:///path`; the kubelet takes a bare path and `unix:/path`, too."""
    return "unix://" + re.sub(r"^unix:(//)?", "", text) if text else ""
