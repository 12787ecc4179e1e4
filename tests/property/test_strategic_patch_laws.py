"""Laws of strategic merge patch and JSON patch, and of what any JSON does as a patch."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st
from lightkube.models import core_v1

from staticlet.kube.patch import fault, jsonpatch, merge, strategic

NAMES = st.sampled_from(["a", "b", "c", "d"])
TEXTS = st.sampled_from(["", "x", "y"])


def lists_by(key, **fields):
    items = st.fixed_dictionaries({key: NAMES}, optional=fields)
    return st.lists(items, max_size=4, unique_by=lambda item: item[key])


CONTAINERS = lists_by(
    "name",
    image=TEXTS,
    env=lists_by("name", value=TEXTS),
    volumeMounts=lists_by("mountPath", name=TEXTS),
    command=st.lists(TEXTS, max_size=2),
)
PODS = st.fixed_dictionaries(
    {},
    optional={
        "metadata": st.fixed_dictionaries(
            {},
            optional={
                "labels": st.dictionaries(NAMES, TEXTS, max_size=3),
                "finalizers": st.lists(NAMES, max_size=3, unique=True),
            },
        ),
        "spec": st.fixed_dictionaries(
            {},
            optional={
                "containers": CONTAINERS,
                "volumes": lists_by("name", emptyDir=st.just({})),
                "tolerations": lists_by("key"),
                "hostname": TEXTS,
            },
        ),
    },
)
KEYS = st.sampled_from(
    [
        "metadata",
        "labels",
        "finalizers",
        "spec",
        "containers",
        "name",
        "env",
        "ports",
        "containerPort",
        "$patch",
        "$retainKeys",
        "$setElementOrder/containers",
        "$setElementOrder/finalizers",
        "$setElementOrder/tolerations",
        "$deleteFromPrimitiveList/finalizers",
        "$deleteFromPrimitiveList/containers",
        "$deleteFromPrimitiveList/",
        "op",
        "path",
        "from",
        "value",
        "",
    ]
)
WORDS = st.sampled_from(
    [
        "delete",
        "replace",
        "merge",
        "name",
        "a",
        "add",
        "copy",
        "move",
        "test",
        "remove",
        "/spec",
        "/spec/containers",
        "/spec/containers/0",
        "/spec/containers/-",
        "/metadata/labels/a",
        "/",
        "/~2",
    ]
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | WORDS
ANY = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)
OPERATIONS = st.lists(
    st.fixed_dictionaries({"op": WORDS, "path": WORDS}, optional={"from": WORDS, "value": ANY}),
    max_size=5,
)
SCHEMED = st.dictionaries(
    st.sampled_from(["metadata", "spec"]),
    st.dictionaries(KEYS, ANY | st.lists(st.dictionaries(KEYS, ANY, max_size=4), max_size=3)),
)


def patched(target, patch):
    return strategic.apply(core_v1.Pod, target, patch)


def code_of(attempt):
    """The code of the refusal that an attempt ends with, or 200."""
    try:
        attempt()
    except fault.Fault as refused:
        return refused.refusal().code
    return 200


@given(PODS, PODS)
def test_a_second_strategic_patch_changes_nothing(target, patch):
    once = patched(target, patch)
    assert patched(once, patch) == once


@given(PODS)
def test_an_object_as_its_own_patch_changes_nothing(target):
    assert patched(target, target) == target


@given(PODS)
def test_the_empty_strategic_patch_changes_nothing(target):
    assert patched(target, {}) == target


@given(PODS, PODS)
def test_no_item_is_lost_and_none_is_doubled(target, patch):
    def names(pod):
        return [item["name"] for item in pod.get("spec", {}).get("containers", [])]

    found = names(patched(target, patch))
    assert sorted(found) == sorted({*names(target), *names(patch)})
    ours = [name for name in found if name in names(patch)]
    assert ours == names(patch)
    theirs = [name for name in found if name not in names(patch)]
    assert theirs == [name for name in names(target) if name not in names(patch)]


@given(PODS, st.permutations(["a", "b", "c", "d"]))
def test_items_stand_in_the_order_that_is_asked_for(target, order):
    patch = {"spec": {"$setElementOrder/containers": [{"name": name} for name in order]}}
    found = patched(target, patch).get("spec", {}).get("containers", [])
    assert [item["name"] for item in found] == [
        name
        for name in order
        if name in {item["name"] for item in target.get("spec", {}).get("containers", [])}
    ]


@given(PODS | SCHEMED, ANY | SCHEMED)
def test_any_json_as_a_strategic_patch_is_done_or_refused(target, patch):
    before = copy.deepcopy((target, patch))
    assert code_of(lambda: patched(target, patch)) in (200, 400, 422)
    assert repr((target, patch)) == repr(before)


@given(ANY, ANY)
def test_any_json_as_a_merge_patch_is_done_and_changes_neither(target, patch):
    before = copy.deepcopy((target, patch))
    done = merge.apply(target, patch)
    assert repr((target, patch)) == repr(before)
    assert isinstance(patch, dict) or repr(done) == repr(patch)


@given(PODS, ANY | OPERATIONS)
def test_any_json_as_a_json_patch_is_done_or_refused(target, patch):
    before = copy.deepcopy((target, patch))
    assert code_of(lambda: jsonpatch.apply(target, patch)) in (200, 400, 422)
    assert repr((target, patch)) == repr(before)


@given(PODS, OPERATIONS)
def test_a_json_patch_is_the_same_every_time(target, patch):
    try:
        first = jsonpatch.apply(target, patch)
    except fault.Fault:
        return
    assert repr(jsonpatch.apply(target, patch)) == repr(first)
