"""Nodes, as their agents tell of them."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "Node": "1 metadata 2 spec 3 status",
    "NodeSpec": (
        "1 podCIDR 2 externalID 3 providerID 4 unschedulable 5 taints 6 configSource 7 podCIDRs "
        "8 podPreemptionPolicy"
    ),
    "NodeConfigSource": "2 configMap",
    "ConfigMapNodeConfigSource": (
        "1 namespace! 2 name! 3 uid 4 resourceVersion 5 kubeletConfigKey!"
    ),
    "NodePodPreemptionPolicy": "1 disableResizePreemption",
    "Taint": "1 key! 2 value 3 effect! 4 timeAdded",
    "NodeStatus": (
        "1 capacity 2 allocatable 3 phase 4 conditions 5 addresses 6 daemonEndpoints 7 nodeInfo "
        "8 images 9 volumesInUse 10 volumesAttached 11 config 12 runtimeHandlers 13 features "
        "14 declaredFeatures"
    ),
    "NodeAddress": "1 type! 2 address!",
    "NodeCondition": (
        "1 type! 2 status! 3 lastHeartbeatTime 4 lastTransitionTime 5 reason 6 message"
    ),
    "NodeConfigStatus": "1 assigned 2 active 3 lastKnownGood 4 error",
    "NodeDaemonEndpoints": "1 kubeletEndpoint",
    "DaemonEndpoint": "1 Port!",
    "NodeFeatures": "1 supplementalGroupsPolicy!",
    "ContainerImage": "1 names 2 sizeBytes",
    "NodeSystemInfo": (
        "1 machineID! 2 systemUUID! 3 bootID! 4 kernelVersion! 5 osImage! "
        "6 containerRuntimeVersion! 7 kubeletVersion! 8 kubeProxyVersion! 9 operatingSystem! "
        "10 architecture! 11 swap 12 runningInUserNamespace!"
    ),
    "NodeSwapStatus": "1 capacity!",
    "NodeRuntimeHandler": "1 name! 2 features",
    "NodeRuntimeHandlerFeatures": "1 recursiveReadOnlyMounts! 2 userNamespaces!",
    "AttachedVolume": "1 name! 2 devicePath!",
}
