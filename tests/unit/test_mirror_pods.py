"""What a mirror pod needs, and what of its status is to be written."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from staticlet.kube import core
from staticlet.node import mirrorplan, mirrorpod, statuspatch

NOTES = {
    "kubernetes.io/config.hash": "abc",
    "kubernetes.io/config.seen": "2030-01-01T00:00:00Z",
    "kubernetes.io/config.source": "file",
    "mine": "yes",
}


def static(**changes: Any) -> core.Pod:
    raw: dict[str, Any] = {
        "metadata": {
            "name": "web-one",
            "namespace": "kube-system",
            "uid": "static",
            "labels": {"app": "web"},
            "annotations": dict(NOTES),
            "ownerReferences": [{"apiVersion": "v1", "kind": "X", "name": "x", "uid": "x"}],
        },
        "spec": {
            "nodeName": "one",
            "containers": [{"name": "c", "image": "a:1"}],
            "initContainers": [{"name": "i", "image": "b:1"}],
        },
    }
    raw["metadata"] |= changes
    return core.pod(raw)


def mirror(pod: core.Pod | None = None, **meta: Any) -> dict[str, Any]:
    made = mirrorpod.made(pod or static(), node="one", node_uid="node-uid")
    made["metadata"] |= {"uid": "mirror-uid"} | meta
    return made


def step(**parts: Any) -> mirrorplan.Step:
    base: dict[str, Any] = {
        "static": static(),
        "served": True,
        "leaving": False,
        "found": mirror(),
        "created": None,
        "settled": True,
        "node_uid": "node-uid",
    }
    return mirrorplan.step(mirrorplan.Situation(**base | parts))


def test_a_mirror_is_the_static_pod_with_one_annotation_more_and_the_node_as_its_only_owner():
    made = mirrorpod.made(static(), node="one", node_uid="node-uid")
    assert made["metadata"] == {
        "name": "web-one",
        "namespace": "kube-system",
        "labels": {"app": "web"},
        "annotations": NOTES | {"kubernetes.io/config.mirror": "abc"},
        "ownerReferences": [
            {
                "apiVersion": "v1",
                "kind": "Node",
                "name": "one",
                "uid": "node-uid",
                "controller": True,
            }
        ],
    }
    assert made["spec"]["containers"] == [{"name": "c", "image": "a:1"}]


def test_a_mirror_that_is_as_it_should_be_is_left_alone():
    assert step().act is mirrorplan.Act.NOTHING


def test_what_is_missing_is_made_once_the_node_is_known():
    assert step(found=None).act is mirrorplan.Act.CREATE
    assert step(found=None, node_uid="").act is mirrorplan.Act.NOTHING


def test_a_pod_that_is_being_stopped_gets_no_mirror_and_keeps_the_one_it_has():
    assert step(found=None, leaving=True).act is mirrorplan.Act.NOTHING
    assert step(leaving=True).act is mirrorplan.Act.NOTHING


def test_an_orphan_goes_once_all_manifests_are_known():
    assert step(static=None, settled=False).act is mirrorplan.Act.NOTHING
    assert step(static=None) == mirrorplan.Step(
        act=mirrorplan.Act.DELETE, why="there is no static pod of its name", uid="mirror-uid"
    )


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (mirror(deletionTimestamp="2030-01-01T00:00:00Z"), "somebody deletes it"),
        (
            mirror(static(annotations={**NOTES, "kubernetes.io/config.hash": "old"})),
            "the manifest has changed",
        ),
    ],
)
def test_a_mirror_of_something_else_and_one_that_goes_are_replaced(found, why):
    assert step(found=found) == mirrorplan.Step(
        act=mirrorplan.Act.DELETE, why=why, uid="mirror-uid"
    )


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda m: m["metadata"]["labels"].pop("app"), 'label app is absent instead of "web"'),
        (
            lambda m: m["metadata"]["labels"].update(app="other"),
            'label app is "other" instead of "web"',
        ),
        (
            lambda m: m["metadata"]["annotations"].update(mine="no"),
            'annotation mine is "no" instead of "yes"',
        ),
        (
            lambda m: m["spec"]["containers"][0].update(image="evil:1"),
            'image of c is "evil:1" instead of "a:1"',
        ),
        (
            lambda m: m["spec"]["initContainers"][0].update(image="evil:1"),
            'image of i is "evil:1" instead of "b:1"',
        ),
    ],
)
def test_an_edit_is_undone_with_its_reason(edit, why):
    edited = copy.deepcopy(mirror())
    edit(edited)
    made = step(found=edited)
    assert (made.act, made.why, made.edited) == (mirrorplan.Act.DELETE, why, True)


def test_a_label_that_admission_gave_stays_and_one_that_somebody_adds_later_does_not():
    found = mirror(labels={"app": "web", "zone": "a"})
    assert step(found=found).act is mirrorplan.Act.NOTHING  # nobody knows who gave it
    assert step(found=found, created=mirrorpod.kept(found)).act is mirrorplan.Act.NOTHING
    without = mirrorpod.kept(mirror())
    assert step(found=found, created=without).why == 'label zone is "a" instead of absent'


def test_an_image_that_admission_put_in_place_of_ours_stays_and_one_of_somebody_else_does_not():
    found = mirror()
    found["spec"]["containers"][0]["image"] = "mirror.example/a:1"
    found["metadata"]["annotations"]["mine"] = "as admission has it"
    created = mirrorpod.kept(copy.deepcopy(found))
    assert step(found=found, created=created).act is mirrorplan.Act.NOTHING
    found["spec"]["containers"][0]["image"] = "a:1"
    assert (
        step(found=found, created=created).why
        == 'image of c is "a:1" instead of "mirror.example/a:1"'
    )


def test_a_mirror_of_a_node_that_was_deleted_is_made_anew():
    made = step(node_uid="another-uid")
    assert (made.why, made.edited) == ("it does not belong to the Node", True)
    assert step(node_uid="").act is mirrorplan.Act.NOTHING
    old = mirrorpod.kept(mirror())
    assert step(node_uid="another-uid", created=old).act is mirrorplan.Act.DELETE


def test_a_mirror_of_which_admission_took_the_owner_stays():
    found = mirror(ownerReferences=[])
    assert step(found=found).why == "it does not belong to the Node"
    assert step(found=found, created=mirrorpod.kept(found)).act is mirrorplan.Act.NOTHING


@pytest.mark.parametrize("parts", [{}, {"static": None}, {"leaving": True}])
def test_a_mirror_that_finalizers_keep_is_left_to_those_who_set_them(parts):
    going = {"deletionTimestamp": "2030-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}
    made = step(found=mirror(**going, finalizers=["example.com/x"]), **parts)
    assert made.act is mirrorplan.Act.NOTHING
    assert made.blocked == (not parts)
    if made.blocked:
        assert made.why.endswith("kept by finalizers, which must be removed: example.com/x")
    asked = step(found=mirror(**(going | {"deletionGracePeriodSeconds": 30}), finalizers=["x"]))
    assert asked.act is mirrorplan.Act.DELETE


def test_annotations_of_others_stay():
    found = mirror()
    found["metadata"]["annotations"]["cni.example/ip"] = "10.0.0.1"
    assert step(found=found).act is mirrorplan.Act.NOTHING


def test_a_pod_of_the_api_with_the_name_is_in_the_way_and_is_left_alone():
    found = mirror()
    del found["metadata"]["annotations"]["kubernetes.io/config.mirror"]
    made = step(found=found)
    assert (made.act, made.blocked) == (mirrorplan.Act.NOTHING, True)
    assert not step(found=found, static=None).blocked
    name = found["metadata"]["name"]
    assert made.why == (
        "a pod of the API has its name: rename one of them, or: kubectl delete pod -n kube-system "
        f"{name}"
    )
    found["status"] = {"phase": "Failed"}
    assert step(found=found).why == (
        "a pod of the API has its name, which has ended and stays until: kubectl delete pod -n "
        f"kube-system {name}"
    )


def status(**fields: Any) -> core.PodStatus:
    made = core.pod({"status": fields}).status
    assert made is not None
    return made


RUNNING = {
    "phase": "Running",
    "podIPs": [{"ip": "10.0.0.9"}],
    "conditions": [
        {"type": "Ready", "status": "True", "lastTransitionTime": "2030-01-01T00:00:00.7Z"}
    ],
    "containerStatuses": [
        {
            "name": "c",
            "ready": True,
            "restartCount": 0,
            "image": "a:1",
            "imageID": "x",
            "state": {"running": {"startedAt": "2030-01-01T00:00:00Z"}},
        }
    ],
}


def test_a_status_is_written_whole_where_there_is_none():
    made = statuspatch.patch(status(**RUNNING), {"phase": "Pending", "qosClass": "BestEffort"})
    assert made is not None
    assert made["phase"] == "Running"
    assert made["podIPs"] == [{"ip": "10.0.0.9"}]
    assert made["conditions"] == [
        {"type": "Ready", "status": "True", "lastTransitionTime": "2030-01-01T00:00:00Z"}
    ]
    assert "qosClass" not in made


def held(kind: str, state: str, since: str) -> dict[str, Any]:
    return {"type": kind, "status": state, "lastTransitionTime": f"2030-01-01T00:00:{since}Z"}


@pytest.mark.parametrize(
    ("ours", "there", "sent"),
    [
        (held("Initialized", "True", "09"), held("Initialized", "True", "03"), None),
        (held("Ready", "False", "09"), held("Ready", "False", "03"), None),
        (held("Ready", "True", "03"), held("Ready", "True", "09"), None),
        (held("Ready", "True", "09"), held("Ready", "True", "03"), "09"),
        (held("ContainersReady", "True", "09"), held("ContainersReady", "True", "03"), "09"),
        (held("Ready", "False", "09"), held("Ready", "True", "03"), "09"),
        (held("Initialized", "True", "09"), {"type": "Initialized", "status": "True"}, "09"),
    ],
    ids=str,
)
def test_a_condition_tells_since_when_it_holds_not_when_something_else_changed(ours, there, sent):
    made = statuspatch.patch(status(conditions=[ours]), {"conditions": [there]})
    if sent is None:
        assert made is None
    else:
        assert made is not None
        (one,) = made["conditions"]
        assert one["lastTransitionTime"] == f"2030-01-01T00:00:{sent}Z"


def test_a_condition_whose_reason_changes_keeps_its_time():
    ours = held("Ready", "False", "09") | {"reason": "ContainersNotReady"}
    made = statuspatch.patch(
        status(conditions=[ours]), {"conditions": [held("Ready", "False", "03")]}
    )
    assert made == {"conditions": [{"type": "Ready", "reason": "ContainersNotReady"}]}


def test_addresses_that_are_there_are_replaced_and_not_added_to():
    there = statuspatch.status(status(**RUNNING)) | {"podIPs": [{"ip": "10.0.0.8"}]}
    made = statuspatch.patch(status(**RUNNING), there)
    assert made == {"podIPs": [{"ip": "10.0.0.9"}, {"$patch": "replace"}]}


def test_a_status_that_is_there_already_is_not_written():
    there = statuspatch.status(status(**RUNNING))
    there["conditions"][0]["lastProbeTime"] = None
    there["containerStatuses"][0]["lastState"] = {}
    there["qosClass"] = "BestEffort"
    assert statuspatch.patch(status(**RUNNING), there) is None


def test_what_is_over_is_taken_away_and_what_is_others_stays():
    there = statuspatch.status(status(**RUNNING))
    there |= {"message": "was slow", "nominatedNodeName": "two"}
    there["conditions"].append({"type": "example.com/Gate", "status": "True"})
    assert statuspatch.patch(status(**RUNNING), there) == {"message": None}


def test_of_the_conditions_those_that_changed_are_written():
    there = statuspatch.status(status(**RUNNING))
    there["conditions"][0] |= {"status": "False", "reason": "ContainersNotReady"}
    assert statuspatch.patch(status(**RUNNING), there) == {
        "conditions": [{"type": "Ready", "status": "True", "reason": None}]
    }


def test_a_status_that_somebody_edited_is_put_right():
    there = statuspatch.status(status(**RUNNING)) | {"phase": "Failed"}
    assert statuspatch.patch(status(**RUNNING), there) == {"phase": "Running"}


ENDED = {"terminated": {"exitCode": 0}}
CREATING = {"waiting": {"reason": "ContainerCreating"}}
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}


def of_one(state: dict[str, Any], count: int, *, phase: str = "Running") -> dict[str, Any]:
    shown = {"name": "c", "ready": False, "image": "a:1", "imageID": "x", "containerID": "r://1"}
    return {
        "phase": phase,
        "containerStatuses": [{**shown, "restartCount": count, "state": state}],
    }


@pytest.mark.parametrize(
    ("ours", "there", "less"),
    [
        (of_one(ENDED, 1), of_one({"running": {}}, 1), False),
        (of_one(ENDED, 2), of_one(ENDED, 1), False),
        (of_one(ENDED, 0), of_one(ENDED, 1), True),
        (of_one(CREATING, 1), of_one(ENDED, 1), True),
        (of_one(CREATING, 2), of_one(BACK_OFF, 2), True),
        (of_one(BACK_OFF, 2), of_one(ENDED, 2), False),
        (of_one(BACK_OFF, 1), of_one(BACK_OFF, 2), True),
        (of_one(CREATING, 0), {"containerStatuses": [{"name": "other"}]}, False),
        (of_one(CREATING, 0), {"containerStatuses": [{"name": "c", "restartCount": "7"}]}, False),
        (of_one(ENDED, 0, phase="Pending"), {}, True),
    ],
)
def test_what_is_being_cleared_away_tells_less_than_before(ours, there, less):
    assert statuspatch.tells_less(status(**ours), there) is less
