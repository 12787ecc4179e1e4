"""What a node may write, beyond what is recorded: its own things, and nobody else's."""

import copy

import pytest

from staticlet.apiserver import calls
from staticlet.apiserver.admission import noderestriction, plugin
from staticlet.apiserver.authn import proof
from staticlet.apiserver.resources import registry
from staticlet.kube import refusal
from staticlet.testing import fake_objects, fakes

NODE = calls.User(name="system:node:node1", groups=("system:nodes", proof.AUTHENTICATED))
ADMIN = calls.User(name="admin", groups=("system:masters", proof.AUTHENTICATED))
OWNER = {"apiVersion": "v1", "kind": "Node", "name": "node1", "uid": "uid-1", "controller": True}


def objects():
    return fake_objects.FakeObjects(
        [
            {"kind": "Node", "metadata": {"name": "node1", "uid": "uid-1"}},
            pod("own"),
            pod("other", node="node2"),
        ]
    )


def pod(name="own", *, node="node1", labels=None, status=None, **spec):
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": f"uid-{name}",
            "labels": labels or {},
        },
        "spec": {"nodeName": node, **spec},
        "status": status or {},
    }


def mirror(*, owners=(OWNER,), **spec):
    made = pod("mirror", **spec)
    made["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    made["metadata"]["ownerReferences"] = list(owners)
    return made


def node(*, name="node1", labels=None, taints=None, source=None, owners=None):
    return {
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "ownerReferences": owners},
        "spec": {"taints": taints, "configSource": source},
    }


def review(
    resource, operation, new=None, old=None, *, user=NODE, name="", namespace="ns", group=""
):
    plural, _, subresource = resource.partition("/")
    kind = registry.kinds().find(group, "v1", plural)
    target = calls.Target(
        verb=operation.lower(),
        path="",
        group=group,
        version="v1",
        resource=plural,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )
    call = calls.Call(user=user, target=target, query={}, now=fakes.START)
    return plugin.Review(
        call=call,
        kind=kind,
        operation=operation,
        object=new,
        old=old,
        name=name or ((new or {}).get("metadata") or {}).get("name", ""),
    )


def judged(*args, among=None, **kwargs):
    """What is said to refuse it; empty when it is admitted. It changes nothing, either way."""
    asked = review(*args, **kwargs)
    before = copy.deepcopy((asked.object, asked.old))
    restriction, there = noderestriction.NodeRestriction(), among or objects()
    try:
        restriction.mutate(asked, there)
        restriction.validate(asked, there)
    except refusal.Refusal as refused:
        if refused.code == 404:
            return refused.message
        return refused.message.partition(" is forbidden: ")[2]
    finally:
        assert (asked.object, asked.old) == before
    return ""


def test_nobody_but_nodes_is_restricted():
    assert not judged("pods", "CREATE", pod(), user=ADMIN)
    assert not judged("nodes", "UPDATE", node(taints=[{"key": "k"}]), node(), user=ADMIN)


def test_a_node_makes_a_mirror_pod_that_refers_to_nothing():
    assert not judged("pods", "CREATE", mirror())


@pytest.mark.parametrize(
    ("owners", "words"),
    [
        ((), 'node "node1" can only create pods with an owner reference set to itself'),
        (
            (OWNER, OWNER),
            'node "node1" can only create pods with a single owner reference set to itself',
        ),
        (
            ({**OWNER, "apiVersion": "v2"},),
            'node "node1" can only create pods with an owner reference set to itself',
        ),
        (
            ({**OWNER, "controller": False},),
            'node "node1" can only create pods with a controller owner reference set to itself',
        ),
        (
            ({**OWNER, "blockOwnerDeletion": True},),
            'node "node1" must not set blockOwnerDeletion on an owner reference',
        ),
        (({**OWNER, "uid": "x"},), "node node1 UID mismatch: expected x got uid-1"),
    ],
)
def test_a_mirror_pod_is_owned_by_the_node_alone(owners, words):
    assert judged("pods", "CREATE", mirror(owners=owners)) == words


def test_a_mirror_pod_of_a_node_that_is_not_there_is_not_found():
    nothing = fake_objects.FakeObjects([pod()])
    assert judged("pods", "CREATE", mirror(), among=nothing) == 'nodes "node1" not found'


