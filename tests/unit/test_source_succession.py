"""When the places of manifests change, no pod ends before the new places were seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from staticlet.kube import core
from staticlet.kube.finding import Finding, Severity
from staticlet.pods.sources import succession
from staticlet.pods.wanted import Manifest, ManifestState, PodKey, Snapshot, WantedPod

KEY = PodKey("default", "web-n1")
UNREADY = Finding(severity=Severity.WARNING, source="/new", message="cannot be read")


def snapshot(source="file", *, ready=True, incarnation=0, origin="/old/web.yaml", findings=()):
    pod = WantedPod(
        key=KEY,
        uid="1",
        revision="1",
        incarnation=incarnation,
        pod=core.Pod(),
        source=source,
        origin=origin,
        seen=datetime(2030, 1, 1, tzinfo=UTC),
    )
    manifest = Manifest(origin=origin, state=ManifestState.ACCEPTED, pods=(pod,))
    return Snapshot(source=source, ready=ready, manifests=(manifest,), findings=findings)


OLD = snapshot()
NEW = snapshot(origin="/new/web.yaml")
PAGES = snapshot("http", origin="http://h/")


def test_at_first_a_source_is_known_and_not_ready():
    assert succession.succeed({}, {}, ["file"]) == {"file": Snapshot(source="file", ready=False)}


def test_a_source_goes_on_with_what_it_had_until_its_new_place_was_seen():
    assert succession.succeed({"file": OLD}, {}, ["file"]) == {"file": OLD}
    unready = replace(NEW, ready=False, findings=(UNREADY,))
    (shown,) = succession.succeed({"file": OLD}, {"file": unready}, ["file"]).values()
    assert shown == replace(OLD, findings=(UNREADY,))
    assert succession.succeed({"file": OLD}, {"file": NEW}, ["file"]) == {"file": NEW}


def test_a_source_that_is_given_up_stays_until_all_others_were_seen():
    old = {"file": OLD}
    before = succession.succeed(old, {}, ["http"])
    assert before["file"] == OLD
    assert not before["http"].ready
    unready = {"http": replace(PAGES, ready=False)}
    assert succession.succeed(old, unready, ["http"])["file"] == OLD
    assert succession.succeed(old, {"http": PAGES}, ["http"]) == {"http": PAGES}


def test_with_no_source_left_nothing_is_wanted():
    assert succession.succeed({"file": OLD}, {}, []) == {}


def test_incarnations_count_on_from_those_of_the_old_source():
    begun = succession.incarnations([snapshot(incarnation=2), Snapshot(source="http", ready=True)])
    assert begun == {KEY: 2}
    assert succession.incarnations([succession.continued(NEW, begun)]) == {KEY: 2}
    again = snapshot(incarnation=1)
    assert succession.incarnations([succession.continued(again, begun)]) == {KEY: 3}


def test_a_pod_that_the_old_source_did_not_have_begins_with_its_own_number():
    assert succession.continued(NEW, {PodKey("default", "other-n1"): 4}) == NEW
