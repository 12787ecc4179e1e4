"""The small objects: configuration, leases, events, and the rest."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "Event": (
        "1 metadata 2 involvedObject 3 reason 4 message 5 source 6 firstTimestamp "
        "7 lastTimestamp 8 count 9 type 10 eventTime 11 series 12 action 13 related "
        "14 reportingComponent! 15 reportingInstance!"
    ),
    "EventSeries": "1 count! 2 lastObservedTime",
    "EventSource": "1 component 2 host",
    "ServiceAccount": "1 metadata 2 secrets 3 imagePullSecrets 4 automountServiceAccountToken!",
    "Secret": "1 metadata 2 data 3 type 4 stringData 5 immutable!",
    "ConfigMap": "1 metadata 2 data 3 binaryData 4 immutable!",
    "Namespace": "1 metadata 2 spec 3 status",
    "NamespaceSpec": "1 finalizers",
    "NamespaceStatus": "1 phase 2 conditions",
    "NamespaceCondition": "1 type! 2 status! 4 lastTransitionTime 5 reason 6 message",
    "Binding": "1 metadata 2 target",
    "Lease": "1 metadata 2 spec",
    "LeaseSpec": (
        "1 holderIdentity! 2 leaseDurationSeconds! 3 acquireTime 4 renewTime "
        "5 leaseTransitions! 6 strategy! 7 preferredHolder!"
    ),
    "events_v1.Event": (
        "1 metadata 2 eventTime 3 series 4 reportingController 5 reportingInstance 6 action "
        "7 reason 8 regarding 9 related 10 note 11 type 12 deprecatedSource "
        "13 deprecatedFirstTimestamp 14 deprecatedLastTimestamp 15 deprecatedCount"
    ),
    "CSINode": "1 metadata 2 spec 3 status",
    "CSINodeSpec": "1 drivers",
    "CSINodeDriver": "1 name! 2 nodeID! 3 topologyKeys 4 allocatable",
    "VolumeNodeResources": "1 count!",
    "CSINodeStatus": "1 storageHealth",
    "StorageHealth": "1 name! 2 healthConditions",
    "StorageHealthCondition": (
        "1 status! 2 reason! 3 message 4 accessMode! 5 volumeMode! 6 lastTransitionTime"
    ),
    "Eviction": "1 metadata 2 deleteOptions",
}
