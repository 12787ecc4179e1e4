"""Questions to the server that are answered and not kept: who am I, may I, whose token is this."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staticlet.apiserver.resources import kind, traits
from staticlet.kube import apitypes

if TYPE_CHECKING:
    import msgspec


def _review(
    group: str, plural: str, struct: type[msgspec.Struct], *, namespaced: bool = False
) -> kind.Kind:
    return kind.Kind(
        group=group,
        plural=plural,
        singular=plural.removesuffix("s"),
        kind=struct.__name__,
        namespaced=namespaced,
        verbs=traits.CREATE,
        struct=struct,
        strategy=kind.Strategy(),
    )


_AUTHENTICATION = "authentication.k8s.io"
_AUTHORIZATION = "authorization.k8s.io"

AUTHENTICATION = (
    _review(_AUTHENTICATION, "selfsubjectreviews", apitypes.SelfSubjectReview),
    _review(_AUTHENTICATION, "tokenreviews", apitypes.TokenReview),
)

AUTHORIZATION = (
    _review(
        _AUTHORIZATION,
        "localsubjectaccessreviews",
        apitypes.LocalSubjectAccessReview,
        namespaced=True,
    ),
    _review(_AUTHORIZATION, "selfsubjectaccessreviews", apitypes.SelfSubjectAccessReview),
    _review(_AUTHORIZATION, "selfsubjectrulesreviews", apitypes.SelfSubjectRulesReview),
    _review(_AUTHORIZATION, "subjectaccessreviews", apitypes.SubjectAccessReview),
)
