"""Who am I, whose token is this, may I, and a token please: the creations that nothing keeps."""

import dataclasses

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from staticlet.apiserver import calls
from staticlet.apiserver.admission import noderestriction, plugin
from staticlet.apiserver.authn import accounts, authenticator, keys, proof, tokenfile
from staticlet.apiserver.resources import registry
from staticlet.apiserver.reviews import access, subjects
from staticlet.kube import refusal
from staticlet.testing import fake_objects, fakes

ADMIN = calls.User(name="admin", groups=("system:masters", proof.AUTHENTICATED))
NODE = calls.User(name="system:node:node1", groups=("system:nodes", proof.AUTHENTICATED))
NOBODY = calls.User(name="nobody", uid="7", groups=(proof.AUTHENTICATED,), extra={"a": ("b",)})


@dataclasses.dataclass(kw_only=True)
class Back:
    """What handlers use of a backend."""

    store: fake_objects.FakeObjects
    admission: plugin.Chain
    new_uid = staticmethod(lambda: "new-uid")


class World:
    """The handlers over a few objects."""

    def __init__(self, tmp_path):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (tmp_path / "tokens.csv").write_text("s3cret,admin,1,system:masters\n")
        self.clock = fakes.ManualClock()
        self.objects = fake_objects.FakeObjects(
            [
                named("ServiceAccount", "robot"),
                named("Secret", "s"),
                named("Node", "node1", namespace=""),
                {**named("Pod", "web"), "spec": {"nodeName": "node1", **tokens_for("robot")}},
                {**named("Pod", "else"), "spec": {"serviceAccountName": "else"}},
            ]
        )
        self.authenticator = authenticator.Authenticator(
            clock=self.clock,
            token_file=tokenfile.load(tmp_path / "tokens.csv"),
            accounts=accounts.AccountTokens(keys.read(key, "sa.key")),
        )
        self.handlers = {
            **subjects.handlers(self.authenticator),
            **access.HANDLERS,
        }

    async def ask(self, resource, body=None, *, user=ADMIN, group="", name="", namespace=""):
        plural, _, subresource = resource.partition("/")
        target = calls.Target(
            verb="create",
            path="",
            group=group,
            version="v1",
            resource=plural,
            subresource=subresource,
            namespace=namespace,
            name=name,
        )
        answer = await self.handlers[group, plural, subresource](
            Back(
                store=self.objects,
                admission=plugin.Chain((noderestriction.NodeRestriction(),)),
            ),
            calls.Call(user=user, target=target, query={}, now=self.clock.now()),
            registry.kinds().find(group, "v1", plural),
            body or {},
        )
        assert answer.code == 201
        return answer.body

    async def may(self, user=ADMIN, resource="selfsubjectaccessreviews", namespace="", **spec):
        answer = await self.ask(
            resource,
            {"spec": spec},
            user=user,
            group="authorization.k8s.io",
            namespace=namespace,
        )
        assert answer["spec"] == spec
        return answer["status"]

    async def token(self, *, name="robot", user=ADMIN, metadata=None, **spec):
        body = {"spec": spec} | ({"metadata": metadata} if metadata else {})
        return await self.ask(
            "serviceaccounts/token", body, user=user, namespace="default", name=name
        )

    async def whose(self, token, *audiences):
        answer = await self.ask(
            "tokenreviews",
            {"spec": {"token": token, "audiences": list(audiences)}},
            group="authentication.k8s.io",
        )
        return answer["status"]


def named(kind, name, *, namespace="default"):
    return {
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}"},
    }


def tokens_for(account):
    sources = [{"serviceAccountToken": {"path": "token"}}]
    return {
        "serviceAccountName": account,
        "volumes": [{"name": "v", "projected": {"sources": sources}}],
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("world"))


async def refused(asking):
    with pytest.raises(refusal.Refusal) as caught:
        await asking
    return caught.value


async def test_one_is_told_who_one_is(world):
    answer = await world.ask("selfsubjectreviews", user=NOBODY, group="authentication.k8s.io")
    assert answer["status"]["userInfo"] == {
        "username": "nobody",
        "uid": "7",
        "groups": ["system:authenticated"],
        "extra": {"a": ["b"]},
    }


