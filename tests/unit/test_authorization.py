"""Who may do what, and what a denial says."""

import pytest

from staticlet.apiserver import calls
from staticlet.apiserver.authn import proof
from staticlet.apiserver.authz import decide, denial, impersonation
from staticlet.apiserver.store.port import Key
from staticlet.kube import refusal
from staticlet.testing import fake_objects

ADMIN = calls.User(name="admin", groups=("system:masters", proof.AUTHENTICATED))
NODE = calls.User(name="system:node:node1", groups=("system:nodes", proof.AUTHENTICATED))
ROBOT = calls.User(
    name="system:serviceaccount:default:robot",
    groups=("system:serviceaccounts", "system:serviceaccounts:default", proof.AUTHENTICATED),
)
EMPTY = fake_objects.FakeObjects()


def target(verb, resource, name="", *, group="", namespace="", fields="", path=""):
    resource, _, subresource = resource.partition("/")
    return calls.Target(
        verb=verb,
        path=path,
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
        field_selector=fields,
    )


def path(text, verb="get"):
    return calls.Target(verb=verb, path=text)


def pod(name="web", *, node="node1", namespace="ns", mirror=False, **spec):
    annotations = {"kubernetes.io/config.mirror": "x"} if mirror else {}
    return {
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations},
        "spec": {"nodeName": node, **spec},
    }


def allowed(user, wanted, objects=EMPTY):
    return decide.decide(user, wanted, objects).allowed


def reason(wanted, objects=EMPTY, user=NODE):
    verdict = decide.decide(user, wanted, objects)
    assert not verdict.allowed
    return verdict.reason


def test_administrators_may_do_everything():
    for wanted in (target("deletecollection", "widgets", group="x"), path("/metrics")):
        assert allowed(ADMIN, wanted)


@pytest.mark.parametrize("where", ["/healthz", "/livez", "/readyz", "/version"])
def test_anybody_may_see_that_the_server_lives(where):
    assert allowed(proof.NOBODY, path(where))
    assert not allowed(proof.NOBODY, path(where, verb="post"))


@pytest.mark.parametrize("where", ["/api", "/api/v1", "/apis/apps/v1", "/openapi/v2"])
def test_discovery_is_for_the_authenticated(where):
    assert allowed(ROBOT, path(where))
    assert not allowed(proof.NOBODY, path(where))


@pytest.mark.parametrize("where", ["/", "/metrics", "/readyz/ping", "/nope", "/apiserver"])
def test_other_paths_are_for_administrators(where):
    assert not allowed(ROBOT, path(where))


@pytest.mark.parametrize("resource", ["selfsubjectaccessreviews", "selfsubjectrulesreviews"])
def test_everybody_may_ask_what_they_may(resource):
    wanted = target("create", resource, group="authorization.k8s.io")
    assert allowed(ROBOT, wanted)
    assert not allowed(proof.NOBODY, wanted)
    assert not allowed(ROBOT, target("create", resource))


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "delete"])
@pytest.mark.parametrize("resource", ["pods", "secrets", "nodes", "serviceaccounts/token"])
def test_service_accounts_read_and_write_nothing(verb, resource):
    assert not allowed(ROBOT, target(verb, resource, "x", namespace="default"))


def test_a_node_without_the_group_of_nodes_is_no_node():
    alone = calls.User(name="system:node:node1", groups=(proof.AUTHENTICATED,))
    assert not allowed(alone, target("get", "nodes", "node1"))


def test_a_node_that_is_not_authenticated_is_no_node():
    claimed = calls.User(name="system:node:node1", groups=("system:nodes",))
    assert not allowed(claimed, target("get", "nodes", "node1"))


def test_a_node_reads_itself_and_no_other_node():
    for verb in ("get", "list", "watch"):
        assert allowed(NODE, target(verb, "nodes", "node1"))
    assert reason(target("get", "nodes", "node2")) == (
        "node 'node1' cannot read 'node2', only its own Node object"
    )
    assert reason(target("list", "nodes")) == (
        "node 'node1' cannot read all nodes, only its own Node object"
    )


def test_a_node_writes_nodes_and_their_status_and_deletes_none():
    assert allowed(NODE, target("create", "nodes"))
    assert allowed(NODE, target("patch", "nodes/status", "node1"))
    assert reason(target("delete", "nodes", "node1")) == ""


@pytest.mark.parametrize(
    "fields",
    ["spec.nodeName=node1", "spec.nodeName==node1", "metadata.namespace=a,spec.nodeName=node1"],
)
def test_a_node_lists_the_pods_that_are_on_it(fields):
    for verb in ("list", "watch"):
        assert allowed(NODE, target(verb, "pods", fields=fields))


