"""The kubelet's configuration type, as data: every field of KubeletConfiguration and its type.

`kubelet.config.k8s.io/v1beta1` as of Kubernetes 1.36, nested types included, so that a file made
for the kubelet is read whole: what exists is accepted, what does not is an error. Which of the
fields have an effect here is said in `effective`; the rest is accepted and named once at start.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

API_VERSION = "kubelet.config.k8s.io/v1beta1"
KIND = "KubeletConfiguration"


class Scalar(enum.Enum):
    """The types of single values; the text names what to write."""

    STRING = "a string"
    PATH = "a path (a string)"
    BOOL = "true or false"
    INT32 = "a whole number between -2147483648 and 2147483647"
    INT64 = "a whole number between -9223372036854775808 and 9223372036854775807"
    UINT32 = "a whole number between 0 and 4294967295"
    FLOAT = "a number"
    DURATION = 'a duration in quotes, such as "30s" or "1m30s"'
    DURATION_OR_NANOSECONDS = 'a duration, such as "5s", or a whole number of nanoseconds'
    QUANTITY = 'a quantity, such as "100Mi" or "500m"'
    TIME = 'a time, such as "2026-01-31T12:00:00Z"'


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items are all of one type."""

    item: Type


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map from free keys to values of one type."""

    value: Type


@dataclass(frozen=True, slots=True)
class Struct:
    """An object with fixed fields."""

    fields: Mapping[str, Type]


Type: TypeAlias = Scalar | ListOf | MapOf | Struct


def _each(kind: Type, names: str) -> dict[str, Type]:
    return dict.fromkeys(names.split(), kind)


_STRINGS = ListOf(Scalar.STRING)
_STRING_MAP = MapOf(Scalar.STRING)

_AUTHENTICATION = Struct(
    {
        "x509": Struct({"clientCAFile": Scalar.PATH}),
        "webhook": Struct({"enabled": Scalar.BOOL, "cacheTTL": Scalar.DURATION}),
        "anonymous": Struct({"enabled": Scalar.BOOL}),
    }
)
_AUTHORIZATION = Struct(
    {
        "mode": Scalar.STRING,
        "webhook": Struct(_each(Scalar.DURATION, "cacheAuthorizedTTL cacheUnauthorizedTTL")),
    }
)
_LOG_ROUTING = Struct({"splitStream": Scalar.BOOL, "infoBufferSize": Scalar.QUANTITY})
_LOGGING = Struct(
    {
        "format": Scalar.STRING,
        "flushFrequency": Scalar.DURATION_OR_NANOSECONDS,
        "verbosity": Scalar.UINT32,
        "vmodule": ListOf(
            Struct({"filePattern": Scalar.STRING, "verbosity": Scalar.UINT32}),
        ),
        "options": Struct({"text": _LOG_ROUTING, "json": _LOG_ROUTING}),
    }
)
_TAINT = Struct({**_each(Scalar.STRING, "key value effect"), "timeAdded": Scalar.TIME})
_SHUTDOWN_BY_PRIORITY = Struct(
    {"priority": Scalar.INT32, "shutdownGracePeriodSeconds": Scalar.INT64}
)
_MEMORY_RESERVATION = Struct({"numaNode": Scalar.INT32, "limits": MapOf(Scalar.QUANTITY)})
_TRACING = Struct({"endpoint": Scalar.STRING, "samplingRatePerMillion": Scalar.INT32})

CONFIGURATION = Struct(
    {
        **_each(
            Scalar.BOOL,
            """
            cgroupsPerQOS cpuCFSQuota enableContentionProfiling enableControllerAttachDetach
            enableDebugFlagsHandler enableDebuggingHandlers enableProfilingHandler enableServer
            enableSystemLogHandler enableSystemLogQuery failCgroupV1 failSwapOn
            kernelMemcgNotification localStorageCapacityIsolation makeIPTablesUtilChains
            mergeDefaultEvictionSettings protectKernelDefaults registerNode rotateCertificates
            runOnce seccompDefault serializeImagePulls serverTLSBootstrap singleProcessOOMKill
            """,
        ),
        **_each(
            Scalar.INT32,
            """
            containerLogMaxFiles containerLogMaxWorkers eventBurst eventRecordQPS
            evictionMaxPodGracePeriod healthzPort imageGCHighThresholdPercent
            imageGCLowThresholdPercent iptablesDropBit iptablesMasqueradeBit kubeAPIBurst
            kubeAPIQPS maxParallelImagePulls maxPods nodeLeaseDurationSeconds
            nodeStatusMaxImages oomScoreAdj podsPerCore port readOnlyPort registryBurst
            registryPullQPS
            """,
        ),
        **_each(Scalar.INT64, "maxOpenFiles podPidsLimit"),
        **_each(
            Scalar.DURATION,
            """
            containerLogMonitorInterval cpuCFSQuotaPeriod cpuManagerReconcilePeriod
            draManagerReconcilePeriod evictionPressureTransitionPeriod fileCheckFrequency
            httpCheckFrequency imageMaximumGCAge imageMinimumGCAge nodeStatusReportFrequency
            nodeStatusUpdateFrequency runtimeRequestTimeout shutdownGracePeriod
            shutdownGracePeriodCriticalPods streamingConnectionIdleTimeout syncFrequency
            volumeStatsAggPeriod
            """,
        ),
        **_each(
            Scalar.PATH,
            "podLogsDir resolvConf staticPodPath tlsCertFile tlsPrivateKeyFile volumePluginDir",
        ),
        **_each(
            Scalar.STRING,
            """
            address cgroupDriver cgroupRoot clusterDomain
            configMapAndSecretChangeDetectionStrategy containerLogMaxSize
            containerRuntimeEndpoint contentType cpuManagerPolicy hairpinMode
            healthzBindAddress imagePullCredentialsVerificationPolicy imageServiceEndpoint
            kubeReservedCgroup kubeletCgroups memoryManagerPolicy memoryReservationPolicy
            podCIDR providerID reservedSystemCPUs showHiddenMetricsForVersion staticPodURL
            systemCgroups systemReservedCgroup tlsMinVersion topologyManagerPolicy
            topologyManagerScope
            """,
        ),
        **_each(
            _STRINGS,
            """
            allowedUnsafeSysctls clusterDNS enforceNodeAllocatable
            preloadedImagesVerificationAllowlist tlsCipherSuites
            """,
        ),
        **_each(
            _STRING_MAP,
            """
            cpuManagerPolicyOptions evictionHard evictionMinimumReclaim evictionSoft
            evictionSoftGracePeriod kubeReserved qosReserved systemReserved
            topologyManagerPolicyOptions
            """,
        ),
        "authentication": _AUTHENTICATION,
        "authorization": _AUTHORIZATION,
        "crashLoopBackOff": Struct({"maxContainerRestartPeriod": Scalar.DURATION}),
        "featureGates": MapOf(Scalar.BOOL),
        "logging": _LOGGING,
        "memorySwap": Struct({"swapBehavior": Scalar.STRING}),
        "memoryThrottlingFactor": Scalar.FLOAT,
        "registerWithTaints": ListOf(_TAINT),
        "reservedMemory": ListOf(_MEMORY_RESERVATION),
        "shutdownGracePeriodByPodPriority": ListOf(_SHUTDOWN_BY_PRIORITY),
        "staticPodURLHeader": MapOf(_STRINGS),
        "tlsCurvePreferences": ListOf(Scalar.INT32),
        "tracing": _TRACING,
        "userNamespaces": Struct({"idsPerPod": Scalar.INT64}),
    }
)
