"""Strategic merge patches: merge keys, directives, order, faults."""

from __future__ import annotations

import pytest
from lightkube.models import core_v1

from staticlet.kube.patch import fault, strategic


def pod(**spec):
    return {"metadata": {"name": "p"}, "spec": spec}


def patched(target, patch, struct=core_v1.Pod):
    return strategic.apply(struct, target, patch)


def names(items):
    return [item["name"] for item in items]


def test_containers_merge_by_name():
    was = pod(containers=[{"name": "a", "image": "x:1", "tty": True}, {"name": "b"}])
    now = patched(was, {"spec": {"containers": [{"name": "a", "image": "x:2"}]}})
    assert now["spec"]["containers"] == [
        {"name": "a", "image": "x:2", "tty": True},
        {"name": "b"},
    ]
    assert was["spec"]["containers"][0]["image"] == "x:1"


def test_a_new_item_comes_before_those_of_the_server():
    was = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    now = patched(was, {"status": {"conditions": [{"type": "MemoryPressure"}]}}, core_v1.Node)
    assert [each["type"] for each in now["status"]["conditions"]] == ["MemoryPressure", "Ready"]


def test_a_known_item_stays_at_its_place():
    was = pod(containers=[{"name": "a"}, {"name": "b"}, {"name": "c"}])
    now = patched(was, {"spec": {"containers": [{"name": "b", "image": "x"}]}})
    assert names(now["spec"]["containers"]) == ["a", "b", "c"]


def test_the_order_of_the_patch_wins_over_the_servers():
    was = pod(containers=[{"name": "a"}, {"name": "b"}, {"name": "c"}])
    patch = {"$setElementOrder/containers": [{"name": "c"}, {"name": "a"}]}
    assert names(patched(was, {"spec": patch})["spec"]["containers"]) == ["b", "c", "a"]


def test_an_ordered_list_takes_its_items_too():
    was = pod(containers=[{"name": "a"}, {"name": "b"}])
    patch = {
        "$setElementOrder/containers": [{"name": "b"}, {"name": "new"}, {"name": "a"}],
        "containers": [{"name": "new", "image": "x"}],
    }
    assert names(patched(was, {"spec": patch})["spec"]["containers"]) == ["b", "new", "a"]


def test_an_order_that_is_not_the_lists_is_unfit():
    patch = {
        "$setElementOrder/containers": [{"name": "a"}, {"name": "b"}],
        "containers": [{"name": "b"}, {"name": "a"}],
    }
    with pytest.raises(fault.Fault, match="doesn't match") as refused:
        patched(pod(containers=[{"name": "a"}]), {"spec": patch})
    assert refused.value.kind is fault.Kind.UNFIT


def test_an_item_is_deleted_by_its_key():
    was = pod(containers=[{"name": "a"}, {"name": "b"}])
    now = patched(was, {"spec": {"containers": [{"$patch": "delete", "name": "a"}]}})
    assert now["spec"]["containers"] == [{"name": "b"}]


def test_a_list_is_replaced_when_one_of_its_items_says_so():
    was = pod(containers=[{"name": "a"}, {"name": "b"}])
    now = patched(was, {"spec": {"containers": [{"name": "c"}, {"$patch": "replace"}]}})
    assert now["spec"]["containers"] == [{"name": "c"}]


def test_a_map_is_replaced_or_emptied_when_it_says_so():
    was = {"metadata": {"labels": {"a": "1"}, "annotations": {"b": "2"}}}
    patch = {
        "metadata": {
            "labels": {"$patch": "replace", "c": "3"},
            "annotations": {"$patch": "delete"},
        }
    }
    assert patched(was, patch) == {"metadata": {"labels": {"c": "3"}, "annotations": {}}}


def test_a_union_keeps_only_the_keys_that_are_retained():
    was = pod(volumes=[{"name": "v", "hostPath": {"path": "/x"}}, {"name": "w", "emptyDir": {}}])
    volume = {"name": "v", "$retainKeys": ["name", "emptyDir"], "emptyDir": {}}
    now = patched(was, {"spec": {"volumes": [volume]}})
    assert now["spec"]["volumes"] == [
        {"name": "v", "emptyDir": {}},
        {"name": "w", "emptyDir": {}},
    ]