@pytest.mark.parametrize(
    "fields",
    [
        "",
        "spec.nodeName=node2",
        "spec.nodeName!=node1",
        "spec.nodeName=node1x",
        "spec.nodeName=",
        "metadata.name=x\\,spec.nodeName=node1",
        "xspec.nodeName=node1",
    ],
)
def test_a_node_lists_no_other_pods(fields):
    assert reason(target("list", "pods", fields=fields)) == (
        "can only list/watch pods with spec.nodeName field selector"
    )


def test_a_node_does_not_delete_collections_of_pods():
    wanted = target("deletecollection", "pods", namespace="ns", fields="spec.nodeName=node1")
    assert not allowed(NODE, wanted)


def test_a_node_reads_the_pods_that_are_on_it():
    objects = fake_objects.FakeObjects([pod(), pod("other", node="node2")])
    assert allowed(NODE, target("get", "pods", "web", namespace="ns"), objects)
    assert allowed(NODE, target("watch", "pods", "web", namespace="ns"), objects)
    for name, namespace in (("other", "ns"), ("none", "ns"), ("web", "elsewhere")):
        assert reason(target("get", "pods", name, namespace=namespace), objects) == (
            "no relationship found between node 'node1' and this object"
        )


REFERENCES = {
    "secrets": [
        {"volumes": [{"name": "v", "secret": {"secretName": "it"}}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "it"}}]}}]},
        {"volumes": [{"name": "v", "csi": {"nodePublishSecretRef": {"name": "it"}}}]},
        {"volumes": [{"name": "v", "azureFile": {"secretName": "it"}}]},
        {"imagePullSecrets": [{"name": "it"}]},
        {"containers": [{"envFrom": [{"secretRef": {"name": "it"}}]}]},
        {"initContainers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "it"}}}]}]},
        {"ephemeralContainers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "it"}}}]}]},
    ],
    "configmaps": [
        {"volumes": [{"name": "v", "configMap": {"name": "it"}}]},
        {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "it"}}]}}]},
        {"containers": [{"envFrom": [{"configMapRef": {"name": "it"}}]}]},
        {"containers": [{"env": [{"valueFrom": {"configMapKeyRef": {"name": "it"}}}]}]},
    ],
    "serviceaccounts": [{"serviceAccountName": "it"}],
}


@pytest.mark.parametrize(
    ("resource", "spec"),
    [(resource, spec) for resource, specs in REFERENCES.items() for spec in specs],
)
def test_a_node_reads_what_its_pods_refer_to(resource, spec):
    wanted = target("get", resource, "it", namespace="ns")
    objects = fake_objects.FakeObjects([pod(**spec)])
    assert allowed(NODE, wanted, objects)
    for others in (
        [],
        [pod(node="node2", **spec)],
        [pod(namespace="elsewhere", **spec)],
        [pod(mirror=True, **spec)],
        [pod("it", labels={"it": "it"})],
    ):
        assert reason(wanted, fake_objects.FakeObjects(others)) == (
            "no relationship found between node 'node1' and this object"
        )
    for other in set(REFERENCES) - {resource}:
        assert not allowed(NODE, target("get", other, "it", namespace="ns"), objects)


def test_a_node_loses_the_right_with_the_pod():
    spec = {"imagePullSecrets": [{"name": "it"}]}
    objects = fake_objects.FakeObjects([pod(**spec)])
    wanted = target("get", "secrets", "it", namespace="ns")
    assert allowed(NODE, wanted, objects)
    objects.remove(Key("pods", "ns", "web"))
    assert not allowed(NODE, wanted, objects)


def test_a_node_lists_and_writes_no_secrets():
    objects = fake_objects.FakeObjects([pod(imagePullSecrets=[{"name": "it"}])])
    listing = target("list", "secrets", namespace="ns")
    assert reason(listing, objects) == "No Object name found"
    assert allowed(NODE, target("watch", "secrets", "it", namespace="ns"), objects)
    assert reason(target("list", "secrets"), objects) == (
        "can only read namespaced object of this type"
    )
    writing = target("update", "secrets", "it", namespace="ns")
    assert reason(writing, objects) == "can only read resources of this type"


def test_a_node_has_tokens_made_for_accounts_of_its_pods():
    objects = fake_objects.FakeObjects([pod(serviceAccountName="robot")])
    assert allowed(
        NODE, target("create", "serviceaccounts/token", "robot", namespace="ns"), objects
    )
    other = target("create", "serviceaccounts/token", "root", namespace="ns")
    assert reason(other, objects).startswith("no relationship found")
    assert reason(target("create", "serviceaccounts", namespace="ns"), objects) == (
        "can only create tokens for individual service accounts"
    )


