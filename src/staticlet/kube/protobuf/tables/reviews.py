"""Requests that are answered and not kept."""

from __future__ import annotations

from collections.abc import Mapping

TABLE: Mapping[str, str] = {
    "TokenRequest": "1 metadata 2 spec 3 status",
    "TokenRequestSpec": "1 audiences 3 boundObjectRef 4 expirationSeconds! 5 attestations",
    "BoundObjectReference": "1 kind 2 apiVersion 3 name 4 uid",
    "TokenRequestStatus": "1 token! 2 expirationTimestamp",
    "TokenReview": "1 metadata 2 spec 3 status",
    "TokenReviewSpec": "1 token 2 audiences",
    "TokenReviewStatus": "1 authenticated 2 user 3 error 4 audiences",
    "UserInfo": "1 username 2 uid 3 groups 4 extra",
    "SelfSubjectReview": "1 metadata 2 status",
    "SelfSubjectReviewStatus": "1 userInfo",
    "SubjectAccessReview": "1 metadata 2 spec 3 status",
    "SubjectAccessReviewSpec": (
        "1 resourceAttributes 2 nonResourceAttributes 3 user 4 groups 5 extra 6 uid"
    ),
    "NonResourceAttributes": "1 path 2 verb",
    "ResourceAttributes": (
        "1 namespace 2 verb 3 group 4 version 5 resource 6 subresource 7 name 8 fieldSelector "
        "9 labelSelector"
    ),
    "FieldSelectorAttributes": "1 rawSelector 2 requirements",
    "LabelSelectorAttributes": "1 rawSelector 2 requirements",
    "SubjectAccessReviewStatus": "1 allowed! 2 reason 3 evaluationError 4 denied",
    "SelfSubjectAccessReview": "1 metadata 2 spec 3 status",
    "SelfSubjectAccessReviewSpec": "1 resourceAttributes 2 nonResourceAttributes",
    "LocalSubjectAccessReview": "1 metadata 2 spec 3 status",
    "SelfSubjectRulesReview": "1 metadata 2 spec 3 status",
    "SelfSubjectRulesReviewSpec": "1 namespace",
    "SubjectRulesReviewStatus": (
        "1 resourceRules 2 nonResourceRules 3 incomplete! 4 evaluationError"
    ),
    "NonResourceRule": "1 verbs 2 nonResourceURLs",
    "ResourceRule": "1 verbs 2 apiGroups 3 resources 4 resourceNames",
}
