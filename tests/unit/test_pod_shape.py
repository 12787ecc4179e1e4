"""What has not the shape of a pod is none, whatever a server calls it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from staticlet.pods.sources import podshape

POD: dict[str, Any] = {
    "metadata": {
        "name": "web",
        "namespace": "default",
        "uid": "u",
        "labels": {"a": "b"},
        "annotations": {},
        "ownerReferences": [{"uid": "n"}],
    },
    "spec": {"containers": [{"name": "c", "image": "a:1"}], "initContainers": None},
    "status": {
        "phase": "Running",
        "conditions": [{"type": "Ready"}],
        "containerStatuses": [{"name": "c"}],
    },
}


def changed(*path: Any, to: Any) -> dict[str, Any]:
    made = copy.deepcopy(POD)
    inside: Any = made
    for part in path[:-1]:
        inside = inside[part]
    inside[path[-1]] = to
    return made


@pytest.mark.parametrize(
    "pod",
    [
        POD,
        {"metadata": {"name": "web", "uid": "u"}},
        changed("spec", to=None),
        changed("status", to={}),
        changed("status", "podIPs", to="newer than we are"),
        changed("spec", "containers", 0, "ports", to={"as": "nobody knows it"}),
        changed("metadata", "labels", to=None),
    ],
)
def test_a_pod_is_one_whatever_else_it_has(pod):
    assert podshape.is_pod(pod)


@pytest.mark.parametrize(
    "lie",
    [
        {},
        {"metadata": None},
        {"metadata": {"name": "web"}},
        changed("metadata", "uid", to=""),
        changed("metadata", "uid", to=5),
        changed("metadata", "name", to=None),
        changed("metadata", "labels", to=["a"]),
        changed("metadata", "annotations", to={"a": 1}),
        changed("metadata", "ownerReferences", to=[None]),
        changed("metadata", "deletionTimestamp", to=7),
        changed("spec", to="fine"),
        changed("spec", "containers", to={"name": "c"}),
        changed("spec", "containers", 0, to=None),
        changed("spec", "containers", 0, "name", to=[]),
        changed("spec", "containers", 0, "image", to={}),
        changed("status", to=[]),
        changed("status", "phase", to=[]),
        changed("status", "conditions", to=[7]),
        changed("status", "conditions", 0, "type", to=None),
        changed("status", "containerStatuses", to={"c": {}}),
        changed("status", "containerStatuses", 0, "name", to={}),
    ],
    ids=str,
)
def test_what_is_not_shaped_like_a_pod_is_none(lie):
    assert not podshape.is_pod(lie)
