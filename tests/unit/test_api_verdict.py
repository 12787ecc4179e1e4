"""The verdict on an API server beside an agent finds what is wrong: one thing at a time."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaos import apiverdict

READY = [{"type": "Ready", "status": "True"}]


def _served() -> dict[str, Any]:
    env = [{"name": apiverdict.VERSION, "value": "3"}]
    status = {"containerID": "containerd://c1", "restartCount": 2, "ready": True}
    return {
        "metadata": {
            "name": "s0-n1",
            "uid": "hash",
            "annotations": {apiverdict.HASH: "hash", apiverdict.SOURCE: "file"},
        },
        "spec": {"containers": [{"name": "main", "image": "i:1", "env": env}]},
        "status": {"conditions": READY, "containerStatuses": [status]},
    }


def _shown() -> dict[str, Any]:
    made = _served()
    made["metadata"]["uid"] = "u1"
    made["metadata"]["annotations"][apiverdict.MIRROR] = "hash"
    made["metadata"]["ownerReferences"] = [{"kind": "Node", "uid": "node"}]
    return made


def _found() -> apiverdict.Found:
    node = {"metadata": {"name": "n1", "uid": "node"}, "status": {"conditions": READY}}
    return apiverdict.Found(
        shown=(_shown(),),
        nodes=(node,),
        served=(_served(),),
        sandboxes=1,
        running=frozenset({"c1"}),
    )


EXPECTED = apiverdict.Expected(node="n1", versions={"s0": "3"}, lives={"s0": "containerd://c1"})


def test_nothing_is_wrong_where_the_api_shows_what_runs():
    assert [*apiverdict.troubles(EXPECTED, _found())] == []


def _edit(change: Callable[[dict[str, Any]], object]) -> apiverdict.Found:
    shown = copy.deepcopy(_shown())
    change(shown)
    return replace(_found(), shown=(shown,))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (replace(_found(), shown=()), "mirrors: missing: s0-n1"),
        (replace(_found(), shown=(_shown(), _shown())), "mirrors: more than once: s0-n1"),
        (replace(_found(), nodes=()), "the Nodes are []"),
        (replace(_found(), served=()), "static pods: missing: s0-n1"),
        (replace(_found(), sandboxes=2), "2 sandboxes for 1 pods"),
        (replace(_found(), running=frozenset()), "which does not run"),
        (_edit(lambda m: m["metadata"].update(labels={"a": "b"})), "has labels"),
        (_edit(lambda m: m["metadata"].update(deletionTimestamp="x")), "is being deleted"),
        (_edit(lambda m: m["metadata"].update(ownerReferences=[])), "belongs to []"),
        (_edit(lambda m: m["spec"]["containers"][0].update(image="j")), "shows images ['j']"),
        (_edit(lambda m: m["spec"]["containers"][0].update(env=[])), "shows version , not 3"),
        (_edit(lambda m: m.update(status={"conditions": READY})), "restartCount is shown as None"),
        (_edit(lambda m: m["status"].update(conditions=[])), "not shown as ready"),
        (
            _edit(lambda m: m["metadata"]["annotations"].update({apiverdict.MIRROR: "x"})),
            "of another content",
        ),
    ],
)
def test_what_is_wrong_is_found(found: apiverdict.Found, words: str) -> None:
    assert any(words in one for one in apiverdict.troubles(EXPECTED, found))


def test_a_container_that_had_to_live_on_and_did_not_is_found():
    expected = replace(EXPECTED, lives={"s0": "containerd://c0"})
    assert [*apiverdict.troubles(expected, _found())] == [
        "s0 was harmed: container containerd://c0 became containerd://c1"
    ]


def test_a_manifest_of_another_content_than_what_runs_is_found():
    expected = replace(EXPECTED, versions={"s0": "4"})
    assert [*apiverdict.troubles(expected, _found())] == ["s0 runs version 3 instead of 4"]


def test_a_thing_that_is_said_too_often_is_found_but_not_what_is_about_one_pod():
    lines = [json.dumps({"msg": f"lost for {n} s"}) for n in range(4)]
    lines += [json.dumps({"msg": "starting", "pod": "a/b"})] * 9
    assert [*apiverdict.said_too_often(lines, most=3)] == ["said 4 times: lost for # s"]
    assert [*apiverdict.said_too_often(lines, most=4)] == []
