"""Objects of the API that pods refer to, as values: what is asked for, and what is known of it.

What is in them is never part of a repr, so that no log and no traceback shows it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from staticlet.pods import wanted


class Kind(enum.Enum):
    """What can be referred to, as the kubelet's messages name it."""

    CONFIG_MAP = "configmap"
    SECRET = "secret"  # noqa: S105  the name of a kind
    SERVICE = "service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A config map, a secret or a service."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.value} {self.namespace}/{self.name}"


SERVER = Ref(kind=Kind.SERVICE, namespace="default", name="kubernetes")
"""The service at which pods find the API server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRef:
    """A token of a service account, bound to a pod.

    Attributes:
        namespace: The account's and the pod's.
        account: The service account.
        pod_name: The pod.
        pod_uid: Its UID.
        audience: Whom it is for; empty for the API server.
        lifetime_s: How long it is to last, in seconds.
    """

    namespace: str
    account: str
    pod_name: str
    pod_uid: str
    audience: str = ""
    lifetime_s: int = 3600

    def __str__(self) -> str:
        return f"token of service account {self.namespace}/{self.account}"


AnyRef: TypeAlias = Ref | TokenRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What is in an object.

    Attributes:
        data: Its values; of a token, the token alone, under `TOKEN`; of a service, the variables
            that tell of it.
        binary: A config map's binary values, which only files can have.
        type: A secret's type.
        immutable: Whether it stays as it is.
    """

    data: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    binary: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    type: str = ""
    immutable: bool = False


TOKEN = "token"  # noqa: S105  the name of a key


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """The API server has no such object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """The API server has not told yet; `why` it has not, once a request has failed."""

    why: str = ""


Answer: TypeAlias = Held | Absent | Unanswered

_ASKED = Unanswered()


class Lacking(Exception):
    """An object cannot be had now; the text is the kubelet's.

    Attributes:
        absent: Whether there is none, as the API server says.
    """

    def __init__(self, message: str, *, absent: bool) -> None:
        super().__init__(message)
        self.absent = absent


@dataclass(frozen=True, slots=True)
class Holdings:
    """What is known of everything that a pod refers to."""

    answers: Mapping[AnyRef, Answer] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether something is just being asked for, for the first time."""
        return any(isinstance(one, Unanswered) and not one.why for one in self.answers.values())

    def get(self, ref: AnyRef) -> Held:
        """What is in an object.

        Raises:
            Lacking: It cannot be had.
        """
        answer = self.answers.get(ref, _ASKED)
        if isinstance(answer, Held):
            return answer
        absent = isinstance(answer, Absent)
        if isinstance(ref, TokenRef):
            raise Lacking(f"failed to fetch token: {_why(answer)}", absent=absent)
        if absent:
            raise Lacking(f'{ref.kind.value} "{ref.name}" not found', absent=True)
        raise Lacking(f"failed to sync {ref.kind.value} cache: {_why(answer)}", absent=False)


def _why(answer: Answer) -> str:
    return getattr(answer, "why", "") or "no API server has told of it yet"


NONE = Holdings()
"""Of a pod that refers to nothing."""


class Objects(Protocol):
    """Knows what the API server has of what pods refer to."""

    def of(self, pod: wanted.WantedPod) -> Holdings:
        """What is known now, at once."""
        ...


class NoObjects:
    """Where there is no API server, nothing can be referred to."""

    def of(self, pod: wanted.WantedPod) -> Holdings:
        """Nothing."""
        del pod
        return NONE


class Late:
    """Objects of a server that is joined after everything else was made.

    Attributes:
        objects: Who knows them.
    """

    def __init__(self) -> None:
        self.objects: Objects = NoObjects()

    def of(self, pod: wanted.WantedPod) -> Holdings:
        """What is known now, at once."""
        return self.objects.of(pod)
