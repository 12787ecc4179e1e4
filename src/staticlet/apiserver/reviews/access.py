"""May I, may that one, and what may I: the creations that authorization answers.

Answered by the same function that decides on requests; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from staticlet.apiserver import calls
from staticlet.apiserver.authn import proof
from staticlet.apiserver.authz import decide, nodes
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Objects
from staticlet.apiserver.verbs import answers, backend
from staticlet.kube import finding, refusal
from staticlet.kube.validate import peek

GROUP = "authorization.k8s.io"


def self_access(body: Object, user: calls.User, objects: Objects) -> Object:
    """A SelfSubjectAccessReview, answered.

    Raises:
        refusal.Refusal: 422: it does not say what it asks about.
    """
    kind = "SelfSubjectAccessReview"
    spec = peek.child(body, "spec")
    _check(kind, _what_errors(spec))
    return _answered(kind, body, _status(user, spec, objects))


def access(body: Object, objects: Objects) -> Object:
    """A SubjectAccessReview, answered.

    Raises:
        refusal.Refusal: 422: it does not say whom or what it asks about.
    """
    kind = "SubjectAccessReview"
    spec = peek.child(body, "spec")
    _check(kind, [*_what_errors(spec), *_whom_errors(spec)])
    return _answered(kind, body, _status(_user(spec), spec, objects))


def local_access(body: Object, namespace: str, objects: Objects) -> Object:
    """A LocalSubjectAccessReview, answered.

    Args:
        body: The review.
        namespace: The namespace that it was made in.
        objects: The store.

    Raises:
        refusal.Refusal: It asks about another namespace, or does not say what it asks about.
    """
    kind = "LocalSubjectAccessReview"
    spec = peek.child(body, "spec")
    errors = [*_what_errors(spec), *_whom_errors(spec)]
    if peek.has(spec, "nonResourceAttributes"):
        path = ("spec", "nonResourceAttributes")
        why = "disallowed on this kind of request"
        errors.append(
            finding.FieldError(finding.Kind.INVALID, path, spec["nonResourceAttributes"], why)
        )
    _check(kind, errors)
    asked = peek.text(peek.child(spec, "resourceAttributes"), "namespace")
    if asked != namespace:
        raise refusal.bad_request(
            f"spec.resourceAttributes.namespace must match namespace: {namespace}"
        )
    return _answered(kind, body, _status(_user(spec), spec, objects))


def self_rules(body: Object, user: calls.User) -> Object:
    """A SelfSubjectRulesReview, answered: what `kubectl auth can-i --list` shows.

    Raises:
        refusal.Refusal: 400: it names no namespace.
    """
    if not peek.text(peek.child(body, "spec"), "namespace"):
        raise refusal.bad_request("no namespace on request")
    status: Object = {"resourceRules": [], "nonResourceRules": [], "incomplete": False}
    if decide.MASTERS in user.groups:
        status["resourceRules"] = [_rule(["*"], ["*"], ["*"])]
        status["nonResourceRules"] = [{"verbs": ["*"], "nonResourceURLs": ["*"]}]
    else:
        readable = sorted(decide.PUBLIC_PATHS)
        if proof.AUTHENTICATED in user.groups:
            readable += sorted(decide.DISCOVERY_PATHS)
            readable += [f"{start}*" for start in decide.DISCOVERY_BELOW]
            status["resourceRules"] = [
                _rule(["create"], [group], [resource])
                for group, resource in sorted(decide.SELF_REVIEWS)
            ]
        status["nonResourceRules"] = [{"verbs": ["get"], "nonResourceURLs": readable}]
        if user.node:
            status["resourceRules"] += [
                _rule(sorted(verbs), [group], [resource])
                for (group, resource), verbs in nodes.RULES.items()
            ]
            status["incomplete"] = True
            status["evaluationError"] = "node authorizer does not support user rule resolution"
    return _answered("SelfSubjectRulesReview", body, status)


def _rule(verbs: Sequence[str], groups: Sequence[str], resources: Sequence[str]) -> Object:
    return {"verbs": list(verbs), "apiGroups": list(groups), "resources": list(resources)}


def _status(user: calls.User, spec: peek.Object, objects: Objects) -> Object:
    verdict = decide.decide(user, _target(spec), objects)
    status: Object = {"allowed": verdict.allowed}
    if verdict.reason:
        status["reason"] = verdict.reason
    return status


def _target(spec: peek.Object) -> calls.Target:
    other = peek.child(spec, "nonResourceAttributes")
    if peek.has(spec, "nonResourceAttributes"):
        return calls.Target(verb=peek.text(other, "verb"), path=peek.text(other, "path"))
    asked = peek.child(spec, "resourceAttributes")
    return calls.Target(
        verb=peek.text(asked, "verb"),
        path="",
        group=peek.text(asked, "group"),
        version=peek.text(asked, "version"),
        resource=peek.text(asked, "resource") or "*",
        subresource=peek.text(asked, "subresource"),
        namespace=peek.text(asked, "namespace"),
        name=peek.text(asked, "name"),
        field_selector=_selector(peek.child(asked, "fieldSelector")),
    )


def _selector(asked: peek.Object) -> str:
    """A field selector as a query has it; terms that no right depends on are left out."""
    raw = peek.text(asked, "rawSelector")
    if raw:
        return raw
    terms = []
    for requirement in peek.objects(asked, "requirements"):
        values = peek.texts(requirement, "values")
        if peek.text(requirement, "operator") == "In" and len(values) == 1:
            terms.append((peek.text(requirement, "key"), values[0]))
    return ",".join(f"{key}={value}" for key, value in terms if not set(",=\\") & {*key, *value})


def _user(spec: peek.Object) -> calls.User:
    extra = peek.child(spec, "extra")
    return calls.User(
        name=peek.text(spec, "user"),
        uid=peek.text(spec, "uid"),
        groups=peek.texts(spec, "groups"),
        extra={str(key): peek.texts(extra, key) for key in extra},
    )


def _what_errors(spec: peek.Object) -> list[finding.FieldError]:
    resource = peek.has(spec, "resourceAttributes")
    other = peek.has(spec, "nonResourceAttributes")
    if resource and other:
        return [
            finding.FieldError(
                finding.Kind.INVALID,
                ("spec", "nonResourceAttributes"),
                spec["nonResourceAttributes"],
                "cannot be specified in combination with resourceAttributes",
            )
        ]
    if not resource and not other:
        why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        path = ("spec", "resourceAttributes")
        return [finding.FieldError(finding.Kind.REQUIRED, path, None, why)]
    return []


def _whom_errors(spec: peek.Object) -> list[finding.FieldError]:
    if peek.text(spec, "user") or peek.texts(spec, "groups"):
        return []
    why = "at least one of user or group must be specified"
    return [finding.FieldError(finding.Kind.REQUIRED, ("spec", "user"), None, why)]


def _check(kind: str, errors: Sequence[finding.FieldError]) -> None:
    if errors:
        raise refusal.invalid(GROUP, kind, "", errors)


def _answered(kind: str, body: Object, status: dict[str, Any]) -> Object:
    return {
        "kind": kind,
        "apiVersion": f"{GROUP}/v1",
        "metadata": dict(peek.child(body, "metadata")),
        "spec": dict(peek.child(body, "spec")),
        "status": status,
    }


async def _self_access(
    back: backend.Backend, call: calls.Call, kind: Kind, body: Object
) -> answers.Answer:
    del kind
    return answers.Plain(body=self_access(body, call.user, back.store), code=201)


async def _access(
    back: backend.Backend, call: calls.Call, kind: Kind, body: Object
) -> answers.Answer:
    del call, kind
    return answers.Plain(body=access(body, back.store), code=201)


async def _local_access(
    back: backend.Backend, call: calls.Call, kind: Kind, body: Object
) -> answers.Answer:
    del kind
    return answers.Plain(body=local_access(body, call.target.namespace, back.store), code=201)


async def _self_rules(
    back: backend.Backend, call: calls.Call, kind: Kind, body: Object
) -> answers.Answer:
    del back, kind
    return answers.Plain(body=self_rules(body, call.user), code=201)


HANDLERS: Mapping[tuple[str, str, str], backend.Handler] = {
    (GROUP, "localsubjectaccessreviews", ""): _local_access,
    (GROUP, "selfsubjectaccessreviews", ""): _self_access,
    (GROUP, "selfsubjectrulesreviews", ""): _self_rules,
    (GROUP, "subjectaccessreviews", ""): _access,
}
"""What answers these creations."""
