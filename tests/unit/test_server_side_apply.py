"""Server-side apply: ownership, conflicts, force, removal."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta

import pytest
from lightkube.models import core_v1

from staticlet.kube.patch import apply, fault, managed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)


def applied(live, config, manager="me", now=NOW, *, force=False, version="v1", **more):
    return apply.apply(
        getattr(core_v1, config["kind"]),
        live,
        config,
        manager=manager,
        force=force,
        now=now,
        api_version=version,
        **more,
    )


def pod(containers=({"name": "c", "image": "x:1"},), labels=None, **spec):
    metadata = {"name": "p"} | ({"labels": labels} if labels else {})
    spec = {"containers": list(containers)} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def settings(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data}


def fields(obj, manager):
    (entry,) = [e for e in obj["metadata"]["managedFields"] if e["manager"] == manager]
    return entry["fieldsV1"]


def refused(*args, **kwargs):
    with pytest.raises(fault.Fault) as found:
        applied(*args, **kwargs)
    return found.value


def test_who_applies_first_makes_the_object_and_owns_what_it_sets():
    obj = applied(None, pod(labels={"a": "b"}))
    (entry,) = obj["metadata"].pop("managedFields")
    assert obj == pod(labels={"a": "b"})
    assert entry == {
        "manager": "me",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {
            "f:metadata": {"f:labels": {"f:a": {}}},
            "f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:image": {}, "f:name": {}}}},
        },
    }


def test_to_apply_again_changes_nothing():
    live = applied(None, pod(labels={"a": "b"}))
    assert applied(live, pod(labels={"a": "b"}), now=LATER) == live


def test_a_field_that_is_left_out_goes():
    live = applied(None, pod(labels={"a": "b", "c": "d"}, hostname="h"))
    now = applied(live, pod(labels={"a": "b"}), now=LATER)
    assert now["metadata"]["labels"] == {"a": "b"}
    assert "hostname" not in now["spec"]


def test_a_field_that_is_left_out_stays_when_another_owns_it_too():
    live = applied(None, settings(a="1", b="2"))
    live = applied(live, settings(a="1"), "other")
    now = applied(live, settings(b="2"))
    assert now["data"] == {"a": "1", "b": "2"}
    assert fields(now, "other") == {"f:data": {"f:a": {}}}


def test_defaults_stay_and_go_with_what_they_belong_to():
    probe = {"exec": {"command": ["true"]}}
    live = applied(None, pod([{"name": "c", "image": "x:1", "livenessProbe": probe}]))
    live["spec"]["restartPolicy"] = "Always"
    live["spec"]["containers"][0]["livenessProbe"]["periodSeconds"] = 10
    now = applied(live, pod())
    assert now["spec"]["restartPolicy"] == "Always"
    assert now["spec"]["containers"] == [{"name": "c", "image": "x:1"}]


def test_an_item_that_is_left_out_goes_with_its_defaults():
    live = applied(None, pod([{"name": "c", "image": "x"}, {"name": "d", "image": "y"}]))
    live["spec"]["containers"][1]["imagePullPolicy"] = "Always"
    now = applied(live, pod([{"name": "c", "image": "x"}]))
    assert now["spec"]["containers"] == [{"name": "c", "image": "x"}]


def test_items_of_others_stay_where_they_stood():
    live = applied(None, pod([{"name": "a"}, {"name": "b"}]))
    live = applied(live, pod([{"name": "x"}, {"name": "b"}]), "other")
    assert [c["name"] for c in live["spec"]["containers"]] == ["a", "x", "b"]


def test_a_value_of_another_is_a_conflict_in_kubernetes_words():
    live = applied(None, pod())
    found = refused(live, pod([{"name": "c", "image": "x:2"}]), "other")
    answer = found.refusal()
    path = '.spec.containers[name="c"].image'
    assert (answer.code, answer.reason) == (409, "Conflict")
    assert answer.message == f'Apply failed with 1 conflict: conflict with "me": {path}'
    assert answer.details == {
        "causes": [
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "me"',
                "field": path,
            }
        ]
    }


def test_many_conflicts_are_told_by_manager():
    live = settings(a="1", b="2")
    live["metadata"]["managedFields"] = managed.updated(
        core_v1.ConfigMap, None, live, manager="kubectl-create", now=NOW, api_version="v1"
    )
    live = applied(live, settings(c="3"), "applier")
    found = refused(live, settings(a="x", b="x", c="x"), "other")
    assert found.message == (
        "Apply failed with 3 conflicts: "
        'conflicts with "applier":\n'
        "- .data.c\n"
        'conflicts with "kubectl-create" using v1:\n'
        "- .data.a\n"
        "- .data.b"
    )


def test_the_same_value_is_shared():
    live = applied(None, settings(a="1"))
    both = applied(live, settings(a="1"), "other")
    assert fields(both, "me") == fields(both, "other") == {"f:data": {"f:a": {}}}


def test_force_takes_the_field():
    live = applied(None, settings(a="1", b="2"))
    now = applied(live, settings(a="x"), "other", force=True)
    assert now["data"] == {"a": "x", "b": "2"}
    assert fields(now, "other") == {"f:data": {"f:a": {}}}
    assert fields(now, "me") == {"f:data": {"f:b": {}}}


def test_who_loses_all_fields_loses_the_entry():
    live = applied(None, settings(a="1"))
    now = applied(live, settings(a="x"), "other", force=True)
    assert [e["manager"] for e in now["metadata"]["managedFields"]] == ["other"]


def test_an_object_that_was_not_tracked_belongs_to_its_past():
    live = settings(a="1")
    found = refused(live, settings(a="2"))
    assert 'conflict with "before-first-apply" using v1: .data.a' in found.message
    now = applied(live, settings(a="2"), force=True)
    assert now["data"] == {"a": "2"}


def test_the_status_is_applied_through_its_subresource_alone():
    config = pod(hostname="h") | {"status": {"phase": "Running"}}
    live = applied(None, config)
    assert "status" not in live
    config["spec"]["hostname"] = "other"
    now = applied(live, config, subresource="status")
    assert now["status"] == {"phase": "Running"}
    assert now["spec"]["hostname"] == "h"
    assert {e.get("subresource") for e in now["metadata"]["managedFields"]} == {None, "status"}


def test_ports_are_told_apart_by_protocol_too():
    ports = [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]
    obj = applied(None, pod([{"name": "c", "ports": ports}]))
    owned = fields(obj, "me")["f:spec"]["f:containers"]['k:{"name":"c"}']["f:ports"]
    assert sorted(owned) == [
        'k:{"containerPort":53,"protocol":"TCP"}',
        'k:{"containerPort":53,"protocol":"UDP"}',
    ]


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        (
            [{"image": "x"}],
            (
                ".spec.containers: element 0: associative list with keys has an element that "
                'omits key field "name"'
            ),
        ),
        (
            [{"name": "c"}, {"name": "c"}],
            '.spec.containers: duplicate entries for key [name="c"]',
        ),
    ],
)
def test_items_that_cannot_be_told_apart_are_refused(containers, words):
    found = refused(None, pod(containers))
    assert (found.message, found.refusal().code) == (words, 400)


def test_managed_fields_cannot_be_applied():
    config = settings(a="1")
    config["metadata"]["managedFields"] = [{"manager": "x"}]
    assert refused(None, config).message == "metadata.managedFields must be nil"


def test_nulls_count_as_absent():
    live = applied(None, settings(a="1", b="2"))
    config = settings(a=None, b="2") | {"binaryData": None}
    now = applied(live, config)
    assert now["data"] == {"b": "2"}
    assert "binaryData" not in now


def test_the_inputs_are_never_changed():
    live = applied(None, pod(labels={"a": "b"}))
    config = pod([{"name": "c", "image": "x:2"}, {"name": "d"}])
    before = copy.deepcopy((live, config))
    applied(live, config)
    assert (live, config) == before


def test_who_applies_in_another_version_keeps_one_entry():
    live = applied(None, settings(a="1", b="2"))
    now = applied(live, settings(a="1"), version="v2")
    assert now["data"] == {"a": "1"}
    (entry,) = now["metadata"]["managedFields"]
    assert entry["apiVersion"] == "v2"


def test_what_goes_with_an_item_is_nobodys():
    live = applied(None, pod([{"name": "c"}, {"name": "d", "image": "x"}]))
    new = copy.deepcopy(live)
    new["spec"]["containers"][1]["image"] = "y"
    new["metadata"]["managedFields"] = managed.updated(
        core_v1.Pod, live, new, manager="editor", now=LATER, api_version="v1"
    )
    now = applied(new, pod([{"name": "c"}]))
    assert now["spec"]["containers"] == [{"name": "c"}]
    assert [e["manager"] for e in now["metadata"]["managedFields"]] == ["me"]


def test_an_empty_list_is_nobodys():
    obj = applied(None, pod(volumes=[], tolerations=[]))
    assert fields(obj, "me")["f:spec"].keys() == {"f:containers", "f:tolerations"}
