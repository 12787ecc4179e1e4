"""Laws of identity: junk proves nothing and harms nothing; a node gets only what is its own."""

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from staticlet.apiserver import calls
from staticlet.apiserver.admission import noderestriction, plugin
from staticlet.apiserver.authn import accounts, authenticator, keys, proof, tokenfile
from staticlet.apiserver.authz import decide, impersonation
from staticlet.apiserver.resources import registry
from staticlet.apiserver.reviews import access, subjects
from staticlet.kube import refusal
from staticlet.testing import fake_objects, fakes

NODE = calls.User(name="system:node:node1", groups=("system:nodes", proof.AUTHENTICATED))
EMPTY = fake_objects.FakeObjects()
NAMES = st.sampled_from(["a", "b", "c"])
NODES = st.sampled_from(["node1", "node2", ""])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


def code(action):
    """The HTTP status of a refusal; 200 when nothing is refused. Nothing else may be raised."""
    try:
        action()
    except refusal.Refusal as refused:
        return refused.code
    return 200


@pytest.fixture(scope="module")
def believer():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return authenticator.Authenticator(
        clock=fakes.ManualClock(),
        token_file=tokenfile.TokenFile({}),
        accounts=accounts.AccountTokens(keys.read(key, "sa.key")),
    )


SEGMENTS = st.binary(max_size=40).map(jwt.utils.base64url_encode)
TOKENS = st.lists(SEGMENTS, min_size=3, max_size=3).map(lambda parts: b".".join(parts).decode())
HEADERS = st.one_of(
    st.text(max_size=60),
    st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    st.text(max_size=60).map(lambda text: f"Bearer {text}"),
    TOKENS.map(lambda token: f"Bearer {token}"),
)


@given(HEADERS)
def test_no_header_raises_anything_but_a_refusal(believer, header):
    with pytest.raises(refusal.Refusal) as refused:
        believer.authenticate(header, None, EMPTY)
    assert refused.value.code == 401


@given(st.text(max_size=200))
def test_any_text_is_a_token_file_or_refused_in_words(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("tokens") / "tokens.csv"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    told = str(path)
    try:
        tokenfile.load(path)
    except tokenfile.TokenFileFault as fault:
        told = str(fault)
    assert str(path) in told


@given(st.binary(max_size=100), st.sampled_from(["PRIVATE KEY", "PUBLIC KEY", "RSA PRIVATE KEY"]))
def test_no_key_file_raises_anything_but_a_fault(data, kind):
    block = f"-----BEGIN {kind}-----\n".encode() + data + f"\n-----END {kind}-----\n".encode()
    for junk in (data, block):
        with pytest.raises(keys.KeyFault):
            keys.read(junk, "sa.key")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                ["Impersonate-User", "Impersonate-Group", "impersonate-extra-%zz", "Accept"]
            ),
            st.text(max_size=9),
        )
    )
)
def test_nobody_becomes_another_by_headers(headers):
    became = []
    done = code(lambda: became.append(impersonation.impersonate(NODE, headers, EMPTY)))
    assert became == [NODE] if done == 200 else done in (400, 403)


@given(st.dictionaries(st.sampled_from(["spec", "metadata", "kind"]), JSON), JSON, JSON)
def test_no_review_raises_anything_but_a_refusal(believer, body, one, other):
    body["spec"] = body.get("spec") or {"resourceAttributes": one, "nonResourceAttributes": other}
    for answer in (
        lambda: subjects.token_review(body, believer, EMPTY),
        lambda: subjects.self_subject(body, NODE, fakes.START),
        lambda: access.self_access(body, NODE, EMPTY),
        lambda: access.access(body, EMPTY),
        lambda: access.local_access(body, "a", EMPTY),
        lambda: access.self_rules(body, NODE),
    ):
        assert code(answer) in (200, 400, 422)


@st.composite
def pods(draw):
    reference = draw(NAMES)
    spec = draw(
        st.sampled_from(
            [
                {},
                {"imagePullSecrets": [{"name": reference}]},
                {"serviceAccountName": reference},
                {"containers": [{"envFrom": [{"configMapRef": {"name": reference}}]}]},
                {"volumes": [{"name": "v", "secret": {"secretName": reference}}]},
            ]
        )
    )
    mirror = {"kubernetes.io/config.mirror": "x"} if draw(st.booleans()) else {}
    return {
        "kind": "Pod",
        "metadata": {
            "name": draw(NAMES),
            "namespace": draw(NAMES),
            "uid": draw(NAMES),
            "annotations": mirror,
        },
        "spec": {"nodeName": draw(NODES), **spec},
    }


OBJECTS = st.lists(pods(), max_size=5).map(fake_objects.FakeObjects)


