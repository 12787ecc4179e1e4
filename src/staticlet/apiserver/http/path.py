"""What a request line asks for: kube-apiserver's RequestInfo. Pure.

A path that names a resource becomes a target with its verb; every other path is one to be found
among those that are no resource. Whether there is such a resource is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib import parse

from staticlet.apiserver import calls
from staticlet.kube import refusal

VERBS: Mapping[str, str] = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
NAMESPACE_SUBRESOURCES = frozenset({"status", "finalize"})
MOST_PARAMETERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request line, taken apart.

    Attributes:
        target: What it is about.
        query: The query's parameters; of one that is repeated, the first.
        rest: What follows a subresource in the path: of a proxied request, its path.
    """

    target: calls.Target
    query: Mapping[str, str]
    rest: str = ""


def ask(method: str, raw: str) -> Asked:
    """Take a request line apart.

    Args:
        method: The HTTP method, upper case.
        raw: Path and query as they came, percent-encoded.

    Raises:
        refusal.Refusal: 400: it is badly encoded; 404: nothing can be there.
    """
    encoded, _, question = _relative(raw).partition("?")
    path = _decoded(encoded)
    query = _query(question)
    segments = path.strip("/").split("/") if path.strip("/") else []
    if any(segment in ("", ".", "..") for segment in segments):
        raise refusal.no_such_path()
    found = _resource(method, path, segments, query)
    if found is None:
        return Asked(target=calls.Target(verb=method.lower(), path=path), query=query)
    return found


def _relative(raw: str) -> str:
    """The path of a request line, also of one that names scheme and host."""
    if raw.startswith("/"):
        return raw
    scheme, _, rest = raw.partition("://")
    if scheme.lower() not in ("http", "https"):
        raise refusal.bad_request("the request names no path")
    _, slash, path = rest.partition("/")
    return slash + path


def _decoded(encoded: str) -> str:
    try:
        # A byte that is not ASCII came through as a surrogate.
        text = parse.unquote_to_bytes(encoded.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeDecodeError as fault:
        raise refusal.bad_request("the request's path is not UTF-8") from fault
    if "\0" in text:
        raise refusal.bad_request("the request's path has a null byte")
    return text


def _query(text: str) -> dict[str, str]:
    try:
        pairs = parse.parse_qsl(
            text.encode("utf-8", "surrogateescape").decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_PARAMETERS,
        )
    except ValueError as fault:
        raise refusal.bad_request("the request's query cannot be read") from fault
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return query


def _resource(
    method: str, path: str, segments: Sequence[str], query: dict[str, str]
) -> Asked | None:
    """The resource that a path names; None where it names none."""
    group, version, parts = _version(segments)
    if not parts:
        return None
    legacy = parts[0] == "watch"
    if legacy:
        parts = parts[1:]
        if not parts:
            raise refusal.bad_request("unable to determine kind and namespace from url")
    namespace, parts = _namespace(parts)
    resource, name, subresource = [*parts, "", "", ""][:3]
    target = calls.Target(
        verb=_verb(method, name, query),
        path=path,
        group=group,
        version=version,
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
        field_selector="" if name else query.get("fieldSelector", ""),
    )
    if legacy:
        return _legacy_watch(method, target, query)
    return Asked(target=target, query=query, rest="/".join(parts[3:]))


def _version(segments: Sequence[str]) -> tuple[str, str, Sequence[str]]:
    """Group, version and what follows; nothing follows where the path names no resource."""
    if segments[:1] == ["api"]:
        return "", segments[1] if segments[1:] else "", segments[2:]
    if segments[:1] == ["apis"] and len(segments) > 3:
        return segments[1], segments[2], segments[3:]
    return "", "", ()


def _namespace(parts: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The namespace, and the parts from the resource on.

    `namespaces/x`, `namespaces/x/status` and `namespaces/x/finalize` are about a namespace itself.
    """
    if parts[0] != "namespaces" or len(parts) < 3 or parts[2] in NAMESPACE_SUBRESOURCES:
        return "", parts
    return parts[1], parts[2:]


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    verb = VERBS.get(method, method.lower())
    if name:
        return verb
    if verb == "get":
        return "watch" if truth(query.get("watch")) else "list"
    return "deletecollection" if verb == "delete" else verb


def truth(text: str | None) -> bool:
    """A boolean of a query, as Kubernetes reads one: given and neither `false` nor `0`."""
    return text is not None and text.lower() not in ("false", "0")


def _legacy_watch(method: str, target: calls.Target, query: dict[str, str]) -> Asked:
    """`/api/v1/watch/…`: a watch of a collection, or of one object by its name."""
    if method not in ("GET", "HEAD"):
        raise not_allowed()
    if target.name:
        given = query.get("fieldSelector")
        query["fieldSelector"] = f"{given + ',' if given else ''}metadata.name={target.name}"
    selector = query.get("fieldSelector", "")
    return Asked(
        target=replace(target, verb="watch", name="", field_selector=selector), query=query
    )


def not_allowed(details: Mapping[str, Any] | None = None) -> refusal.Refusal:
    """405: the path is served, the method is not."""
    return refusal.Refusal(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        details=details or {},
    )


def for_authorization(asked: Asked) -> calls.Target:
    """The target as rights are given on it.

    Whoever lists or watches a collection by `metadata.name=x` asks for that one object.
    """
    target = asked.target
    if target.name or target.verb not in ("list", "watch", "deletecollection"):
        return target
    for clause in target.field_selector.split(","):
        field, _, value = clause.partition("=")
        value = value.removeprefix("=")
        if field.strip() == "metadata.name" and value and "/" not in value:
            return replace(target, name=value)
    return target
