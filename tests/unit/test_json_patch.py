"""JSON patches: what they do, and every way in which they fail."""

from __future__ import annotations

import pytest

from staticlet.kube.patch import fault, jsonpatch, merge

POD = {"metadata": {"name": "p", "labels": {"a": "b"}}, "spec": {"containers": [{"name": "c"}]}}


def failing(operations, target=POD):
    with pytest.raises(fault.Fault) as refused:
        jsonpatch.apply(target, operations)
    return refused.value


def test_operations_are_done_in_order_and_the_target_stays():
    result = jsonpatch.apply(
        POD,
        [
            {"op": "test", "path": "/metadata/name", "value": "p"},
            {"op": "add", "path": "/metadata/annotations", "value": {"x": "y"}},
            {"op": "replace", "path": "/metadata/labels/a", "value": "c"},
            {"op": "copy", "from": "/metadata/labels", "path": "/metadata/copied"},
            {"op": "add", "path": "/spec/containers/-", "value": {"name": "d"}},
            {"op": "remove", "path": "/spec/containers/0"},
        ],
    )
    assert result == {
        "metadata": {
            "name": "p",
            "labels": {"a": "c"},
            "annotations": {"x": "y"},
            "copied": {"a": "c"},
        },
        "spec": {"containers": [{"name": "d"}]},
    }
    assert POD["metadata"]["labels"] == {"a": "b"}


def test_a_test_that_does_not_hold_is_unfit():
    refused = failing([{"op": "test", "path": "/metadata/name", "value": "other"}]).refusal()
    assert (refused.code, refused.reason) == (422, "Invalid")


def test_what_is_not_there_equals_null():
    jsonpatch.apply(POD, [{"op": "test", "path": "/metadata/annotations", "value": None}])


def test_true_is_not_one():
    assert failing([{"op": "test", "path": "/a", "value": 1}], {"a": True})


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/spec/nothing"},
        {"op": "replace", "path": "/spec/nothing", "value": 1},
        {"op": "remove", "path": "/spec/containers/7"},
        {"op": "add", "path": "/spec/containers/7", "value": {}},
        {"op": "add", "path": "/spec/containers/x", "value": {}},
        {"op": "add", "path": "no/slash", "value": 1},
        {"op": "add", "path": "/metadata/name/deeper", "value": 1},
        {"op": "move", "from": "/nothing", "path": "/a"},
        {"op": "move", "from": "/spec", "path": "/spec/containers/0/x"},
    ],
)
def test_an_operation_that_cannot_be_done_is_unfit(operation):
    assert failing([operation]).kind is fault.Kind.UNFIT


@pytest.mark.parametrize(
    "patch",
    [
        {},
        "x",
        None,
        [1],
        [{}],
        [{"op": "burn", "path": "/"}],
        [{"op": [], "path": "/"}],
        [{"op": "add", "path": "/a"}],
        [{"op": "remove", "path": 3}],
        [{"op": "move", "path": "/a"}],
        [{"op": "copy", "path": "/a", "from": 1}],
    ],
)
def test_what_is_no_patch_is_malformed(patch):
    assert failing(patch).kind is fault.Kind.MALFORMED


def test_too_many_operations_are_too_large():
    refused = failing([{"op": "remove", "path": "/a"}] * 10_001).refusal()
    assert refused.code == 413
    assert refused.message == (
        "The allowed maximum operations in a JSON patch is 10000, got 10001"
    )


def test_copies_cannot_grow_without_bound():
    doubling = [{"op": "copy", "from": "", "path": f"/{n}"} for n in range(40)]
    assert "copies make more than" in failing(doubling).message


def test_paths_cannot_build_what_is_too_deep():
    deep = [{"op": "add", "path": "/a" * n, "value": {}} for n in range(1, 1500)]
    assert "nested" in failing(deep, {}).message


def test_a_merge_patch_that_is_too_deep_is_malformed():
    patch: object = "x"
    for _ in range(5000):
        patch = {"a": patch}
    with pytest.raises(fault.Fault, match="nested"):
        merge.apply({}, patch)


def test_a_value_that_is_too_deep_is_malformed():
    value: object = "x"
    for _ in range(5000):
        value = [value]
    assert "nested" in failing([{"op": "add", "path": "/a", "value": value}]).message


def test_a_patch_can_be_applied_twice():
    patch = [
        {"op": "add", "path": "/a", "value": []},
        {"op": "add", "path": "/a/-", "value": 1},
    ]
    assert jsonpatch.apply({}, patch) == jsonpatch.apply({}, patch) == {"a": [1]}
    assert patch[0]["value"] == []