def readable(objects, resource, namespace, name):
    """What a node may read, written down the long way."""
    found = set()
    for record in objects.list("pods", namespace).records:
        pod = record.object()
        spec = pod["spec"]
        if spec["nodeName"] != "node1":
            continue
        if resource == "pods":
            found.add(pod["metadata"]["name"])
        if pod["metadata"]["annotations"]:
            continue
        if resource == "serviceaccounts":
            found.add(spec.get("serviceAccountName"))
        if resource == "secrets":
            found |= {one["name"] for one in spec.get("imagePullSecrets", [])}
            found |= {one["secret"]["secretName"] for one in spec.get("volumes", [])}
        if resource == "configmaps":
            for container in spec.get("containers", []):
                found |= {one["configMapRef"]["name"] for one in container["envFrom"]}
    return name in found


@given(
    OBJECTS,
    st.sampled_from(["pods", "secrets", "configmaps", "serviceaccounts"]),
    NAMES,
    NAMES,
)
def test_a_node_reads_exactly_what_its_pods_need(objects, resource, namespace, name):
    wanted = calls.Target(
        verb="get", path="", version="v1", resource=resource, namespace=namespace, name=name
    )
    allowed = decide.decide(NODE, wanted, objects).allowed
    assert allowed == readable(objects, resource, namespace, name)


WRITES = ["create", "update", "patch", "delete", "deletecollection"]


@given(
    OBJECTS,
    st.sampled_from([*WRITES, "get", "list", "watch", "impersonate", "*"]),
    st.sampled_from([kind.group for kind in registry.kinds()]),
    st.sampled_from([*{kind.plural for kind in registry.kinds()}, "*", "widgets"]),
    st.sampled_from(["", "status", "binding", "token", "eviction", "exec", "log", "proxy"]),
    st.sampled_from(["", "a", "kube-node-lease"]),
    st.sampled_from(["", "node2", "a"]),
)
def test_a_node_never_gets_at_what_is_another_nodes(
    objects, verb, group, resource, subresource, namespace, name
):
    """What authorization lets pass about another node's things, admission stops."""
    wanted = calls.Target(
        verb=verb,
        path="",
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )
    if not decide.decide(NODE, wanted, objects).allowed:
        return
    assert verb not in ("deletecollection", "impersonate", "*")
    assert resource not in ("widgets", "*", "namespaces")
    if (group, resource) == ("", "nodes"):
        assert verb in ("create", "update", "patch")
        old = {"metadata": {"name": name or "node2"}}
        assert stopped(wanted, old, objects)
    if (group, resource) == ("", "pods") and verb in ("delete", "update", "patch"):
        old = {"metadata": {"name": name}, "spec": {"nodeName": "node2"}}
        assert stopped(wanted, old, objects)
    if resource in ("leases", "csinodes") and group:
        assert verb == "create"
        assert stopped(wanted, {"metadata": {"name": name or "node2"}}, objects)
    if resource in ("secrets", "configmaps"):
        assert verb in ("get", "list", "watch")
        assert readable(objects, resource, namespace, name)


def stopped(wanted, obj, objects):
    """Whether admission refuses it."""
    operation = {"create": "CREATE", "delete": "DELETE"}.get(wanted.verb, "UPDATE")
    review = plugin.Review(
        call=calls.Call(user=NODE, target=wanted, query={}, now=fakes.START),
        kind=registry.kinds().find(wanted.group, wanted.version, wanted.resource),
        operation=operation,
        object=None if operation == "DELETE" else obj,
        old=None if operation == "CREATE" else obj,
        name=wanted.name,
    )
    return code(lambda: noderestriction.NodeRestriction().validate(review, objects)) != 200


@given(
    st.sampled_from(["pods", "nodes", "serviceaccounts", "leases", "configmaps"]),
    st.sampled_from(["", "status", "token", "eviction"]),
    st.sampled_from(["CREATE", "UPDATE", "DELETE"]),
    st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON),
    st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), JSON),
    OBJECTS,
)
def test_no_object_makes_admission_raise_anything_but_a_refusal(
    resource, subresource, operation, new, old, objects
):
    group = "coordination.k8s.io" if resource == "leases" else ""
    wanted = calls.Target(
        verb="create",
        path="",
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        namespace="a",
        name="a",
    )
    review = plugin.Review(
        call=calls.Call(user=NODE, target=wanted, query={}, now=fakes.START),
        kind=registry.kinds().find(group, "v1", resource),
        operation=operation,
        object=new,
        old=old,
        name="a",
    )
    done = code(lambda: noderestriction.NodeRestriction().validate(review, objects))
    assert done in (200, 403, 404)