async def test_a_token_review_says_whose_a_token_is(world):
    jwt = (await world.token())["status"]["token"]
    status = await world.whose(jwt)
    assert status["authenticated"] is True
    assert status["user"]["username"] == "system:serviceaccount:default:robot"
    assert status["audiences"] == [accounts.ISSUER]
    assert (await world.whose("s3cret"))["user"]["groups"] == [
        "system:masters",
        "system:authenticated",
    ]


async def test_a_false_token_is_not_authenticated_and_no_error(world):
    assert await world.whose("nonsense") == {"user": {}, "error": "invalid bearer token"}
    assert "authenticated" not in await world.whose("s3cret", "vault")


async def test_a_token_review_needs_a_token(world):
    assert (await refused(world.whose(""))).code == 400


async def test_a_token_is_made_as_the_api_says(world):
    answer = await world.token(expirationSeconds=600)
    assert answer["status"].pop("token")
    assert answer == {
        "kind": "TokenRequest",
        "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": "robot",
            "namespace": "default",
            "uid": "new-uid",
            "creationTimestamp": "2030-01-01T00:00:00Z",
        },
        "spec": {
            "audiences": [accounts.ISSUER],
            "expirationSeconds": 600,
            "boundObjectRef": None,
        },
        "status": {"expirationTimestamp": "2030-01-01T00:10:00Z"},
    }
    assert (await world.token())["spec"]["expirationSeconds"] == 3600


@pytest.mark.parametrize("seconds", [0, -1, 599])
async def test_a_token_lasts_ten_minutes_at_least(world, seconds):
    fault = await refused(world.token(expirationSeconds=seconds))
    assert fault.code == 422
    assert fault.message == (
        'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid '
        f"value: {seconds}: may not specify a duration less than 10 minutes"
    )


async def test_a_token_does_not_last_for_ever(world):
    assert (await refused(world.token(expirationSeconds=2**32 + 1))).code == 422
    assert (await world.token(expirationSeconds=2**32))["status"]["token"]


async def test_the_name_in_a_token_request_is_the_accounts(world):
    assert (await refused(world.token(metadata={"name": "other"}))).code == 422


async def test_a_token_for_an_account_that_is_not_there_is_not_found(world):
    fault = await refused(world.token(name="none"))
    assert (fault.code, fault.message) == (404, 'serviceaccounts "none" not found')


@pytest.mark.parametrize(("kind", "name"), [("Pod", "web"), ("Secret", "s"), ("Node", "node1")])
async def test_a_token_is_bound_to_what_is_named(world, kind, name):
    ref = {"apiVersion": "v1", "kind": kind, "name": name, "uid": f"uid-{name}"}
    answer = await world.token(boundObjectRef=ref)
    assert (await world.whose(answer["status"]["token"]))["authenticated"]
    assert answer["spec"]["boundObjectRef"] == ref
    absent = await refused(world.token(boundObjectRef={**ref, "name": "none"}))
    assert absent.code == 404
    another = await refused(world.token(boundObjectRef={**ref, "uid": "another"}))
    assert another.code == 409


async def test_a_token_of_a_pod_tells_its_node(world):
    ref = {"apiVersion": "v1", "kind": "Pod", "name": "web"}
    answer = await world.token(boundObjectRef=ref)
    extra = (await world.whose(answer["status"]["token"]))["user"]["extra"]
    assert extra["authentication.kubernetes.io/node-name"] == ["node1"]


@pytest.mark.parametrize(
    "ref",
    [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x"},
        {"apiVersion": "apps/v1", "kind": "Pod", "name": "web"},
        {"apiVersion": "v1", "kind": "Pod", "name": "else"},
        {},
    ],
)
async def test_a_token_is_not_bound_to_just_anything(world, ref):
    assert (await refused(world.token(boundObjectRef=ref))).code == 400


async def test_a_node_has_a_token_made_for_its_pod_only(world):
    ref = {"apiVersion": "v1", "kind": "Pod", "name": "web", "uid": "uid-web"}
    answer = await world.token(user=NODE, boundObjectRef=ref)
    assert answer["spec"]["audiences"] == [accounts.ISSUER]
    fault = await refused(world.token(user=NODE))
    assert (fault.code, fault.message) == (
        403,
        'serviceaccounts "robot" is forbidden: node requested token not bound to a pod',
    )


PODS = {"namespace": "default", "verb": "create", "resource": "pods"}


