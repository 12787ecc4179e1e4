"""TokenRequest: a token for a service account, as `kubectl create token` asks for one. Pure.

Rules and words are kube-apiserver's: ten minutes at least, and what a token is bound to must be
there, with the uid that is named if one is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from staticlet.apiserver.authn.accounts import AccountTokens, Bound, Grant
from staticlet.apiserver.resources.kind import Object
from staticlet.apiserver.store.port import Key, Objects
from staticlet.kube import refusal, rfc3339
from staticlet.kube.finding import FieldError, Kind
from staticlet.kube.validate import peek

GROUP = "authentication.k8s.io"
KIND = "TokenRequest"
DEFAULT_S = 3600
_LEAST_S = 600
_MOST_S = 1 << 32
_ACCOUNTS = refusal.GroupResource("", "serviceaccounts")


def prepare(body: Object, *, namespace: str, name: str) -> None:
    """Fill in what a request leaves out, but for the audiences: admission asks who named them.

    Args:
        body: The TokenRequest; changed in place.
        namespace: The account's namespace.
        name: The account.
    """
    metadata = dict(peek.child(body, "metadata"))
    metadata.setdefault("name", name)
    metadata.setdefault("namespace", namespace)
    spec = peek.child(body, "spec")
    seconds = peek.number(spec, "expirationSeconds")
    body |= {
        "apiVersion": f"{GROUP}/v1",
        "kind": KIND,
        "metadata": metadata,
        "spec": {
            "audiences": list(peek.texts(spec, "audiences")),
            "expirationSeconds": DEFAULT_S if seconds is None else seconds,
            "boundObjectRef": spec.get("boundObjectRef"),
        },
    }
    body.pop("status", None)


def check(body: Object, *, namespace: str, name: str) -> None:
    """Refuse a prepared request that cannot be met whatever is in the store.

    Raises:
        refusal.Refusal: 422, with the fields.
    """
    metadata = peek.child(body, "metadata")
    errors = [
        FieldError(
            Kind.INVALID,
            ("metadata", field),
            peek.text(metadata, field),
            f"must match the service account {field} if specified",
        )
        for field, wanted in (("name", name), ("namespace", namespace))
        if peek.text(metadata, field) != wanted
    ]
    seconds = peek.number(peek.child(body, "spec"), "expirationSeconds") or 0
    why = ""
    if seconds < _LEAST_S:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > _MOST_S:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        errors.append(FieldError(Kind.INVALID, ("spec", "expirationSeconds"), seconds, why))
    if errors:
        raise refusal.invalid(GROUP, KIND, "", errors)


def answer(
    body: Object, tokens: AccountTokens, objects: Objects, now: datetime, uid: str
) -> Object:
    """The request with the token in its status.

    Args:
        body: A request that was prepared and checked; changed in place.
        tokens: What signs.
        objects: The store.
        now: The time.
        uid: The uid that the request is given.

    Raises:
        refusal.Refusal: The account, or what the token is to be bound to, is not there.
    """
    metadata, spec = body["metadata"], body["spec"]
    namespace, name = metadata["namespace"], metadata["name"]
    account = _get(objects, Key("serviceaccounts", namespace, name))
    if account is None:
        raise refusal.not_found(_ACCOUNTS, name)
    spec["audiences"] = [one for one in spec["audiences"] if one] or list(tokens.audiences)
    now = now.replace(microsecond=0)
    grant = Grant(
        namespace=namespace,
        account=Bound(name=name, uid=_uid(account)),
        audiences=tuple(spec["audiences"]),
        issued=now,
        expires=now + timedelta(seconds=spec["expirationSeconds"]),
    )
    ref = spec["boundObjectRef"]
    if ref is not None:
        grant = _bound(grant, ref if isinstance(ref, dict) else {}, objects)
    metadata |= {"uid": uid, "creationTimestamp": rfc3339.text(now)}
    body["status"] = {
        "token": tokens.issue(grant),
        "expirationTimestamp": rfc3339.text(grant.expires),
    }
    return body


def _bound(grant: Grant, ref: dict[str, Any], objects: Objects) -> Grant:
    """The grant, bound to an object."""
    api_version, kind = peek.text(ref, "apiVersion"), peek.text(ref, "kind")
    name, uid = peek.text(ref, "name"), peek.text(ref, "uid")
    if api_version != "v1" or kind not in ("Pod", "Secret", "Node"):
        group, _, version = api_version.rpartition("/")
        raise refusal.bad_request(
            f"cannot bind token to object of type {group}/{version}, Kind={kind}"
        )
    plural = f"{kind.lower()}s"
    found = _get(objects, Key(plural, "" if kind == "Node" else grant.namespace, name))
    if found is None:
        raise refusal.not_found(refusal.GroupResource("", plural), name)
    if uid and uid != _uid(found):
        raise refusal.conflict(
            refusal.GroupResource("", kind),
            name,
            f"the UID in the bound object reference ({uid}) does not match the UID in record. The "
            "object might have been deleted and then recreated",
        )
    bound = Bound(name=name, uid=_uid(found))
    match kind:
        case "Secret":
            return replace(grant, secret=bound)
        case "Node":
            return replace(grant, node=bound)
    return replace(grant, pod=bound, node=_node_of(found, grant.account.name, objects))


def _node_of(pod: Object, account: str, objects: Objects) -> Bound | None:
    """The node of a pod which runs as an account."""
    spec = peek.child(pod, "spec")
    if peek.text(spec, "serviceAccountName") != account:
        raise refusal.bad_request(
            f'cannot bind token for serviceaccount "{account}" to pod running with different '
            "serviceaccount name."
        )
    name = peek.text(spec, "nodeName")
    if not name:
        return None
    node = _get(objects, Key("nodes", "", name))
    return Bound(name=name, uid=_uid(node) if node else "")


def _get(objects: Objects, key: Key) -> Object | None:
    record = objects.get(key)
    return record.object() if record else None


def _uid(obj: Object) -> str:
    return peek.text(peek.child(obj, "metadata"), "uid")
