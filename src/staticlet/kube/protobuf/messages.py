"""The messages that are read, by the field numbers of Kubernetes' API: facts of its wire format.

Fields that are not listed are not read: those that only a server writes, and those that no command
of kubectl sets.
"""

from __future__ import annotations

from collections.abc import Mapping

from staticlet.kube.protobuf.types import (
    Bare,
    Blob,
    Flag,
    ListOf,
    MapOf,
    Message,
    Moment,
    Text,
    Type,
    Whole,
)

_TEXT = Text()
_TEXTS = ListOf(_TEXT)
_TEXT_MAP = MapOf(_TEXT)
_BLOB_MAP = MapOf(Blob())
_EXTRA = MapOf(Bare(_TEXTS))


def _texts(*names: str) -> Mapping[int, tuple[str, Type]]:
    """Fields that are strings, numbered from 1 on."""
    return {number: (name, _TEXT) for number, name in enumerate(names, start=1)}


_OWNER = Message(
    {
        1: ("kind", _TEXT),
        3: ("name", _TEXT),
        4: ("uid", _TEXT),
        5: ("apiVersion", _TEXT),
        6: ("controller", Flag()),
        7: ("blockOwnerDeletion", Flag()),
    }
)
_META = Message(
    {
        **_texts("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"),
        7: ("generation", Whole(pointer=False)),
        8: ("creationTimestamp", Moment()),
        9: ("deletionTimestamp", Moment()),
        10: ("deletionGracePeriodSeconds", Whole()),
        11: ("labels", _TEXT_MAP),
        12: ("annotations", _TEXT_MAP),
        13: ("ownerReferences", ListOf(_OWNER)),
        14: ("finalizers", _TEXTS),
    }
)
_REFERENCE = Message(
    _texts("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
)
_DELETE_OPTIONS = Message(
    {
        1: ("gracePeriodSeconds", Whole()),
        2: ("preconditions", Message(_texts("uid", "resourceVersion"))),
        3: ("orphanDependents", Flag()),
        4: ("propagationPolicy", _TEXT),
        5: ("dryRun", _TEXTS),
    }
)
_NON_RESOURCE = Message(_texts("path", "verb"))
_REQUIREMENTS = ListOf(Message({**_texts("key", "operator"), 3: ("values", _TEXTS)}))
_SELECTOR = Message({1: ("rawSelector", _TEXT), 2: ("requirements", _REQUIREMENTS)})
_RESOURCE = Message(
    {
        **_texts("namespace", "verb", "group", "version", "resource", "subresource", "name"),
        8: ("fieldSelector", _SELECTOR),
        9: ("labelSelector", _SELECTOR),
    }
)
_SELF_ACCESS: Mapping[int, tuple[str, Type]] = {
    1: ("resourceAttributes", _RESOURCE),
    2: ("nonResourceAttributes", _NON_RESOURCE),
}
_ACCESS = Message(
    {
        **_SELF_ACCESS,
        3: ("user", _TEXT),
        4: ("groups", _TEXTS),
        5: ("extra", _EXTRA),
        6: ("uid", _TEXT),
    }
)
_TOKEN_REQUEST = Message(
    {
        1: ("audiences", _TEXTS),
        3: ("boundObjectRef", Message(_texts("kind", "apiVersion", "name", "uid"))),
        4: ("expirationSeconds", Whole()),
    }
)


def _kind(**others: tuple[int, Type]) -> Message:
    """An object's message: its metadata, and its other fields with their numbers."""
    fields: dict[int, tuple[str, Type]] = {1: ("metadata", _META)}
    fields |= {number: (name, of_type) for name, (number, of_type) in others.items()}
    return Message(fields)


def _asked(spec: Message) -> Message:
    return _kind(spec=(2, spec))


_AUTHENTICATION = "authentication.k8s.io/v1"
_AUTHORIZATION = "authorization.k8s.io/v1"

_KINDS: Mapping[tuple[str, str], Message] = {
    ("v1", "Namespace"): _asked(Message({1: ("finalizers", _TEXTS)})),
    ("v1", "ConfigMap"): _kind(
        data=(2, _TEXT_MAP), binaryData=(3, _BLOB_MAP), immutable=(4, Flag())
    ),
    ("v1", "Secret"): _kind(
        data=(2, _BLOB_MAP), type=(3, _TEXT), stringData=(4, _TEXT_MAP), immutable=(5, Flag())
    ),
    ("v1", "ServiceAccount"): _kind(
        secrets=(2, ListOf(_REFERENCE)),
        imagePullSecrets=(3, ListOf(Message(_texts("name")))),
        automountServiceAccountToken=(4, Flag()),
    ),
    ("v1", "Binding"): _kind(target=(2, _REFERENCE)),
    ("policy/v1", "Eviction"): _kind(deleteOptions=(2, _DELETE_OPTIONS)),
    (_AUTHENTICATION, "SelfSubjectReview"): _kind(),
    (_AUTHENTICATION, "TokenRequest"): _asked(_TOKEN_REQUEST),
    (_AUTHENTICATION, "TokenReview"): _asked(
        Message({1: ("token", _TEXT), 2: ("audiences", _TEXTS)})
    ),
    (_AUTHORIZATION, "LocalSubjectAccessReview"): _asked(_ACCESS),
    (_AUTHORIZATION, "SelfSubjectAccessReview"): _asked(Message(_SELF_ACCESS)),
    (_AUTHORIZATION, "SelfSubjectRulesReview"): _asked(Message(_texts("namespace"))),
    (_AUTHORIZATION, "SubjectAccessReview"): _asked(_ACCESS),
}


def of(api_version: str, kind: str) -> Message | None:
    """The message of a kind; None when it is not read. DeleteOptions are of every group."""
    return _DELETE_OPTIONS if kind == "DeleteOptions" else _KINDS.get((api_version, kind))
