"""A body in Kubernetes' protobuf form to the object in it, as JSON would have it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from staticlet.kube import apitypes, core, shape
from staticlet.kube.protobuf import messages, values, wire

if TYPE_CHECKING:
    from staticlet.kube.protobuf.messages import Object

_MAGIC = b"k8s\x00"
_TYPE, _RAW, _ENCODING = 1, 2, 3

_AUTHENTICATION = "authentication.k8s.io/v1"
_AUTHORIZATION = "authorization.k8s.io/v1"
KINDS: Mapping[tuple[str, str], type[msgspec.Struct]] = {
    ("v1", "Binding"): core.Binding,
    ("v1", "ConfigMap"): core.ConfigMap,
    ("v1", "Event"): core.Event,
    ("v1", "Namespace"): core.Namespace,
    ("v1", "Node"): core.Node,
    ("v1", "Pod"): core.Pod,
    ("v1", "Secret"): core.Secret,
    ("v1", "ServiceAccount"): core.ServiceAccount,
    ("coordination.k8s.io/v1", "Lease"): apitypes.Lease,
    ("events.k8s.io/v1", "Event"): apitypes.Event,
    ("policy/v1", "Eviction"): apitypes.Eviction,
    ("storage.k8s.io/v1", "CSINode"): apitypes.CSINode,
    (_AUTHENTICATION, "SelfSubjectReview"): apitypes.SelfSubjectReview,
    (_AUTHENTICATION, "TokenRequest"): apitypes.TokenRequest,
    (_AUTHENTICATION, "TokenReview"): apitypes.TokenReview,
    (_AUTHORIZATION, "LocalSubjectAccessReview"): apitypes.LocalSubjectAccessReview,
    (_AUTHORIZATION, "SelfSubjectAccessReview"): apitypes.SelfSubjectAccessReview,
    (_AUTHORIZATION, "SelfSubjectRulesReview"): apitypes.SelfSubjectRulesReview,
    (_AUTHORIZATION, "SubjectAccessReview"): apitypes.SubjectAccessReview,
}
"""The kinds that are read, by group and version."""


class BodyError(ValueError):
    """A body that is broken; the message says how."""


class TooLargeError(BodyError):
    """A body of more fields than are read; the message says how many are."""


class UnknownKindError(BodyError):
    """A body of a kind that is not read in this form; the message names the kind."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a body held.

    Attributes:
        object: The object, with `apiVersion` and `kind`.
        warnings: What of it was left out, since it is newer than what is known here.
    """

    object: Object
    warnings: tuple[str, ...] = ()


def decode(body: bytes) -> Read:
    """The object in a body.

    Raises:
        UnknownKindError: Objects of the kind are read as JSON only.
        TooLargeError: It has too many fields.
        BodyError: The body is no object in this form.
    """
    if not body.startswith(_MAGIC):
        raise BodyError("cannot read the body: it does not begin as Kubernetes' protobuf does")
    try:
        return _decode(body[len(_MAGIC) :])
    except BodyError:
        raise
    except wire.TooManyFieldsError as error:
        raise TooLargeError(f"cannot read the body: {error}: send JSON") from error
    except msgspec.DecodeError as error:
        raise BodyError(f"cannot read the body: JSON in it is broken: {error}") from error
    except RecursionError as error:
        raise BodyError("cannot read the body: JSON in it is nested too deep") from error
    except (ValueError, OverflowError) as error:
        raise BodyError(f"cannot read the body: {error}") from error


def _decode(envelope: bytes) -> Read:
    """The object in an envelope (`runtime.Unknown`), which tells its kind."""
    account = wire.Account()
    outer = dict(wire.fields(envelope, account))
    told = dict(wire.fields(values.raw(outer.get(_TYPE, b"")), account))
    api_version, kind = (values.text(told.get(number, b""), account) for number in (1, 2))
    if outer.get(_ENCODING):
        raise BodyError("cannot read the body: its content is encoded once more")
    struct = kinds(api_version, kind)
    if struct is None:
        raise UnknownKindError(f"{kind} in {api_version} is not read as protobuf; send JSON")
    found: Object = {"apiVersion": api_version, "kind": kind}
    messages.of(shape.of(struct)).read(values.raw(outer.get(_RAW, b"")), found, account)
    return Read(found, _warnings(account.passed))


def kinds(api_version: str, kind: str) -> type[msgspec.Struct] | None:
    """The struct of a kind; None when it is not read. DeleteOptions are of every group."""
    return core.DeleteOptions if kind == "DeleteOptions" else KINDS.get((api_version, kind))


def _warnings(passed: Collection[tuple[str, int]]) -> tuple[str, ...]:
    said = [
        f"field {number} of {name.rpartition('.')[2]} is not known here and was left out"
        for name, number in passed
    ]
    if len(said) < messages.LIMIT_PASSED:
        return tuple(said)
    return (*said[:-1], "more fields are not known here and were left out")
