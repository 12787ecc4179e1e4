"""Who may ask a kubelet what: its paths as rights on `nodes/…`, and what reviews say. Pure.

Follows the kubelet's `GetRequestAttributes` and `InstallAuthFilter`, with its words: some paths
are covered by a right of their own, all but statistics, metrics and node logs by `nodes/proxy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from staticlet.client import port

ANONYMOUS = "system:anonymous"
AUTHENTICATED = "system:authenticated"
UNAUTHENTICATED = "system:unauthenticated"
TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"  # noqa: S105  a path
ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"

_VERBS: Mapping[str, str] = {
    "POST": "create",
    "GET": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_ALONE: Mapping[str, str] = {
    "/stats": "stats",
    "/metrics": "metrics",
    "/logs": "log",
    "/checkpoint": "checkpoint",
    "/statusz": "statusz",
}
_OR_PROXY: Mapping[str, str] = {
    "/pods": "pods",
    "/runningpods": "pods",
    "/healthz": "healthz",
    "/configz": "configz",
    "/flagz": "configz",
}
PROXY = "proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who asks.

    Attributes:
        name: `kube-apiserver-kubelet-client`, `system:serviceaccount:default:robot`.
        uid: What tells users of one name apart; often empty.
        groups: Every group.
        extra: What else is known, by name.
    """

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


NOBODY = User(name=ANONYMOUS, groups=(UNAUTHENTICATED,))


class Refused(Exception):
    """A request that is not answered.

    Attributes:
        code: The HTTP status: 401, 403 or 500.
        text: The body, in the kubelet's words.
    """

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody wants to do; any of the subresources suffices.

    Attributes:
        user: Who.
        verb: get, create, …; empty for methods that have none.
        subresources: Of `nodes`, the narrowest first.
    """

    user: User
    verb: str
    subresources: tuple[str, ...]

    def forbidden(self) -> Refused:
        """The refusal of somebody who may not."""
        several = " ".join(self.subresources)
        return Refused(403, f"Forbidden ({self._asked}, subresource(s)=[{several}])\n")

    def undecided(self, subresource: str) -> Refused:
        """The refusal where nobody could say."""
        return Refused(500, f"Authorization error ({self._asked}, subresource={subresource})")

    @property
    def _asked(self) -> str:
        return f"user={self.user.name}, verb={self.verb}, resource=nodes"


def unauthorized() -> Refused:
    """The refusal of somebody who proves nothing."""
    return Refused(401, "Unauthorized")


def question(user: User, method: str, path: str) -> Question:
    """What a request asks for, as rights are given on it."""
    return Question(user=user, verb=_VERBS.get(method, ""), subresources=subresources(path))


def subresources(path: str) -> tuple[str, ...]:
    """The subresources of `nodes` of which one is needed for a path."""
    for base, name in _ALONE.items():
        if _below(path, base):
            return (name,)
    for base, name in _OR_PROXY.items():
        if _below(path, base):
            return (name, PROXY)
    return (PROXY,)


def _below(path: str, base: str) -> bool:
    return path == base or path.startswith(f"{base}/")


def token(header: str) -> str:
    """The bearer token of an Authorization header; empty when it has none."""
    parts = header.strip().split(" ", 2)
    return parts[1] if len(parts) > 1 and parts[0].lower() == "bearer" else ""


def authenticated(user: User) -> User:
    """The user, a member of the group of all who are known."""
    return replace(user, groups=tuple(dict.fromkeys((*user.groups, AUTHENTICATED))))


def token_review(shown: str) -> port.Object:
    """What asks an API server whose a token is."""
    return {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": shown},
    }


def reviewed(answer: Mapping[str, Any]) -> User | None:
    """Whose a token is; None when it is nobody's, or the answer makes no sense."""
    status = _map(answer.get("status"))
    told = _map(status.get("user"))
    name = told.get("username")
    if status.get("authenticated") is not True or not isinstance(name, str) or not name:
        return None
    uid = told.get("uid")
    return authenticated(
        User(
            name=name,
            uid=uid if isinstance(uid, str) else "",
            groups=_texts(told.get("groups")),
            extra=tuple((str(k), _texts(v)) for k, v in sorted(_map(told.get("extra")).items())),
        )
    )


def access_review(asked: Question, subresource: str, *, node: str) -> port.Object:
    """What asks an API server whether somebody may do something with a node."""
    user = asked.user
    spec: port.Object = {
        "resourceAttributes": {
            "verb": asked.verb,
            "version": "v1",
            "resource": "nodes",
            "subresource": subresource,
            "name": node,
        },
        "user": user.name,
        "groups": list(user.groups),
    }
    if user.uid:
        spec["uid"] = user.uid
    if user.extra:
        spec["extra"] = {name: list(values) for name, values in user.extra}
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


def allowed(answer: Mapping[str, Any]) -> bool:
    """Whether an answer permits it; only a clear yes does."""
    status = _map(answer.get("status"))
    return status.get("allowed") is True and status.get("denied") is not True


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: object) -> tuple[str, ...]:
    every: Sequence[object] = value if isinstance(value, list) else ()
    return tuple(one for one in every if isinstance(one, str))
