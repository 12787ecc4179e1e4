"""Refusals of an API server: the Status object that a client gets, with its reason and causes.

Pure. A refusal is raised where a rule is broken, as deep as that may be, and becomes the answer
of the request: the words and reasons are kube-apiserver's, since clients act on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from staticlet.kube import fieldpath
from staticlet.kube.finding import FieldError


@dataclass(frozen=True, slots=True)
class GroupResource:
    """A resource as refusals name it: `pods`, `leases.coordination.k8s.io`.

    Attributes:
        group: The API group; empty for the core group.
        resource: The plural name.
    """

    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.resource}.{self.group}" if self.group else self.resource


class Refusal(Exception):
    """A request that is refused; `status()` is what the client is told.

    Attributes:
        code: The HTTP status.
        reason: Kubernetes' machine readable reason; empty when there is none.
        message: What is wrong, for people.
        details: The Status' details, without empty fields; None when there are none. Of a path
            that is no resource they are empty, and told all the same: clients see by them that a
            server has answered that knows Status objects.
        retry_after_s: When the client may try again; sent as a header too.
        more: Of a list that cannot go on as it began: the token to go on with in another way.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
        more: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.retry_after_s = retry_after_s
        self.more = more

    def status(self) -> dict[str, Any]:
        """The Status object."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": self.more} if self.more else {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        details = None if self.details is None else dict(self.details)
        if self.retry_after_s is not None:
            details = {**(details or {}), "retryAfterSeconds": self.retry_after_s}
        if details is not None:
            status["details"] = details
        status["code"] = self.code
        return status


def _about(what: GroupResource, name: str) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if what.group:
        details["group"] = what.group
    details["kind"] = what.resource
    return details


def not_found(what: GroupResource, name: str) -> Refusal:
    """404: no such object."""
    return Refusal(404, "NotFound", f'{what} "{name}" not found', details=_about(what, name))


def no_such_path() -> Refusal:
    """404: the server does not serve this."""
    return Refusal(404, "NotFound", "the server could not find the requested resource", details={})


def already_exists(what: GroupResource, name: str) -> Refusal:
    """409: an object of that name is there."""
    return Refusal(
        409, "AlreadyExists", f'{what} "{name}" already exists', details=_about(what, name)
    )


CHANGED_MEANWHILE = (
    "the object has been modified; please apply your changes to the latest version and try again"
)


def conflict(what: GroupResource, name: str, why: str) -> Refusal:
    """409: the object is not as the client believes."""
    message = f'Operation cannot be fulfilled on {what} "{name}": {why}'
    return Refusal(409, "Conflict", message, details=_about(what, name))


def invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> Refusal:
    """422: fields that break the kind's rules, each a cause.

    `kind` is the kind (`Pod`), not the resource, as the API server has it here.
    """
    texts = list(dict.fromkeys(str(error) for error in errors))
    words = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    message = f'{kind}{f".{group}" if group else ""} "{name}" is invalid: {words}'
    causes = [
        {
            "reason": error.kind.value,
            "message": error.message,
            "field": fieldpath.render(error.path),
        }
        for error in errors
    ]
    details: dict[str, Any] = {"name": name} if name else {}
    if group:
        details["group"] = group
    details |= {"kind": kind, "causes": causes}
    return Refusal(422, "Invalid", message, details=details)


def bad_request(message: str) -> Refusal:
    """400: the request makes no sense, whatever the objects are."""
    return Refusal(400, "BadRequest", message)


def unauthorized() -> Refusal:
    """401: credentials that prove nothing."""
    return Refusal(401, "Unauthorized", "Unauthorized")


def forbidden(what: GroupResource, name: str, why: str) -> Refusal:
    """403: admission or authorization refuses; `why` is the sentence after the colon."""
    subject = f'{what} "{name}"' if name else f"{what}"
    return Refusal(403, "Forbidden", f"{subject} is forbidden: {why}", details=_about(what, name))


def method_not_allowed(what: GroupResource, verb: str) -> Refusal:
    """405: the resource does not have this verb."""
    return Refusal(
        405,
        "MethodNotAllowed",
        f"{verb} is not supported on resources of kind {str(what)!r}".replace("'", '"'),
        details=_about(what, ""),
    )


def not_run(what: GroupResource, name: str, why: str) -> Refusal:
    """405: objects of this kind can be read, and are never made here; `why` is a sentence."""
    return Refusal(405, "MethodNotAllowed", why, details=_about(what, name))


def not_acceptable(supported: Iterable[str]) -> Refusal:
    """406: none of the media types that the client accepts can be made."""
    kinds = ", ".join(supported)
    message = f"only the following media types are accepted: {kinds}"
    return Refusal(406, "NotAcceptable", message)


def unsupported_media(supported: Iterable[str]) -> Refusal:
    """415: the body is of a media type that is not read here."""
    kinds = ", ".join(supported)
    message = (
        f"the body of the request was in an unknown format - accepted media types include: {kinds}"
    )
    return Refusal(415, "UnsupportedMediaType", message)


def expired(message: str) -> Refusal:
    """410: the version that is asked for is not kept any more: list again."""
    return Refusal(410, "Expired", message)


def too_large(limit: int) -> Refusal:
    """413: a body that is larger than anything that can be stored."""
    return Refusal(
        413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit} bytes"
    )


def internal(message: str) -> Refusal:
    """500: the server cannot do what it should; the message says why."""
    return Refusal(500, "InternalError", f"Internal error occurred: {message}")
