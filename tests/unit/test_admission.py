"""What is set and refused before an object is kept."""

from __future__ import annotations

import pytest

from staticlet.apiserver.admission import lifecycle, plugin
from staticlet.apiserver.resources import registry
from staticlet.apiserver.store.port import Key
from staticlet.kube.refusal import Refusal
from staticlet.testing import pureapi
from staticlet.testing.pureapi import PureApi


@pytest.fixture
def api():
    api = PureApi()
    api.create("serviceaccounts", {"metadata": {"name": "default"}}, namespace="default")
    return api


def pod(**spec):
    return {
        "metadata": {"name": "web"},
        "spec": {"containers": [{"name": "c", "image": "i:1"}], **spec},
    }


def mirror(**spec):
    made = pod(nodeName="n1", **spec)
    made["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    return made


def refused(api, body, namespace="default"):
    with pytest.raises(Refusal) as caught:
        api.create("pods", body, namespace=namespace)
    return caught.value


def test_nothing_is_made_in_a_namespace_that_is_not_there(api):
    found = refused(api, pod(), "nowhere")
    assert (found.code, found.message) == (404, 'namespaces "nowhere" not found')


def test_nothing_is_made_in_a_namespace_that_goes_away(api):
    api.objects[Key("namespaces", "", "default")]["status"]["phase"] = "Terminating"
    found = refused(api, pod())
    assert found.code == 403
    assert found.message == (
        'pods "web" is forbidden: unable to create new content in namespace default '
        "because it is being terminated"
    )
    assert found.status()["details"]["causes"] == [
        {
            "reason": "NamespaceTerminating",
            "message": "namespace default is being terminated",
            "field": "metadata.namespace",
        }
    ]


@pytest.mark.parametrize(
    ("name", "kept"), [("default", True), ("kube-system", True), ("kube-node-lease", False)]
)
def test_some_namespaces_are_never_deleted(api, name, kept):
    kind = registry.kinds().find("", "v1", "namespaces")
    call = pureapi._call("delete", kind, "", name=name, user=pureapi.ADMIN)
    review = plugin.Review(
        call=call, kind=kind, operation="DELETE", object=None, old={}, name=name
    )
    if not kept:
        lifecycle.NamespaceLifecycle().mutate(review, api)
        return
    with pytest.raises(Refusal, match="this namespace may not be deleted"):
        lifecycle.NamespaceLifecycle().mutate(review, api)


def test_an_account_that_is_not_there_refuses_the_pod(api):
    found = refused(api, pod(serviceAccountName="robot"))
    assert found.code == 403
    assert found.message == (
        'pods "web" is forbidden: error looking up service account default/robot: '
        'serviceaccount "robot" not found'
    )


def test_a_pod_takes_over_the_image_pull_secrets_of_its_account(api):
    account = {"metadata": {"name": "robot"}, "imagePullSecrets": [{"name": "r"}]}
    api.create("serviceaccounts", account, namespace="default")
    made = api.create("pods", pod(serviceAccountName="robot"), namespace="default")
    assert made["spec"]["imagePullSecrets"] == [{"name": "r"}]
    own = pod(serviceAccountName="robot", imagePullSecrets=[{"name": "own"}])
    own["metadata"]["name"] = "other"
    made = api.create("pods", own, namespace="default")
    assert made["spec"]["imagePullSecrets"] == [{"name": "own"}]


def test_no_token_is_mounted_unless_it_is_asked_for(api):
    made = api.create("pods", pod(), namespace="default")
    assert "volumes" not in made["spec"]


PROJECTED = [{"name": "v", "projected": {"sources": [{"secret": {"name": "s"}}]}}]
TOKEN = [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"serviceAccountName": "default"}, "reference service accounts"),
        ({"serviceAccount": "default"}, "reference service accounts"),
        ({"imagePullSecrets": [{"name": "s"}]}, "reference secrets"),
        ({"volumes": PROJECTED}, "reference secrets"),
        ({"volumes": TOKEN}, "use ServiceAccountToken volume projections"),
        (
            {
                "containers": [
                    {"name": "c", "image": "i", "envFrom": [{"secretRef": {"name": "s"}}]}
                ]
            },
            "reference secrets",
        ),
    ],
)
def test_a_mirror_pod_refers_to_nothing_of_the_api(api, spec, why):
    assert refused(api, mirror(**spec)).message.endswith(f"a mirror pod may not {why}")


def test_a_mirror_pod_has_no_account(api):
    made = api.create("pods", mirror(), namespace="default")
    assert not {"serviceAccountName", "serviceAccount"} & set(made["spec"])


def test_a_system_class_gives_its_priority(api):
    made = api.create("pods", pod(priorityClassName="system-node-critical"), namespace="default")
    assert made["spec"]["priority"] == 2_000_001_000


def test_a_class_that_is_not_there_is_refused(api):
    found = refused(api, pod(priorityClassName="gold"))
    assert found.message == ('pods "web" is forbidden: no PriorityClass with name gold was found')


def test_a_priority_of_ones_own_is_refused(api):
    assert "computed 0 from the given PriorityClass name" in refused(api, pod(priority=7)).message


def test_tolerations_of_ones_own_are_not_doubled(api):
    own = {
        "key": "node.kubernetes.io/not-ready",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 5,
    }
    made = api.create("pods", pod(tolerations=[own]), namespace="default")
    assert made["spec"]["tolerations"][0] == own
    assert [one["key"] for one in made["spec"]["tolerations"]] == [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
