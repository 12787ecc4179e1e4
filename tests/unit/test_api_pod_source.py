"""What of the API server's pods is wanted here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from staticlet.pods import merge, wanted
from staticlet.pods.sources import apipods
from staticlet.testing import wantedpods

NOW = datetime(2030, 1, 2, tzinfo=UTC)
SERVER = "https://127.0.0.1:6443"
KEY = wanted.PodKey("default", "web")


def obj(uid: str = "u1", *, phase: str = "Pending", **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "web",
            "namespace": "default",
            "uid": uid,
            "creationTimestamp": "2030-01-01T00:00:00Z",
            "resourceVersion": "7",
            **meta,
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "c", "image": "busybox:1"}]},
        "status": {"phase": phase},
    }


def snapshot(
    *objects: Any, admitted: Any = ("u1",), known: Any = None, now: datetime = NOW
) -> Any:
    return apipods.snapshot(
        objects, server=SERVER, ready=True, admitted=admitted, known=known or {}, now=now
    )


def pods(*objects: Any, **more: Any) -> list[wanted.WantedPod]:
    found, _ = snapshot(*objects, **more)
    return [pod for one in found.manifests for pod in one.pods]


def test_an_admitted_pod_is_wanted_under_the_uid_of_the_api():
    (pod,) = pods(obj())
    assert (pod.key, pod.uid, pod.source, pod.origin) == (KEY, "u1", "api", SERVER)
    assert not pod.over
    notes = pod.pod.metadata.annotations
    assert notes["kubernetes.io/config.source"] == "api"
    assert notes["kubernetes.io/config.seen"] == "2030-01-01T00:00:00.000000000Z"


def test_what_was_not_admitted_is_not_wanted():
    assert pods(obj(), admitted=()) == []


def test_what_is_being_deleted_is_not_wanted_any_more():
    assert pods(obj(deletionTimestamp="2030-01-01T00:00:30Z")) == []
    ended = obj(phase="Succeeded", deletionTimestamp="2030-01-01T00:00:30Z")
    assert pods(ended) == []


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("admitted", [(), ("u1",)])
def test_what_has_ended_is_wanted_as_over_with_the_status_that_the_api_has(phase, admitted):
    (pod,) = pods(obj(phase=phase), admitted=admitted)
    assert pod.over
    assert pod.pod.status.phase == phase


def test_a_mirror_is_none_of_these_whoever_made_it():
    forged = obj(annotations={"kubernetes.io/config.mirror": "x"})
    assert not apipods.is_ours(forged)
    assert pods(forged) == []


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"metadata": None},
        {"metadata": {"uid": 3}},
        {"metadata": {"uid": "u1", "annotations": ["kubernetes.io/config.mirror"]}},
        {**obj(), "spec": "none"},
        {**obj(), "status": 5},
        {**obj(), "spec": {"containers": "none"}},
        {**obj(), "spec": None},
        obj(name=""),
        obj(creationTimestamp="yesterday"),
    ],
)
def test_what_is_no_pod_is_not_wanted_and_harms_no_other(nonsense):
    (pod,) = pods(nonsense, obj("u2", name="other"), admitted=("u1", "u2"))
    assert pod.uid == "u2"


def test_a_creation_time_without_a_zone_or_in_the_future_is_taken_as_now():
    for told in ("2030-01-01T00:00:00", "2031-01-01T00:00:00Z"):
        (pod,) = pods(obj(creationTimestamp=told))
        assert pod.seen == NOW


def changed(**spec: Any) -> dict[str, Any]:
    made = obj()
    made["spec"] |= spec
    return made


@pytest.mark.parametrize(
    "after",
    [
        obj(labels={"a": "b"}, annotations={"c": "d"}),
        changed(tolerations=[{"operator": "Exists"}]),
        changed(activeDeadlineSeconds=5),
        changed(terminationGracePeriodSeconds=1),
        changed(fieldOfANewerServer="defaulted"),
    ],
)
def test_a_change_of_anything_but_an_image_restarts_nothing(after):
    (before,), (then,) = pods(obj()), pods(after)
    assert (then.uid, then.revision) == (before.uid, before.revision)


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_another_image_is_another_revision(kind):
    (before,) = pods(obj())
    (then,) = pods(changed(**{kind: [{"name": "c", "image": "busybox:2"}]}))
    assert then.revision != before.revision


def test_what_is_equal_stays_the_same_value_and_wakes_nobody():
    first, made = snapshot(obj())
    later = NOW + timedelta(hours=1)
    again, remade = snapshot(obj(resourceVersion="8"), known=made, now=later)
    assert again.manifests[0].pods[0] is first.manifests[0].pods[0]
    assert again == first
    third, _ = snapshot(remade["u1"].of, known=remade, now=later)
    assert third.manifests[0].pods[0] is first.manifests[0].pods[0]


def test_a_pod_that_ends_is_another_value_of_the_same_content():
    _, made = snapshot(obj())
    (then,) = pods(obj(phase="Failed"), known=made)
    (before,) = [one.pod for one in made.values()]
    assert then != before
    assert (then.uid, then.revision) == (before.uid, before.revision)


def test_the_grace_is_that_of_the_deletion():
    assert apipods.grace_s(obj()) is None
    assert apipods.grace_s(obj(deletionGracePeriodSeconds=4)) is None
    going = {"deletionTimestamp": "2030-01-01T00:00:30Z"}
    assert apipods.grace_s(obj(**going, deletionGracePeriodSeconds=0)) == 0
    assert apipods.grace_s(obj(**going, deletionGracePeriodSeconds=7)) == 7


def merged(of_api: wanted.Snapshot, holders: Any) -> wanted.Wanted:
    pod = wantedpods.wanted(name="web")
    manifest = wanted.Manifest(origin=pod.origin, state=wanted.ManifestState.ACCEPTED, pods=(pod,))
    files = wanted.Snapshot(source="file", ready=True, manifests=(manifest,))
    return merge.merge((of_api, files), holders=holders)


@pytest.mark.parametrize(
    "holders", [{}, {KEY: merge.Holder(origin=SERVER, uid="u1")}, {KEY: merge.Holder(uid="u1")}]
)
def test_a_static_pod_has_its_name_whoever_else_had_it_before(holders):
    found = merged(snapshot(obj())[0], holders)
    assert found.pods[KEY].source == "file"
    (manifest,) = found.manifests
    assert manifest.state is wanted.ManifestState.ACCEPTED
    assert manifest.findings == ()


def test_pods_of_the_api_are_wanted_and_are_no_manifest():
    found = merge.merge((snapshot(obj())[0],), holders={})
    assert found.pods[KEY].uid == "u1"
    assert found.manifests == ()


def test_when_it_began_is_known_from_the_api_and_the_rest_of_its_status_from_here():
    began = "2030-01-01T00:00:05Z"
    (pod,) = pods(obj() | {"status": {"phase": "Running", "startTime": began}})
    assert pod.pod.status is not None
    assert pod.pod.status.phase == "Pending"
    assert pod.pod.status.startTime == datetime(2030, 1, 1, 0, 0, 5, tzinfo=UTC)