def projected(**source):
    return {"volumes": [{"name": "v", "projected": {"sources": [source]}}]}


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        ({"serviceAccountName": "a"}, "a service account"),
        ({"imagePullSecrets": [{"name": "a"}]}, "secrets"),
        ({"volumes": [{"name": "v", "configMap": {"name": "a"}}]}, "configmaps"),
        (projected(configMap={"name": "a"}), "configmaps"),
        (
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "a"}}]},
            "persistentvolumeclaims",
        ),
        (projected(clusterTrustBundle={"name": "a"}), "clustertrustbundles"),
        ({"resourceClaims": [{"name": "a"}]}, "resourceclaims"),
    ],
)
def test_a_mirror_pod_refers_to_no_other_object(spec, what):
    words = f'node "node1" can not create pods that reference {what}'
    assert judged("pods", "CREATE", mirror(**spec)) == words


def test_a_node_deletes_its_own_pods_only():
    assert not judged("pods", "DELETE", old=pod(), name="own")
    assert judged("pods", "DELETE", old=pod("other", node="node2"), name="other") == (
        'node "node1" can only delete pods with spec.nodeName set to itself'
    )


def test_a_node_updates_no_pod_itself():
    assert judged("pods", "UPDATE", pod(), pod(), name="own") == (
        'unexpected operation "UPDATE", node "node1" can only create and delete mirror pods'
    )


def test_a_node_writes_the_status_of_its_own_pods_only():
    running = pod(status={"phase": "Running"})
    assert not judged("pods/status", "UPDATE", running, pod(), name="own")
    moved = pod("other", node="node2")
    assert judged("pods/status", "UPDATE", pod("other"), moved, name="other") == (
        'node "node1" can only update pod status for pods with spec.nodeName set to itself'
    )


def test_labels_and_claims_do_not_change_through_the_status():
    assert judged("pods/status", "UPDATE", pod(labels={"a": "b"}), pod(), name="own") == (
        'node "node1" cannot update labels through pod status'
    )
    claims = pod(status={"resourceClaimStatuses": [{"name": "a"}]})
    assert judged("pods/status", "UPDATE", claims, pod(), name="own") == (
        'node "node1" cannot update resource claim statuses'
    )


@pytest.mark.parametrize("subresource", ["binding", "ephemeralcontainers", "exec"])
def test_other_subresources_of_pods_are_not_a_nodes(subresource):
    words = (
        f"unexpected pod subresource \"{subresource}\", only 'status' and 'eviction' are allowed"
    )
    assert judged(f"pods/{subresource}", "CREATE", {}, name="own") == words


def test_a_node_evicts_its_own_pods_only():
    assert not judged("pods/eviction", "CREATE", {"metadata": {"name": "own"}}, name="own")
    assert judged("pods/eviction", "CREATE", {"metadata": {"name": "own"}}, name="other") == (
        "node node1 can only evict pods with spec.nodeName set to itself"
    )
    assert judged("pods/eviction", "CREATE", {}, name="none") == 'pods "none" not found'


@pytest.mark.parametrize(
    "label",
    [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "node.kubernetes.io/instance-type",
        "node.kubernetes.io/anything",
        "kubelet.kubernetes.io/x",
        "deep.kubelet.kubernetes.io/x",
        "example.com/x",
        "plain",
        "notkubernetes.io/x",
    ],
)
def test_a_node_sets_labels_that_are_its_own_to_set(label):
    assert not judged("nodes", "CREATE", node(labels={label: "a"}))
    assert not judged("nodes", "UPDATE", node(labels={label: "a"}), node(), name="node1")


@pytest.mark.parametrize(
    "label",
    [
        "node-restriction.kubernetes.io/x",
        "deep.node-restriction.kubernetes.io/x",
        "node-role.kubernetes.io/master",
        "kubernetes.io/other",
        "x.k8s.io/y",
        "k8s.io/y",
    ],
)
def test_a_node_does_not_touch_labels_that_are_kept_from_it(label):
    labelled = node(labels={label: "a", "example.com/x": "1"})
    assert judged("nodes", "CREATE", labelled) == (
        f"is not allowed to set the following labels: {label}"
    )
    for new, old in (
        (labelled, node()),
        (node(), labelled),
        (node(labels={label: "b"}), labelled),
    ):
        assert judged("nodes", "UPDATE", new, old, name="node1") == (
            f"is not allowed to modify labels: {label}"
        )
    assert not judged("nodes", "UPDATE", labelled, labelled, name="node1")