def test_a_field_that_is_not_retained_makes_the_patch_malformed():
    patch = {"spec": {"$retainKeys": ["a"], "hostname": "b"}}
    with pytest.raises(fault.Fault, match="invalid patch format of retainKeys") as refused:
        patched(pod(), patch)
    assert refused.value.kind is fault.Kind.MALFORMED


def test_finalizers_are_added_and_deleted_one_by_one():
    was = {"metadata": {"finalizers": ["a/a", "b/b"]}}
    now = patched(was, {"metadata": {"finalizers": ["c/c"]}})
    assert now["metadata"]["finalizers"] == ["c/c", "a/a", "b/b"]
    now = patched(was, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a/a"]}})
    assert now["metadata"]["finalizers"] == ["b/b"]


def test_lists_without_a_merge_key_are_replaced():
    was = pod(tolerations=[{"key": "a"}])
    now = patched(was, {"spec": {"tolerations": [{"key": "b"}]}})
    assert now["spec"]["tolerations"] == [{"key": "b"}]


def test_an_item_without_its_merge_key_is_unfit():
    was = pod(containers=[{"name": "a"}])
    with pytest.raises(fault.Fault) as refused:
        patched(was, {"spec": {"containers": [{"image": "x"}]}})
    assert refused.value.message == ("map: map[image:x] does not contain declared merge key: name")
    assert refused.value.refusal().code == 422


def test_nulls_and_directives_never_reach_the_object():
    patch = {
        "metadata": {"labels": {"a": None, "b": "c"}},
        "spec": {
            "$setElementOrder/containers": [{"name": "n"}],
            "containers": [{"name": "n", "image": None}, {"$patch": "delete", "name": "o"}],
            "volumes": [{"name": "v", "$retainKeys": ["name"]}],
        },
    }
    assert patched({}, patch) == {
        "metadata": {"labels": {"b": "c"}},
        "spec": {"containers": [{"name": "n"}], "volumes": [{"name": "v"}]},
    }


def test_an_unknown_directive_is_unfit():
    with pytest.raises(fault.Fault, match="unknown patch type: burn in map"):
        patched(pod(), {"spec": {"$patch": "burn"}})


@pytest.mark.parametrize("patch", [None, [], "x", 3])
def test_what_is_no_object_is_malformed(patch):
    with pytest.raises(fault.Fault) as refused:
        patched(pod(), patch)
    assert refused.value.refusal().code == 400


def test_directives_do_nothing_where_nothing_is():
    patch = {
        "metadata": {
            "labels": {"$patch": "delete"},
            "annotations": {"$patch": "replace", "a": "b"},
        },
        "spec": {
            "containers": [{"name": "c"}, {"$patch": "replace"}],
            "tolerations": [{"key": "a"}, {"$patch": "delete", "key": "b"}],
        },
    }
    wanted = {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {"containers": [{"name": "c"}], "tolerations": [{"key": "a"}]},
    }
    assert patched({}, patch) == wanted
    was = {"metadata": {}, "spec": {"containers": [], "tolerations": []}}
    assert patched(was, patch) == wanted


def test_a_strategic_patch_that_is_too_deep_is_malformed():
    patch: object = "x"
    for _ in range(5000):
        patch = {"a": patch}
    with pytest.raises(fault.Fault, match="nested"):
        patched({}, patch)


@pytest.mark.parametrize(
    ("given", "wanted"), [("dnb", "acdnbe"), ("bnd", "abncde"), ("nc", "nabcde"), ("ea", "bcdea")]
)
def test_the_servers_items_stay_between_the_patchs(given, wanted):
    was = pod(containers=[{"name": name} for name in "abcde"])
    now = patched(was, {"spec": {"containers": [{"name": name} for name in given]}})
    assert names(now["spec"]["containers"]) == [*wanted]