async def test_one_is_told_what_one_may(world):
    assert await world.may(resourceAttributes=PODS) == {"allowed": True}
    assert await world.may(NOBODY, resourceAttributes=PODS) == {"allowed": False}
    healthy = {"verb": "get", "path": "/healthz"}
    assert (await world.may(NOBODY, nonResourceAttributes=healthy))["allowed"]
    anything = {"verb": "*", "resource": "*", "group": "*"}
    assert (await world.may(resourceAttributes=anything))["allowed"]
    assert not (await world.may(NODE, resourceAttributes=anything))["allowed"]
    assert not (await world.may(NODE, resourceAttributes={}))["allowed"]


async def test_a_node_is_told_why_it_may_not(world):
    other = {"verb": "get", "resource": "nodes", "name": "node2"}
    assert await world.may(NODE, resourceAttributes=other) == {
        "allowed": False,
        "reason": "node 'node1' cannot read 'node2', only its own Node object",
    }


@pytest.mark.parametrize(
    "selector",
    [
        {"rawSelector": "spec.nodeName=node1"},
        {"requirements": [{"key": "spec.nodeName", "operator": "In", "values": ["node1"]}]},
    ],
)
async def test_a_field_selector_counts(world, selector):
    asked = {"verb": "list", "resource": "pods", "fieldSelector": selector}
    assert (await world.may(NODE, resourceAttributes=asked))["allowed"]


@pytest.mark.parametrize(
    "requirement",
    [
        {"key": "spec.nodeName", "operator": "In", "values": ["node1", "node2"]},
        {"key": "spec.nodeName", "operator": "NotIn", "values": ["node1"]},
        {"key": "x", "operator": "In", "values": ["a,spec.nodeName=node1"]},
    ],
)
async def test_another_field_selector_does_not(world, requirement):
    asked = {
        "verb": "list",
        "resource": "pods",
        "fieldSelector": {"requirements": [requirement]},
    }
    assert not (await world.may(NODE, resourceAttributes=asked))["allowed"]


def about(user, **spec):
    return {"spec": {"user": user.name, "groups": list(user.groups), **spec}}


async def test_others_can_be_asked_about(world):
    own = {"verb": "get", "resource": "nodes", "name": "node1"}
    body = about(NODE, resourceAttributes=own)
    group = "authorization.k8s.io"
    answer = await world.ask("subjectaccessreviews", body, group=group)
    assert answer["status"] == {"allowed": True}
    body = about(NOBODY, resourceAttributes=own)
    answer = await world.ask("subjectaccessreviews", body, group=group)
    assert answer["status"] == {"allowed": False}


async def test_others_can_be_asked_about_in_a_namespace(world):
    async def ask(namespace, body):
        return await world.ask(
            "localsubjectaccessreviews", body, group="authorization.k8s.io", namespace=namespace
        )

    body = about(ADMIN, resourceAttributes=PODS)
    assert (await ask("default", body))["status"] == {"allowed": True}
    assert (await refused(ask("elsewhere", body))).code == 400
    paths = about(ADMIN, nonResourceAttributes={"verb": "get", "path": "/"})
    assert (await refused(ask("default", paths))).code == 422


@pytest.mark.parametrize("spec", [{}, {"resourceAttributes": PODS, "nonResourceAttributes": {}}])
@pytest.mark.parametrize("resource", ["selfsubjectaccessreviews", "subjectaccessreviews"])
async def test_a_review_asks_about_one_thing(world, resource, spec):
    fault = await refused(world.may(resource=resource, **spec))
    assert fault.code == 422


async def test_rules_are_listed(world):
    async def rules(user):
        body = {"spec": {"namespace": "default"}}
        group = "authorization.k8s.io"
        answer = await world.ask("selfsubjectrulesreviews", body, user=user, group=group)
        return answer["status"]

    everything = await rules(ADMIN)
    assert everything["resourceRules"] == [
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
    ]
    assert everything["incomplete"] is False
    little = await rules(NOBODY)
    assert {rule["resources"][0] for rule in little["resourceRules"]} == {
        "selfsubjectaccessreviews",
        "selfsubjectreviews",
        "selfsubjectrulesreviews",
    }
    assert (await rules(NODE))["incomplete"] is True


async def test_rules_are_of_a_namespace(world):
    fault = await refused(world.ask("selfsubjectrulesreviews", {}, group="authorization.k8s.io"))
    assert fault.code == 400
