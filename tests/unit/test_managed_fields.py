"""Who owns which fields after creates, updates and patches."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest
from lightkube.models import core_v1

from staticlet.kube.patch import managed
from staticlet.kube.patch.entries import LIMIT_UPDATERS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "p",
        "namespace": "default",
        "uid": "u",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": "x"},
        "finalizers": ["a/b"],
        "ownerReferences": [{"uid": "o", "kind": "Node", "name": "n", "apiVersion": "v1"}],
    },
    "spec": {
        "containers": [
            {
                "name": "c",
                "image": "x:1",
                "resources": {},
                "ports": [{"containerPort": 80}],
                "livenessProbe": {"exec": {"command": ["true"]}},
            }
        ],
        "nodeSelector": {"a": "b"},
        "securityContext": {},
    },
    "status": {"phase": "Pending"},
}


def written(live, new, manager="me", now=NOW, struct=core_v1.Pod, **more):
    result = copy.deepcopy(new)
    entries = managed.updated(
        struct, live, new, manager=manager, now=now, api_version="v1", **more
    )
    result["metadata"].pop("managedFields", None)
    if entries:
        result["metadata"]["managedFields"] = entries
    return result


def entries(obj):
    return {
        (entry["manager"], entry.get("subresource", "")): entry
        for entry in obj["metadata"]["managedFields"]
    }


def changed(obj, **spec):
    result = copy.deepcopy(obj)
    result["spec"] |= spec
    return result


def with_image(obj, image):
    result = copy.deepcopy(obj)
    result["spec"]["containers"][0]["image"] = image
    return result


def test_a_new_object_belongs_to_who_made_it_as_kubernetes_writes_it():
    (entry,) = written(None, POD)["metadata"]["managedFields"]
    assert entry == {
        "manager": "me",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {
                "f:labels": {".": {}, "f:app": {}},
                "f:finalizers": {".": {}, 'v:"a/b"': {}},
                "f:ownerReferences": {".": {}, 'k:{"uid":"o"}': {}},
            },
            "f:spec": {
                "f:containers": {
                    'k:{"name":"c"}': {
                        ".": {},
                        "f:image": {},
                        "f:livenessProbe": {".": {}, "f:exec": {".": {}, "f:command": {}}},
                        "f:name": {},
                        "f:ports": {
                            ".": {},
                            'k:{"containerPort":80,"protocol":"TCP"}': {
                                ".": {},
                                "f:containerPort": {},
                            },
                        },
                        "f:resources": {},
                    }
                },
                "f:nodeSelector": {},
                "f:securityContext": {},
            },
        },
    }


def test_a_changed_value_moves_to_who_changed_it():
    live = written(None, POD)
    after = entries(written(live, with_image(live, "x:2"), "other", LATER))
    container = 'k:{"name":"c"}'
    mine = after["me", ""]["fieldsV1"]["f:spec"]["f:containers"][container]
    assert "f:image" not in mine
    assert "f:name" in mine
    assert after["other", ""]["fieldsV1"] == {
        "f:spec": {"f:containers": {container: {"f:image": {}}}}
    }
    assert after["me", ""]["time"] == "2026-01-01T00:00:00Z"
    assert after["other", ""]["time"] == "2026-01-01T00:05:00Z"


def test_a_write_that_changes_nothing_changes_no_entry():
    live = written(None, POD)
    assert written(live, copy.deepcopy(live), "other", LATER) == live


def test_a_version_alone_is_no_change():
    live = written(None, POD)
    new = copy.deepcopy(live)
    new["metadata"] |= {"resourceVersion": "7", "generation": 2}
    assert written(live, new, "other", LATER) == new


def test_a_field_that_is_gone_belongs_to_nobody():
    live = written(None, POD)
    new = copy.deepcopy(live)
    del new["metadata"]["labels"]
    after = entries(written(live, new, "other", LATER))
    assert list(after) == [("me", "")]
    assert "f:labels" not in after["me", ""]["fieldsV1"]["f:metadata"]


def test_the_status_has_an_entry_of_its_own():
    live = written(None, POD)
    new = copy.deepcopy(live)
    new["status"] = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    new["spec"]["hostname"] = "not-tracked-here"
    entry = entries(written(live, new, "me", LATER, subresource="status"))["me", "status"]
    assert entry["fieldsV1"] == {
        "f:status": {
            "f:conditions": {
                ".": {},
                'k:{"type":"Ready"}': {".": {}, "f:status": {}, "f:type": {}},
            },
            "f:phase": {},
        }
    }


def test_an_entry_without_fields_is_dropped():
    live = written(None, POD)
    one = written(live, changed(live, hostname="a"), "other", LATER)
    two = written(one, changed(one, hostname="b"), "third", LATER)
    assert ("other", "") not in entries(two)


@pytest.mark.parametrize("sent", [[], [{}]])
def test_an_empty_list_or_entry_clears_them_and_ends_the_tracking(sent):
    live = written(None, POD)
    new = copy.deepcopy(live)
    new["metadata"]["managedFields"] = sent
    cleared = written(live, new)
    assert "managedFields" not in cleared["metadata"]
    again = written(cleared, changed(cleared, hostname="a"))
    assert "managedFields" not in again["metadata"]


def test_a_client_that_forgets_them_does_not_remove_them():
    live = written(None, POD)
    for sent in (None, [{"manager": 3}], [{}, {}], "nonsense"):
        new = copy.deepcopy(live)
        new["metadata"]["managedFields"] = sent
        assert (
            written(live, new)["metadata"]["managedFields"] == (live["metadata"]["managedFields"])
        )


def test_a_client_may_edit_them_but_not_through_a_subresource():
    live = written(None, POD)
    new = copy.deepcopy(live)
    new["metadata"]["managedFields"][0]["manager"] = "renamed"
    assert list(entries(written(live, new))) == [("renamed", "")]
    assert list(entries(written(live, new, subresource="status"))) == [("me", "")]


def test_the_oldest_updates_become_one():
    obj = written(None, POD, "first")
    for number in range(14):
        new = copy.deepcopy(obj)
        new["metadata"]["labels"][f"l{number}"] = "x"
        obj = written(obj, new, f"m{number}", NOW + timedelta(minutes=number + 1))
    managers = [entry["manager"] for entry in obj["metadata"]["managedFields"]]
    assert len(managers) == LIMIT_UPDATERS
    assert "ancient-changes" in managers
    assert "first" not in managers
    assert "m13" in managers


def test_keyless_and_doubled_items_count_as_one_value():
    live = written(None, POD)
    for conditions in ([{"status": "True"}], [{"type": "a"}, {"type": "a"}], ["x"]):
        new = copy.deepcopy(live)
        new["status"] = {"conditions": conditions}
        entry = entries(written(live, new, subresource="status"))["me", "status"]
        assert entry["fieldsV1"] == {"f:status": {"f:conditions": {}}}
