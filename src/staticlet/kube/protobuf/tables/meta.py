"""What every object has, and what names other objects."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "ObjectMeta": (
        "1 name 2 generateName 3 namespace 4 selfLink 5 uid 6 resourceVersion 7 generation "
        "8 creationTimestamp 9 deletionTimestamp 10 deletionGracePeriodSeconds! 11 labels "
        "12 annotations 13 ownerReferences 14 finalizers 17 managedFields"
    ),
    "ManagedFieldsEntry": (
        "1 manager 2 operation 3 apiVersion 4 time 6 fieldsType 7 fieldsV1! 8 subresource"
    ),
    "OwnerReference": "1 kind! 3 name! 4 uid! 5 apiVersion! 6 controller! 7 blockOwnerDeletion!",
    "LabelSelector": "1 matchLabels 2 matchExpressions",
    "LabelSelectorRequirement": "1 key! 2 operator! 3 values",
    "FieldSelectorRequirement": "1 key! 2 operator! 3 values",
    "DeleteOptions": (
        "1 gracePeriodSeconds! 2 preconditions 3 orphanDependents! 4 propagationPolicy! "
        "5 dryRun 6 ignoreStoreReadErrorWithClusterBreakingPotential!"
    ),
    "Preconditions": "1 uid! 2 resourceVersion!",
    "LocalObjectReference": "1 name",
    "ObjectReference": (
        "1 kind 2 namespace 3 name 4 uid 5 apiVersion 6 resourceVersion 7 fieldPath"
    ),
    "TypedLocalObjectReference": "1 apiGroup! 2 kind! 3 name!",
    "TypedObjectReference": "1 apiGroup! 2 kind! 3 name! 4 namespace!",
}
