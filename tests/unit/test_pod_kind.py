"""What a pod is when it is made, and what may become of it."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest

from staticlet.apiserver.resources import podbinding, registry
from staticlet.kube import refusal
from staticlet.kube.refusal import Refusal
from staticlet.testing.pureapi import NOW, PureApi

PODS = registry.kinds().find("", "v1", "pods")
LATER = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def api():
    api = PureApi()
    api.create("serviceaccounts", {"metadata": {"name": "default"}}, namespace="default")
    return api


def body(**spec):
    return {
        "metadata": {"name": "web"},
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "nginx:1"}], **spec},
    }


def make(api, **spec):
    return api.create("pods", body(**spec), namespace="default")


def change(api, edit, **where):
    def made(old):
        edit(old)
        return old

    return api.change("pods", "web", made, namespace="default", **where)


def refused(api, edit, **where):
    with pytest.raises(Refusal) as caught:
        change(api, edit, **where)
    return caught.value.status()["details"]["causes"]


def set_spec(**fields):
    return lambda pod: pod["spec"].update(fields)


def test_a_new_pod_has_no_status_of_its_clients(api):
    pod = {**body(), "status": {"phase": "Running", "podIP": "10.0.0.1"}}
    made = api.create("pods", pod, namespace="default")
    assert made["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_the_alias_of_the_service_account_counts(api):
    api.create("serviceaccounts", {"metadata": {"name": "robot"}}, namespace="default")
    assert make(api, serviceAccount="robot")["spec"]["serviceAccountName"] == "robot"


def test_a_pod_with_gates_is_told_not_to_be_scheduled(api):
    gated = body(schedulingGates=[{"name": "example.com/wait"}])
    del gated["spec"]["nodeName"]
    made = api.create("pods", gated, namespace="default")
    condition = made["status"]["conditions"][0]
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "SchedulingGated")


def test_fields_that_say_nothing_are_left_out(api):
    made = make(
        api,
        hostNetwork=False,
        volumes=[],
        nodeSelector={},
        hostname="",
        containers=[
            {
                "name": "c",
                "image": "nginx:1",
                "tty": False,
                "env": [{"name": "A", "value": ""}],
                "ports": [{"containerPort": 80, "hostPort": 0}],
            }
        ],
    )
    spec = made["spec"]
    assert not {"hostNetwork", "volumes", "nodeSelector", "hostname"} & set(spec)
    container = spec["containers"][0]
    assert container["env"] == [{"name": "A"}]
    assert container["ports"] == [{"containerPort": 80, "protocol": "TCP"}]
    assert "tty" not in container


def test_what_means_something_stays_although_it_is_empty(api):
    made = make(
        api,
        automountServiceAccountToken=False,
        volumes=[{"name": "h", "hostPath": {"path": "/x"}}, {"name": "e", "emptyDir": {}}],
        containers=[{"name": "c", "image": "i:1", "securityContext": {"privileged": False}}],
    )
    assert made["spec"]["automountServiceAccountToken"] is False
    assert made["spec"]["volumes"][0]["hostPath"] == {"path": "/x", "type": ""}
    assert made["spec"]["volumes"][1]["emptyDir"] == {}
    assert made["spec"]["containers"][0]["securityContext"] == {"privileged": False}


def test_a_changed_spec_counts_a_generation_and_a_label_does_not(api):
    make(api)
    labelled = change(api, lambda pod: pod["metadata"].update(labels={"a": "b"}))
    assert labelled["metadata"]["generation"] == 1

    def new_image(pod):
        pod["spec"]["containers"][0]["image"] = "nginx:2"

    assert change(api, new_image)["metadata"]["generation"] == 2


def test_an_update_does_not_reach_the_status(api):
    make(api)
    changed = change(api, lambda pod: pod.update(status={"phase": "Failed"}))
    assert changed["status"]["phase"] == "Pending"


def test_a_deadline_may_be_set_and_shortened_but_not_taken_away(api):
    make(api)
    assert change(api, set_spec(activeDeadlineSeconds=600))["metadata"]["generation"] == 2
    change(api, set_spec(activeDeadlineSeconds=60))
    longer = refused(api, set_spec(activeDeadlineSeconds=90))
    assert (
        longer[0]["message"] == "Invalid value: 90: must be less than or equal to previous value"
    )
    gone = refused(api, lambda pod: pod["spec"].pop("activeDeadlineSeconds"))
    assert "must not update from a positive integer to nil value" in gone[0]["message"]


def test_the_tolerations_of_a_pod_only_grow(api):
    make(api)
    changed = change(api, set_spec(tolerations=[{"key": "k", "operator": "Exists"}]))
    assert [one["key"] for one in changed["spec"]["tolerations"]] == [
        "k",
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ]
    causes = refused(api, set_spec(tolerations=[]))
    assert causes[0] == {
        "reason": "FieldValueForbidden",
        "message": "Forbidden: existing toleration can not be modified "
        "except its tolerationSeconds",
        "field": "spec.tolerations",
    }


def test_a_refused_change_says_what_would_differ(api):
    make(api)
    cause = refused(api, set_spec(hostNetwork=True, nodeName="n2"))[0]
    assert cause["field"] == "spec"
    assert 'nodeName: "n1" -> "n2"' in cause["message"]
    assert "hostNetwork: unset -> true" in cause["message"]


def test_a_negative_grace_may_become_one_second(api):
    make(api, terminationGracePeriodSeconds=-1)
    changed = change(api, set_spec(terminationGracePeriodSeconds=1))
    assert changed["spec"]["terminationGracePeriodSeconds"] == 1
    assert refused(api, set_spec(terminationGracePeriodSeconds=2))[0]["field"] == "spec"


def test_a_pod_does_not_become_a_mirror(api):
    make(api)

    def mirrored(pod):
        pod["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}

    assert refused(api, mirrored)[0]["message"] == "Forbidden: may not add mirror pod annotation"


def status(**fields):
    return lambda pod: pod["status"].update(fields)


def test_pod_addresses_agree(api):
    make(api)
    first = change(api, status(podIP="10.0.0.1"), subresource="status")
    assert first["status"]["podIPs"] == [{"ip": "10.0.0.1"}]
    second = change(api, status(podIP="10.0.0.2"), subresource="status")
    assert second["status"]["podIPs"] == [{"ip": "10.0.0.2"}]


def test_a_status_does_not_reach_spec_owners_or_generation(api):
    make(api)

    def everything(pod):
        pod["spec"]["containers"][0]["image"] = "other"
        pod["metadata"]["generation"] = 9
        pod["metadata"]["ownerReferences"] = [
            {"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}
        ]
        pod["status"]["phase"] = "Running"

    changed = change(api, everything, subresource="status")
    assert changed["spec"]["containers"][0]["image"] == "nginx:1"
    assert changed["metadata"]["generation"] == 1
    assert "ownerReferences" not in changed["metadata"]
    assert changed["status"]["phase"] == "Running"


def test_the_class_of_a_pod_stays(api):
    make(api)
    left_out = change(api, lambda pod: pod["status"].pop("qosClass"), subresource="status")
    assert left_out["status"]["qosClass"] == "BestEffort"
    causes = refused(api, status(qosClass="Guaranteed"), subresource="status")
    assert causes[0]["message"] == 'Invalid value: "Guaranteed": field is immutable'


def ended(code):
    state = {"terminated": {"exitCode": code}}
    return {"name": "c", "image": "i", "imageID": "", "ready": False, "state": state}


@pytest.mark.parametrize(
    ("policy", "code", "may"),
    [("Always", 0, True), ("OnFailure", 1, True), ("OnFailure", 0, False), ("Never", 1, False)],
)
def test_an_ended_container_runs_again_only_if_its_policy_says_so(api, policy, code, may):
    make(api, restartPolicy=policy)
    change(api, status(containerStatuses=[ended(code)]), subresource="status")
    again = status(containerStatuses=[{**ended(0), "state": {"running": {}}}])
    if may:
        changed = change(api, again, subresource="status")
        assert changed["status"]["containerStatuses"][0]["state"] == {
            "running": {"startedAt": None}
        }
    else:
        causes = refused(api, again, subresource="status")
        assert causes[0]["field"] == "status.containerStatuses[0].state"


def test_a_name_with_dots_is_warned_of_once():
    pod = {"metadata": {"name": "web.a"}}
    assert "a DNS label is recommended" in PODS.strategy.warnings(pod)[0]
    assert not PODS.strategy.warnings({"metadata": {"name": "web.a", "resourceVersion": "7"}})
    assert not PODS.strategy.warnings({"metadata": {"name": "web"}})


def test_two_addresses_of_one_family_are_too_many(api):
    make(api)
    two = [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]
    causes = refused(api, status(podIPs=two), subresource="status")
    assert causes[0]["field"] == "status.podIPs"


def test_ephemeral_containers_are_added_and_stay(api):
    make(api)

    def debug(pod):
        pod["spec"]["ephemeralContainers"] = [{"name": "d", "image": "busybox:1"}]
        pod["spec"]["hostNetwork"] = True

    changed = change(api, debug, subresource="ephemeralcontainers")
    assert changed["spec"]["ephemeralContainers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert "hostNetwork" not in changed["spec"]
    assert changed["metadata"]["generation"] == 2

    def other(pod):
        pod["spec"]["ephemeralContainers"][0]["image"] = "other:1"

    causes = refused(api, other, subresource="ephemeralcontainers")
    assert 'existing ephemeral containers "d" may not be changed' in causes[0]["message"]
    causes = refused(
        api, lambda pod: pod["spec"].pop("ephemeralContainers"), subresource="ephemeralcontainers"
    )
    assert 'existing ephemeral containers "d" may not be removed' in causes[0]["message"]


@pytest.mark.parametrize(
    ("spec", "phase", "asked", "expected"),
    [
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", None, (False, 30)),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", 5, (False, 5)),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", 0, (True, 0)),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Running", -3, (False, 1)),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Succeeded", None, (True, 0)),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, "Failed", 20, (True, 0)),
        ({"terminationGracePeriodSeconds": 30}, "Pending", None, (True, 0)),
        ({"nodeName": "n"}, "Pending", None, (True, 0)),
    ],
)
def test_only_what_runs_somewhere_is_given_time(spec, phase, asked, expected):
    pod = {"metadata": {"name": "web"}, "spec": spec, "status": {"phase": phase}}
    assert PODS.strategy.prepare_delete(pod, asked, NOW) == expected


def binding(node="n1", **meta):
    return {"metadata": {"name": "web", **meta}, "target": {"kind": "Node", "name": node}}


def test_binding_sets_the_node_and_says_so():
    pod = {"metadata": {"name": "web"}, "spec": {}, "status": {"phase": "Pending"}}
    podbinding.bind(pod, binding(annotations={"a": "b"}), LATER)
    assert pod["spec"] == {"nodeName": "n1"}
    assert pod["metadata"]["annotations"] == {"a": "b"}
    assert pod["status"]["conditions"] == [
        {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": "2026-01-02T00:00:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("pod", "why"),
    [
        ({"spec": {"nodeName": "n2"}}, 'pod web is already assigned to node "n2"'),
        ({"deletionTimestamp": "x"}, "pod web is being deleted, cannot be assigned to a host"),
        ({"spec": {"schedulingGates": [{"name": "g"}]}}, "non-empty .spec.schedulingGates"),
    ],
)
def test_some_pods_are_not_bound(pod, why):
    spec = pod.pop("spec", {})
    before = {"metadata": {"name": "web", **pod}, "spec": spec}
    after = copy.deepcopy(before)
    with pytest.raises(refusal.Refusal, match="pods/binding") as caught:
        podbinding.bind(after, binding(), LATER)
    assert (caught.value.code, caught.value.reason) == (409, "Conflict")
    assert why in caught.value.message
    assert after == before


def test_a_binding_names_a_node():
    causes = podbinding.check({"metadata": {}, "target": {"kind": "Pod"}})
    assert [str(one) for one in causes] == [
        'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"',
        "target.name: Required value",
    ]


def test_a_condition_that_stays_keeps_its_time():
    status = {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "then"}]}
    podbinding.set_condition(status, {"type": "Ready", "status": "True"}, LATER)
    assert status["conditions"][0]["lastTransitionTime"] == "then"
    podbinding.set_condition(status, {"type": "Ready", "status": "False"}, LATER)
    assert status["conditions"][0]["lastTransitionTime"] == "2026-01-02T00:00:00Z"