def test_a_node_keeps_its_own_lease():
    def lease(verb, name="", namespace="kube-node-lease"):
        return target(verb, "leases", name, group="coordination.k8s.io", namespace=namespace)

    for verb in ("get", "update", "patch", "delete"):
        assert allowed(NODE, lease(verb, "node1"))
        assert reason(lease(verb, "node2")) == (
            "can only access node lease with the same name as the requesting node"
        )
    assert allowed(NODE, lease("create"))
    assert reason(lease("list")) == ("can only get, create, update, patch, or delete a node lease")
    assert reason(lease("get", "node1", "default")) == (
        'can only access leases in the "kube-node-lease" system namespace'
    )


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("list", "", "services"),
        ("watch", "node.k8s.io", "runtimeclasses"),
        ("get", "storage.k8s.io", "csidrivers"),
        ("patch", "", "events"),
        ("create", "events.k8s.io", "events"),
        ("create", "authentication.k8s.io", "tokenreviews"),
        ("create", "authorization.k8s.io", "subjectaccessreviews"),
    ],
)
def test_a_node_may_what_an_agent_needs(verb, group, resource):
    assert allowed(NODE, target(verb, resource, group=group))
    assert not allowed(NODE, target("delete", resource, "x", group=group))


def test_denials_say_who_may_not_do_what_where():
    said = denial.words(ROBOT, target("get", "pods/log", "web", namespace="ns"))
    assert said.status() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": (
            'pods "web" is forbidden: User "system:serviceaccount:default:robot" cannot get '
            'resource "pods/log" in API group "" in the namespace "ns"'
        ),
        "reason": "Forbidden",
        "details": {"name": "web", "kind": "pods"},
        "code": 403,
    }


def test_denials_of_a_path_have_details_that_are_empty():
    said = denial.words(proof.NOBODY, path("/metrics")).status()
    assert said["message"] == 'forbidden: User "system:anonymous" cannot get path "/metrics"'
    assert said["details"] == {}


def acting(user, *headers):
    return impersonation.impersonate(user, headers, EMPTY)


def test_without_the_headers_one_stays_who_one_is():
    assert acting(ROBOT, ("Accept", "*/*")) is ROBOT


def test_an_administrator_acts_as_somebody_else():
    user = acting(
        ADMIN,
        ("Impersonate-User", "jane"),
        ("impersonate-group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Extra-Reason%2fWhy", "test"),
        ("Impersonate-Extra-Reason%2fWhy", "more"),
    )
    assert user == calls.User(
        name="jane",
        uid="7",
        groups=("dev", "ops", "system:authenticated"),
        extra={"reason/why": ("test", "more")},
    )
    assert not allowed(user, target("list", "pods"))


def test_acting_as_a_service_account_brings_its_groups():
    assert acting(ADMIN, ("Impersonate-User", ROBOT.name)) == ROBOT


def test_acting_as_nobody_is_not_authenticated():
    assert acting(ADMIN, ("Impersonate-User", "system:anonymous")) == proof.NOBODY


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        (
            [("Impersonate-User", "jane")],
            (
                'users "jane" is forbidden: User "system:node:node1" cannot impersonate resource '
                '"users" in API group "" at the cluster scope'
            ),
        ),
        (
            [("Impersonate-User", "system:serviceaccount:ns:a")],
            (
                'serviceaccounts "a" is forbidden: User "system:node:node1" cannot impersonate '
                'resource "serviceaccounts" in API group "" in the namespace "ns"'
            ),
        ),
    ],
)
def test_others_may_not_act_as_somebody_else(headers, words):
    with pytest.raises(refusal.Refusal) as refused:
        acting(NODE, *headers)
    assert (refused.value.code, refused.value.message.partition(": can only")[0]) == (403, words)


def test_groups_without_a_user_make_no_sense():
    with pytest.raises(refusal.Refusal) as refused:
        acting(ADMIN, ("Impersonate-Group", "dev"))
    assert refused.value.code == 400


@pytest.mark.parametrize(
    "header", [("Impersonate-User", "\udcff"), ("Impersonate-Extra-\udcff", "x")]
)
def test_a_name_that_is_no_text_is_nobodys(header):
    with pytest.raises(refusal.Refusal) as refused:
        acting(ADMIN, ("Impersonate-User", "jane"), header)
    assert refused.value.code == 400