def test_a_node_registers_with_taints_and_changes_them_never():
    tainted = node(taints=[{"key": "k", "effect": "NoSchedule"}])
    assert not judged("nodes", "CREATE", tainted)
    words = 'node "node1" is not allowed to modify taints'
    assert judged("nodes", "UPDATE", tainted, node(), name="node1") == words
    assert judged("nodes", "UPDATE", node(), tainted, name="node1") == words
    assert not judged("nodes", "UPDATE", node(taints=[]), node(), name="node1")


def test_a_node_changes_neither_its_owners_nor_its_source_of_settings():
    assert judged("nodes", "UPDATE", node(owners=[OWNER]), node(), name="node1") == (
        'node "node1" is not allowed to modify ownerReferences'
    )
    assert "configSource" in judged("nodes", "CREATE", node(source={"configMap": {}}))
    changed = node(source={"configMap": {"name": "x"}})
    assert "configSource" in judged("nodes", "UPDATE", changed, node(), name="node1")


@pytest.mark.parametrize("operation", ["CREATE", "UPDATE"])
@pytest.mark.parametrize("resource", ["nodes", "nodes/status"])
def test_a_node_does_not_touch_another_node(resource, operation):
    words = 'node "node1" is not allowed to modify node "node2"'
    other = node(name="node2")
    name = "" if operation == "CREATE" else "node2"
    assert judged(resource, operation, other, other, name=name, namespace="") == words


def test_a_node_makes_its_own_lease_and_csi_node_only():
    def judge(resource, group, name, namespace):
        body = {"metadata": {"name": name}}
        return judged(resource, "CREATE", body, group=group, namespace=namespace)

    lease, csi = ("leases", "coordination.k8s.io"), ("csinodes", "storage.k8s.io")
    assert not judge(*lease, "node1", "kube-node-lease")
    assert judge(*lease, "node2", "kube-node-lease") == (
        "can only access node lease with the same name as the requesting node"
    )
    assert judge(*lease, "node1", "default") == (
        'can only access leases in the "kube-node-lease" system namespace'
    )
    assert not judge(*csi, "node1", "")
    assert judge(*csi, "node2", "") == (
        "can only access CSINode with the same name as the requesting node"
    )


def token_for(among, *, audiences=(), **ref):
    spec = {"audiences": list(audiences)}
    if ref:
        spec["boundObjectRef"] = {"apiVersion": "v1", "kind": "Pod", **ref}
    return judged("serviceaccounts/token", "CREATE", {"spec": spec}, name="robot", among=among)


def test_a_node_has_tokens_made_for_its_own_pods_only():
    there = objects()
    there.put(pod("asks", **projected(serviceAccountToken={"path": "t"})))
    there.put(pod("vault", **projected(serviceAccountToken={"audience": "vault", "path": "t"})))
    assert not token_for(there, name="asks", uid="uid-asks")
    assert not token_for(there, name="vault", uid="uid-vault", audiences=["vault"])
    assert token_for(there) == "node requested token not bound to a pod"
    assert token_for(there, kind="Secret", name="s", uid="u") == (
        "node requested token not bound to a pod"
    )
    assert token_for(there, name="asks") == (
        "node requested token with a pod binding without a uid"
    )
    assert "does not match the UID in record" in token_for(there, name="asks", uid="x")
    assert token_for(there, name="other", uid="uid-other") == (
        "node requested token bound to a pod scheduled on a different node"
    )
    assert token_for(there, name="none", uid="u") == 'pods "none" not found'


def test_a_node_has_tokens_made_only_for_audiences_that_the_pod_names():
    there = objects()
    there.put(pod("vault", **projected(serviceAccountToken={"audience": "vault", "path": "t"})))
    for audiences in ((), ("other",)):
        assert "is not authorized to request tokens for this audience" in token_for(
            there, name="vault", uid="uid-vault", audiences=audiences
        )
    assert token_for(there, name="vault", uid="uid-vault", audiences=["vault", "b"]) == (
        "node may only request 0 or 1 audiences"
    )
