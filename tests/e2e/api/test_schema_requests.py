"""Requests made up from the server's own OpenAPI documents: each is answered or refused."""

from __future__ import annotations

import contextlib
from itertools import zip_longest

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import errors

from staticlet.host import certs
from staticlet.testing import apirun, apiserver

EXAMPLES = 3
DOCUMENTS = ("api/v1", "apis/coordination.k8s.io/v1", "apis/events.k8s.io/v1")
REVIEWS = ("apis/authentication.k8s.io/v1", "apis/authorization.k8s.io/v1")
REFUSED_LATE = 504
OPEN_ENDED = ("watch", "timeoutSeconds", "sendInitialEvents")
PASSED_ON = frozenset({"proxy", "log", "exec", "attach", "portforward"})
"""What is passed on to a node: its answers have no schema."""


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    with apirun.running(tmp_path_factory.mktemp("schema"), controllers="none") as running:
        yield running


@pytest.fixture(scope="module")
def session(still):
    with requests.Session() as made:
        made.trust_env = False  # a CA bundle of the environment would take precedence
        made.verify = str(certs.Places(still.options.state_dir).ca)
        made.headers["Authorization"] = f"Bearer {apiserver.TOKENS['admin']}"
        yield made


def send(case, url, session):
    """Send a made up request that does not go on for ever."""
    case.query = {k: v for k, v in (case.query or {}).items() if k not in OPEN_ENDED}
    case.headers = {
        name: value
        for name, value in (case.headers or {}).items()
        if name.lower() not in {"authorization", "content-length", "transfer-encoding"}
    }
    arguments = case.as_transport_kwargs(base_url=url)
    return session.request(**{**arguments, "timeout": 10}, allow_redirects=False)


@pytest.mark.parametrize("document", [*DOCUMENTS, *REVIEWS])
def test_what_the_schema_allows_is_answered(still, session, document):
    spec = session.get(f"{still.url}/openapi/v3/{document}").json()
    schema = schemathesis.openapi.from_dict(spec)
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[hypothesis.Phase.generate],
            suppress_health_check=[*hypothesis.HealthCheck],
        )
        @hypothesis.given(operation.as_strategy())
        def answered(case):
            nonlocal sent
            reply = send(case, still.url, session)
            sent += 1
            told = f"{reply.request.method} {reply.request.url} {reply.request.body!r}"
            assert reply.status_code < 500 or reply.status_code == REFUSED_LATE, (
                f"{told}: {reply.status_code} {reply.text[:500]}{still.story()}"
            )

        with contextlib.suppress(errors.Unsatisfiable):
            answered()
    assert sent >= EXAMPLES


def test_every_path_of_discovery_is_in_the_schema(still, session):
    described = set(session.get(f"{still.url}/openapi/v3/api/v1").json()["paths"])
    listed = session.get(f"{still.url}/api/v1").json()["resources"]
    for resource in listed:
        name, _, subresource = resource["name"].partition("/")
        if subresource in PASSED_ON:
            continue
        parts = ["/api/v1", *(["namespaces/{namespace}"] if resource["namespaced"] else []), name]
        parts += ["{name}", subresource] if subresource else []
        path = "/".join(parts)
        assert any(same(path, one) for one in described), f"{path} is not described"


def same(path, other):
    pairs = zip_longest(path.split("/"), other.split("/"))
    return all(a == b or ("{" in (a or "") and "{" in (b or "")) for a, b in pairs)
