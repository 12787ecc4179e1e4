"""Kubernetes' types beyond pods and nodes: what an API server serves, and an agent never loads.

Apart from `core`, since each module of models that is imported costs an agent memory for nothing.
"""

from staticlet.kube import modelsonly

with modelsonly.entered():
    from lightkube.models import (
        authentication_v1,
        authorization_v1,
        coordination_v1,
        events_v1,
        node_v1,
        policy_v1,
        resource_v1,
        storage_v1,
    )

CSIDriver = storage_v1.CSIDriver
CSINode = storage_v1.CSINode
Event = events_v1.Event
Eviction = policy_v1.Eviction
Lease = coordination_v1.Lease
LocalSubjectAccessReview = authorization_v1.LocalSubjectAccessReview
ResourceSlice = resource_v1.ResourceSlice
RuntimeClass = node_v1.RuntimeClass
SelfSubjectAccessReview = authorization_v1.SelfSubjectAccessReview
SelfSubjectReview = authentication_v1.SelfSubjectReview
SelfSubjectRulesReview = authorization_v1.SelfSubjectRulesReview
SubjectAccessReview = authorization_v1.SubjectAccessReview
TokenRequest = authentication_v1.TokenRequest
TokenReview = authentication_v1.TokenReview
