"""Whose a pod is when several manifests claim it."""

from __future__ import annotations

from datetime import UTC, datetime

from staticlet.kube import core
from staticlet.pods import merge
from staticlet.pods.wanted import (
    Manifest,
    ManifestState,
    PodKey,
    Snapshot,
    Wanted,
    WantedPod,
)

KEY = PodKey("default", "web-node1")
A, B, C = "/m/a.yaml", "/m/b.yaml", "/m/c.yaml"


def pod(origin: str, *, uid: str, key: PodKey = KEY) -> WantedPod:
    return WantedPod(
        key=key,
        uid=uid,
        revision=uid,
        pod=core.Pod(),
        source="file",
        origin=origin,
        seen=datetime(2030, 1, 1, tzinfo=UTC),
    )


def manifest(origin: str, *pods: WantedPod) -> Manifest:
    return Manifest(origin=origin, state=ManifestState.ACCEPTED, pods=pods)


def snapshot(*manifests: Manifest, source: str = "file", ready: bool = True) -> Snapshot:
    return Snapshot(source=source, ready=ready, manifests=manifests)


def two_claims() -> Snapshot:
    return snapshot(manifest(A, pod(A, uid="1")), manifest(B, pod(B, uid="2")))


def states(wanted: Wanted) -> dict[str, ManifestState]:
    return {each.origin: each.state for each in wanted.manifests}


def test_pods_of_all_sources_are_wanted() -> None:
    other = PodKey("default", "other-node1")
    file = snapshot(manifest(A, pod(A, uid="1")))
    http = snapshot(manifest("http://h/", pod("http://h/", uid="2", key=other)), source="http")
    wanted = merge.merge([file, http], holders={})
    assert set(wanted.pods) == {KEY, other}
    assert wanted.ready == wanted.sources == {"file", "http"}


def test_a_source_that_is_not_ready_is_known_but_not_ready() -> None:
    wanted = merge.merge([two_claims(), snapshot(source="http", ready=False)], holders={})
    assert wanted.ready == {"file"}
    assert wanted.sources == {"file", "http"}


def test_without_a_holder_the_first_origin_has_the_key_and_the_other_is_told() -> None:
    wanted = merge.merge([two_claims()], holders={})
    assert wanted.pods[KEY].origin == A
    assert states(wanted) == {A: ManifestState.ACCEPTED, B: ManifestState.CONFLICT}
    (said,) = wanted.manifests[1].findings
    assert str(said) == (
        "/m/b.yaml: metadata.name: default/web-node1 is held by /m/a.yaml; "
        "remove or rename one of them"
    )


def test_who_holds_a_key_keeps_it() -> None:
    wanted = merge.merge([two_claims()], holders={KEY: merge.Holder(origin=B, uid="2")})
    assert wanted.pods[KEY].origin == B
    assert states(wanted) == {A: ManifestState.CONFLICT, B: ManifestState.ACCEPTED}


def test_a_holder_that_is_edited_keeps_its_key() -> None:
    wanted = merge.merge([two_claims()], holders={KEY: merge.Holder(origin=B, uid="older")})
    assert wanted.pods[KEY].origin == B


def test_after_a_start_the_running_uid_tells_who_held_the_key() -> None:
    wanted = merge.merge([two_claims()], holders={KEY: merge.Holder(uid="2")})
    assert wanted.pods[KEY].origin == B


def test_a_renamed_file_keeps_its_key() -> None:
    held = merge.holders(merge.merge([snapshot(manifest(C, pod(C, uid="3")))], holders={}))
    renamed = snapshot(manifest(A, pod(A, uid="1")), manifest(B, pod(B, uid="3")))
    assert merge.merge([renamed], holders=held).pods[KEY].origin == B


def test_when_the_holders_file_goes_the_other_takes_over_at_once() -> None:
    held = merge.holders(merge.merge([two_claims()], holders={}))
    wanted = merge.merge([snapshot(manifest(B, pod(B, uid="2")))], holders=held)
    assert wanted.pods[KEY].uid == "2"
    assert states(wanted) == {B: ManifestState.ACCEPTED}


def test_a_manifest_that_loses_one_of_two_pods_is_no_conflict_but_is_told() -> None:
    own = pod(B, uid="4", key=PodKey("default", "own-node1"))
    claims = snapshot(manifest(A, pod(A, uid="1")), manifest(B, pod(B, uid="2"), own))
    wanted = merge.merge([claims], holders={})
    assert states(wanted)[B] is ManifestState.ACCEPTED
    assert len(wanted.manifests[1].findings) == 1
    assert wanted.pods[own.key].origin == B
