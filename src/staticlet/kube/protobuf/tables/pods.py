"""Pods: what is wanted, but for containers and volumes, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "Pod": "1 metadata 2 spec 3 status",
    "PodSpec": (
        "1 volumes 2 containers 3 restartPolicy 4 terminationGracePeriodSeconds! "
        "5 activeDeadlineSeconds! 6 dnsPolicy 7 nodeSelector 8 serviceAccountName "
        "9 serviceAccount 10 nodeName 11 hostNetwork 12 hostPID 13 hostIPC 14 securityContext "
        "15 imagePullSecrets 16 hostname 17 subdomain 18 affinity 19 schedulerName "
        "20 initContainers 21 automountServiceAccountToken! 22 tolerations 23 hostAliases "
        "24 priorityClassName 25 priority! 26 dnsConfig 27 shareProcessNamespace! "
        "28 readinessGates 29 runtimeClassName! 30 enableServiceLinks! 31 preemptionPolicy! "
        "32 overhead 33 topologySpreadConstraints 34 ephemeralContainers 35 setHostnameAsFQDN! "
        "36 os 37 hostUsers! 38 schedulingGates 39 resourceClaims 40 resources "
        "41 hostnameOverride! 43 schedulingGroup 44 evictionResponders"
    ),
    "Affinity": "1 nodeAffinity 2 podAffinity 3 podAntiAffinity",
    "NodeAffinity": (
        "1 requiredDuringSchedulingIgnoredDuringExecution "
        "2 preferredDuringSchedulingIgnoredDuringExecution"
    ),
    "PreferredSchedulingTerm": "1 weight! 2 preference",
    "NodeSelectorTerm": "1 matchExpressions 2 matchFields",
    "NodeSelectorRequirement": "1 key! 2 operator! 3 values",
    "NodeSelector": "1 nodeSelectorTerms",
    "PodAffinity": (
        "1 requiredDuringSchedulingIgnoredDuringExecution "
        "2 preferredDuringSchedulingIgnoredDuringExecution"
    ),
    "WeightedPodAffinityTerm": "1 weight! 2 podAffinityTerm",
    "PodAffinityTerm": (
        "1 labelSelector 2 namespaces 3 topologyKey! 4 namespaceSelector 5 matchLabelKeys "
        "6 mismatchLabelKeys"
    ),
    "PodAntiAffinity": (
        "1 requiredDuringSchedulingIgnoredDuringExecution "
        "2 preferredDuringSchedulingIgnoredDuringExecution"
    ),
    "PodDNSConfig": "1 nameservers 2 searches 3 options",
    "PodDNSConfigOption": "1 name 2 value!",
    "EvictionResponder": "1 name! 2 priority!",
    "HostAlias": "1 ip! 2 hostnames",
    "PodOS": "1 name!",
    "PodReadinessGate": "1 conditionType!",
    "PodResourceClaim": "1 name! 3 resourceClaimName! 4 resourceClaimTemplateName!",
    "PodSchedulingGate": "1 name!",
    "PodSchedulingGroup": "1 podGroupName!",
    "PodSecurityContext": (
        "1 seLinuxOptions 2 runAsUser! 3 runAsNonRoot! 4 supplementalGroups 5 fsGroup! "
        "6 runAsGroup! 7 sysctls 8 windowsOptions 9 fsGroupChangePolicy! 10 seccompProfile "
        "11 appArmorProfile 12 supplementalGroupsPolicy! 13 seLinuxChangePolicy!"
    ),
    "Sysctl": "1 name! 2 value!",
    "Toleration": "1 key 2 operator 3 value 4 effect 5 tolerationSeconds!",
    "TopologySpreadConstraint": (
        "1 maxSkew! 2 topologyKey! 3 whenUnsatisfiable! 4 labelSelector 5 minDomains! "
        "6 nodeAffinityPolicy! 7 nodeTaintsPolicy! 8 matchLabelKeys"
    ),
    "PodStatus": (
        "1 phase 2 conditions 3 message 4 reason 5 hostIP 6 podIP 7 startTime "
        "8 containerStatuses 9 qosClass 10 initContainerStatuses 11 nominatedNodeName 12 podIPs "
        "13 ephemeralContainerStatuses 14 resize 15 resourceClaimStatuses 16 hostIPs "
        "17 observedGeneration 18 extendedResourceClaimStatus 19 allocatedResources "
        "20 resources 21 nodeAllocatableResourceClaimStatuses 22 volumeHealth"
    ),
    "PodCondition": (
        "1 type! 2 status! 3 lastProbeTime 4 lastTransitionTime 5 reason 6 message "
        "7 observedGeneration"
    ),
    "ContainerStatus": (
        "1 name! 2 state 3 lastState 4 ready! 5 restartCount! 6 image! 7 imageID! 8 containerID "
        "9 started! 10 allocatedResources 11 resources 12 volumeMounts 13 user "
        "14 allocatedResourcesStatus 15 stopSignal!"
    ),
    "ResourceStatus": "1 name! 2 resources",
    "ResourceHealth": "1 resourceID! 2 health 6 message!",
    "ContainerState": "1 waiting 2 running 3 terminated",
    "ContainerStateRunning": "1 startedAt",
    "ContainerStateTerminated": (
        "1 exitCode! 2 signal 3 reason 4 message 5 startedAt 6 finishedAt 7 containerID"
    ),
    "ContainerStateWaiting": "1 reason 2 message",
    "ContainerUser": "1 linux",
    "LinuxContainerUser": "1 uid! 2 gid! 3 supplementalGroups",
    "VolumeMountStatus": "1 name! 2 mountPath! 3 readOnly 4 recursiveReadOnly! 5 volumeStatus",
    "VolumeStatus": "1 image",
    "ImageVolumeStatus": "1 imageRef",
    "PodExtendedResourceClaimStatus": "1 requestMappings 2 resourceClaimName!",
    "ContainerExtendedResourceRequest": "1 containerName! 2 resourceName! 3 requestName!",
    "HostIP": "1 ip!",
    "NodeAllocatableResourceClaimStatus": "1 resourceClaimName! 2 containers 4 mapping 5 overhead",
    "NodeAllocatableMappedResources": "1 name! 2 quantity",
    "NodeAllocatableOverheadResources": "1 name! 2 perPod 3 perContainer",
    "PodIP": "1 ip!",
    "PodResourceClaimStatus": "1 name! 2 resourceClaimName!",
    "PodVolumeHealth": "1 name! 2 healthConditions 3 lastTransitionTime",
    "VolumeHealthCondition": "1 status! 2 reason! 3 message",
}
