"""Kubernetes' own types, under the names the rest of staticlet uses.

They come from lightkube-models: msgspec structs generated from the Kubernetes OpenAPI schema,
with every field optional where the API has it optional. This module is the one place that
imports them, so that a change of library is a change of one file.

An object travels as a plain dict through `manifest`, `defaults` and `validate` (which the
embedded API server shares, and which must lose nothing), and as one of these structs from there
on. Treat them as values: copy with `msgspec.structs.replace`, never assign.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from staticlet.kube import modelsonly

with modelsonly.entered():
    from lightkube.models import core_v1, meta_v1

AppArmorProfile = core_v1.AppArmorProfile
Binding = core_v1.Binding
Capabilities = core_v1.Capabilities
ConfigMap = core_v1.ConfigMap
Container = core_v1.Container
ContainerPort = core_v1.ContainerPort
ContainerState = core_v1.ContainerState
ContainerStateRunning = core_v1.ContainerStateRunning
ContainerStateTerminated = core_v1.ContainerStateTerminated
ContainerStateWaiting = core_v1.ContainerStateWaiting
ContainerStatus = core_v1.ContainerStatus
DeleteOptions = meta_v1.DeleteOptions
DownwardAPIVolumeFile = core_v1.DownwardAPIVolumeFile
EmptyDirVolumeSource = core_v1.EmptyDirVolumeSource
EnvVar = core_v1.EnvVar
EnvVarSource = core_v1.EnvVarSource
Event = core_v1.Event
ExecAction = core_v1.ExecAction
HostAlias = core_v1.HostAlias
HostIP = core_v1.HostIP
HostPathVolumeSource = core_v1.HostPathVolumeSource
KeyToPath = core_v1.KeyToPath
Lifecycle = core_v1.Lifecycle
LifecycleHandler = core_v1.LifecycleHandler
Namespace = core_v1.Namespace
Node = core_v1.Node
ObjectFieldSelector = core_v1.ObjectFieldSelector
ObjectMeta = meta_v1.ObjectMeta
Pod = core_v1.Pod
PodCondition = core_v1.PodCondition
PodDNSConfig = core_v1.PodDNSConfig
PodDNSConfigOption = core_v1.PodDNSConfigOption
PodIP = core_v1.PodIP
PodSecurityContext = core_v1.PodSecurityContext
PodSpec = core_v1.PodSpec
PodStatus = core_v1.PodStatus
ResourceFieldSelector = core_v1.ResourceFieldSelector
ResourceRequirements = core_v1.ResourceRequirements
SeccompProfile = core_v1.SeccompProfile
Secret = core_v1.Secret
SecurityContext = core_v1.SecurityContext
SELinuxOptions = core_v1.SELinuxOptions
Service = core_v1.Service
ServiceAccount = core_v1.ServiceAccount
ServiceAccountTokenProjection = core_v1.ServiceAccountTokenProjection
Sysctl = core_v1.Sysctl
Toleration = core_v1.Toleration
Volume = core_v1.Volume
VolumeMount = core_v1.VolumeMount
VolumeProjection = core_v1.VolumeProjection


def pod(raw: Mapping[str, Any]) -> Pod:
    """The typed pod of a plain object; unknown fields are dropped.

    Raises:
        msgspec.ValidationError: A field has another type than the API gives it.
    """
    return msgspec.convert(raw, Pod, strict=False)


def prepare() -> None:
    """Have the decoder of pods made now; else the first pod waits some 20 ms for it."""
    pod({})
