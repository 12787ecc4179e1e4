"""What values a configuration may have, beyond their types: the kubelet's own validation.

Follows `ValidateKubeletConfiguration` for ranges, for fields that exclude each other and for
fields that need a feature gate. Fields without an effect here are held to their ranges too: what
passes here should not fail the day the same file is given to a kubelet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from staticlet.config import tlsrules
from staticlet.config.layer import Stack
from staticlet.kube import duration, fieldpath
from staticlet.kube.finding import Finding, Severity

_INT32 = (1 << 31) - 1
_PORT = (0, 65535)

_RANGES: Mapping[str, tuple[int, int]] = {
    "containerLogMaxFiles": (2, _INT32),
    "containerLogMaxWorkers": (1, _INT32),
    "eventBurst": (0, _INT32),
    "eventRecordQPS": (0, _INT32),
    "healthzPort": _PORT,
    "imageGCHighThresholdPercent": (0, 100),
    "imageGCLowThresholdPercent": (0, 100),
    "iptablesDropBit": (0, 31),
    "iptablesMasqueradeBit": (0, 31),
    "kubeAPIBurst": (0, _INT32),
    "kubeAPIQPS": (0, _INT32),
    "maxParallelImagePulls": (1, _INT32),
    "maxPods": (0, _INT32),
    "nodeLeaseDurationSeconds": (0, _INT32),
    "nodeStatusMaxImages": (-1, _INT32),
    "oomScoreAdj": (-1000, 1000),
    "podsPerCore": (0, _INT32),
    "port": _PORT,
    "readOnlyPort": _PORT,
    "registryBurst": (0, _INT32),
    "registryPullQPS": (0, _INT32),
}
_NOT_NEGATIVE = (
    "fileCheckFrequency",
    "evictionPressureTransitionPeriod",
    "httpCheckFrequency",
    "imageMaximumGCAge",
    "imageMinimumGCAge",
    "nodeStatusReportFrequency",
    "nodeStatusUpdateFrequency",
    "runtimeRequestTimeout",
    "shutdownGracePeriod",
    "shutdownGracePeriodCriticalPods",
    "syncFrequency",
)
_DURATIONS: Mapping[tuple[str, ...], tuple[str, str]] = {
    ("cpuCFSQuotaPeriod",): ("1ms", "1s"),
    ("crashLoopBackOff", "maxContainerRestartPeriod"): ("1s", "300s"),
}
_CHOICES: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("authorization", "mode"): ("AlwaysAllow", "Webhook"),
    ("cgroupDriver",): ("cgroupfs", "systemd"),
    ("hairpinMode",): ("promiscuous-bridge", "hairpin-veth", "none"),
    ("imagePullCredentialsVerificationPolicy",): (
        "NeverVerify",
        "NeverVerifyPreloadedImages",
        "NeverVerifyAllowlistedImages",
        "AlwaysVerify",
    ),
    ("logging", "format"): ("text", "json"),
    ("memoryReservationPolicy",): ("None", "TieredReservation"),
    ("memorySwap", "swapBehavior"): ("NoSwap", "LimitedSwap"),
    ("topologyManagerPolicy",): ("none", "best-effort", "restricted", "single-numa-node"),
    ("topologyManagerScope",): ("container", "pod"),
}


def check(stack: Stack) -> Iterator[Finding]:
    """Yield what is out of bounds in the sum of all layers, against the layer that says it."""
    yield from _against_layers(stack, _violations(stack), Severity.ERROR)
    yield from _against_layers(stack, tlsrules.warnings(stack), Severity.WARNING)


def _against_layers(
    stack: Stack, found: Iterable[tuple[fieldpath.Path, str]], severity: Severity
) -> Iterator[Finding]:
    for path, message in found:
        layer = stack.setter(path)
        if layer is not None:
            yield layer.error(path, message, severity)


def _violations(stack: Stack) -> Iterator[tuple[fieldpath.Path, str]]:
    yield from _ranges(stack)
    yield from _durations(stack)
    yield from _choices(stack)
    yield from _gated(stack)
    yield from tlsrules.errors(stack)
    certificate, key = stack.get(("tlsCertFile",)), stack.get(("tlsPrivateKeyFile",))
    if bool(certificate) is not bool(key):
        path, other = ("tlsCertFile", "tlsPrivateKeyFile")[:: 1 if certificate else -1]
        yield (path,), f"does not go alone: set {other}, too"
    if stack.get(("runOnce",)):
        yield ("runOnce",), "run-once mode is no longer supported: remove the field"
    most = stack.get(("maxParallelImagePulls",)) or 1
    if stack.get(("serializeImagePulls",)) and most > 1:
        yield (
            ("maxParallelImagePulls",),
            f"may not be {most} while serializeImagePulls is true: set that to false",
        )


def _ranges(stack: Stack) -> Iterator[tuple[fieldpath.Path, str]]:
    for name, (low, high) in _RANGES.items():
        value = stack.get((name,))
        if value is None or low <= value <= high:
            continue
        bounds = f"at least {low}" if high == _INT32 else f"between {low} and {high}"
        yield (name,), f"must be {bounds}, not {value}"


def _durations(stack: Stack) -> Iterator[tuple[fieldpath.Path, str]]:
    for name in _NOT_NEGATIVE:
        text = stack.get((name,))
        if text is not None and duration.parse(text) < 0:
            yield (name,), f"must not be negative, as {text} is"
    for path, (low, high) in _DURATIONS.items():
        text = stack.get(path)
        if text is None or duration.parse(low) <= duration.parse(text) <= duration.parse(high):
            continue
        yield path, f"must be between {low} and {high}, not {text}"


def _choices(stack: Stack) -> Iterator[tuple[fieldpath.Path, str]]:
    for path, choices in _CHOICES.items():
        value = stack.get(path)
        if value and value not in choices:
            yield path, f'must be one of {", ".join(choices)}, not "{value}"'


def _gated(stack: Stack) -> Iterator[tuple[fieldpath.Path, str]]:
    period = stack.get(("cpuCFSQuotaPeriod",))
    custom = gate(stack, "CustomCPUCFSQuotaPeriod")
    if period and duration.parse(period) != 100 * duration.MILLISECOND and not custom:
        gate_line = "featureGates.CustomCPUCFSQuotaPeriod to true"
        yield ("cpuCFSQuotaPeriod",), f"other than 100ms needs a feature gate: set {gate_line}"
    longest: Any = ("crashLoopBackOff", "maxContainerRestartPeriod")
    if stack.get(longest) is not None and not gate(stack, "KubeletCrashLoopBackOffMax"):
        yield longest, "may not be set while featureGates.KubeletCrashLoopBackOffMax is false"


GATES: Mapping[str, bool] = {
    "CustomCPUCFSQuotaPeriod": False,
    "KubeletCrashLoopBackOffMax": True,
    "ReduceDefaultCrashLoopBackOffDecay": False,
}
"""The feature gates that mean something here, with their defaults in Kubernetes 1.36."""


def gate(stack: Stack, name: str) -> bool:
    """Whether a feature gate is on."""
    value: bool | None = stack.get(("featureGates", name))
    return GATES[name] if value is None else value
