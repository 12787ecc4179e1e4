"""Who am I, whose token is this, and a token please: the creations that authentication answers."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from staticlet.apiserver import calls
from staticlet.apiserver.admission import plugin
from staticlet.apiserver.authn import proof, tokenrequest
from staticlet.apiserver.authn.authenticator import Authenticator
from staticlet.apiserver.resources.kind import Kind, Object
from staticlet.apiserver.store.port import Objects
from staticlet.apiserver.verbs import answers, backend
from staticlet.kube import refusal, rfc3339
from staticlet.kube.validate import peek

GROUP = "authentication.k8s.io"


def handlers(authenticator: Authenticator) -> Mapping[tuple[str, str, str], backend.Handler]:
    """What answers these creations.

    Args:
        authenticator: Knows tokens, and issues those of service accounts.
    """
    return {
        (GROUP, "selfsubjectreviews", ""): _self_subject,
        (GROUP, "tokenreviews", ""): functools.partial(_token_review, authenticator),
        ("", "serviceaccounts", "token"): functools.partial(_token, authenticator),
    }


def self_subject(body: Object, user: calls.User, now: datetime) -> Object:
    """A SelfSubjectReview, answered."""
    metadata = {**peek.child(body, "metadata"), "creationTimestamp": rfc3339.text(now)}
    return {
        "kind": "SelfSubjectReview",
        "apiVersion": f"{GROUP}/v1",
        "metadata": metadata,
        "status": {"userInfo": user.info()},
    }


def token_review(body: Object, authenticator: Authenticator, objects: Objects) -> Object:
    """A TokenReview, answered.

    Raises:
        refusal.Refusal: 400: it holds no token.
    """
    spec = peek.child(body, "spec")
    token = peek.text(spec, "token")
    if not token:
        raise refusal.bad_request("token is required for TokenReview in authentication")
    try:
        proved = authenticator.review(
            token, objects, audiences=[one for one in peek.texts(spec, "audiences") if one]
        )
    except proof.NotProved as fault:
        status: dict[str, Any] = {"user": {}, "error": str(fault)}
    else:
        status = {"authenticated": True, "user": proved.user.info()}
        if proved.audiences:
            status["audiences"] = list(proved.audiences)
    return {
        "kind": "TokenReview",
        "apiVersion": f"{GROUP}/v1",
        "metadata": dict(peek.child(body, "metadata")),
        "spec": dict(spec),
        "status": status,
    }


async def _self_subject(
    back: backend.Backend, call: calls.Call, kind: Kind, body: Object
) -> answers.Answer:
    del back, kind
    return answers.Plain(body=self_subject(body, call.user, call.now), code=201)


async def _token_review(
    authenticator: Authenticator,
    back: backend.Backend,
    call: calls.Call,
    kind: Kind,
    body: Object,
) -> answers.Answer:
    del call, kind
    return answers.Plain(body=token_review(body, authenticator, back.store), code=201)


async def _token(
    authenticator: Authenticator,
    back: backend.Backend,
    call: calls.Call,
    kind: Kind,
    body: Object,
) -> answers.Answer:
    tokens = authenticator.accounts
    if tokens is None:
        raise refusal.no_such_path()
    namespace, name = call.target.namespace, call.target.name
    tokenrequest.prepare(body, namespace=namespace, name=name)
    tokenrequest.check(body, namespace=namespace, name=name)
    review = plugin.Review(
        call=call, kind=kind, operation="CREATE", object=body, old=None, name=name
    )
    back.admission.mutate(review, back.store)
    back.admission.validate(review, back.store)
    answered = tokenrequest.answer(body, tokens, back.store, call.now, back.new_uid())
    return answers.Plain(body=answered, code=201)
