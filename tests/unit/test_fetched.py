"""What the URL source makes of replies."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from staticlet.kube import read
from staticlet.pods.sources import fetched, judge
from staticlet.pods.wanted import ManifestState
from staticlet.testing.directory import images, manifest

URL = "http://host/pods"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
JUDGE = judge.Judge(node_name="node1", source="http", read=read.read)
WEB = {"web-node1": ("nginx:1", 0)}


def after(*replies: fetched.Reply | fetched.Failure | bytes) -> fetched.State:
    """The state after these replies; bytes stand for a good answer."""
    state = fetched.initial(URL)
    for reply in replies:
        answer = fetched.Reply(status=200, body=reply) if isinstance(reply, bytes) else reply
        state = fetched.respond(state, answer, time=NOW, judging=JUDGE)
    return state


def test_a_good_answer_makes_the_source_ready_and_its_pods_wanted() -> None:
    snapshot = fetched.snapshot(after(manifest()))
    assert snapshot.ready
    assert snapshot.source == "http"
    assert images(snapshot) == WEB
    pod = snapshot.manifests[0].pods[0]
    assert (pod.source, pod.origin) == ("http", URL)


def test_a_body_may_hold_several_pods() -> None:
    body = manifest("a") + b"\n---\n" + manifest("b")
    assert sorted(images(fetched.snapshot(after(body)))) == ["a-node1", "b-node1"]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (fetched.Failure("cannot be reached: connection refused"), "connection refused"),
        (fetched.Reply(status=500, reason="Oops", body=b"secret"), "answered 500 Oops"),
        (fetched.Reply(status=404, reason="Not Found"), "answered 404 Not Found"),
        (fetched.Reply(status=200), "empty body"),
        (fetched.Reply(status=200, body=b"x" * ((10 << 20) + 1)), "10 MiB"),
    ],
)
def test_a_failing_url_keeps_its_last_good_pods_and_says_why(
    reply: fetched.Reply | fetched.Failure, words: str
) -> None:
    snapshot = fetched.snapshot(after(manifest(), reply))
    assert images(snapshot) == WEB
    assert words in str(snapshot.findings[0])
    assert URL in str(snapshot.findings[0])
    assert "secret" not in str(snapshot.findings[0])
    assert fetched.snapshot(after(manifest(), reply, manifest())).findings == ()


def test_a_list_of_no_pods_has_all_of_them_removed() -> None:
    snapshot = fetched.snapshot(after(manifest(), b"apiVersion: v1\nkind: PodList\nitems: []\n"))
    assert images(snapshot) == {}
    assert snapshot.ready
    assert snapshot.manifests[0].state is ManifestState.ACCEPTED
    assert [each.message for each in snapshot.manifests[0].findings] == [
        "the list is empty: no pod is wanted"
    ]


def test_a_body_that_is_no_manifest_keeps_the_last_good_pods() -> None:
    snapshot = fetched.snapshot(after(manifest(), b"<html>"))
    assert images(snapshot) == WEB
    assert snapshot.manifests[0].state is ManifestState.KEPT


def test_a_url_that_never_answered_well_is_not_ready() -> None:
    assert not fetched.snapshot(after(fetched.Failure("no"))).ready
    assert not fetched.snapshot(after(b"<html>")).ready
    assert not fetched.snapshot(after(fetched.Reply(status=503))).ready


def test_the_last_good_pods_of_an_earlier_life_make_it_ready() -> None:
    kept = after(manifest()).judged.goods
    state = fetched.respond(
        fetched.initial(URL, kept), fetched.Failure("no"), time=NOW, judging=JUDGE
    )
    snapshot = fetched.snapshot(state)
    assert snapshot.ready
    assert images(snapshot) == WEB


def test_an_identical_body_changes_nothing() -> None:
    once, twice = after(manifest()), after(manifest(), manifest())
    assert once == twice


def test_a_pod_that_is_dropped_and_brought_again_has_a_new_life() -> None:
    both = manifest("a") + b"\n---\n" + manifest("b")
    state = after(both, manifest("a"), both)
    assert images(fetched.snapshot(state)) == {
        "a-node1": ("nginx:1", 0),
        "b-node1": ("nginx:1", 1),
    }


def test_failures_are_retried_ever_more_slowly_and_a_success_resets_it() -> None:
    no = fetched.Failure("no")
    waits = [fetched.wait_s(after(*[no] * count), base_s=20) for count in range(8)]
    assert waits == [20, 20, 40, 80, 160, 300, 300, 300]
    assert fetched.wait_s(after(*[no] * 5, manifest()), base_s=20) == 20
    assert fetched.wait_s(after(*[no] * 2000), base_s=600) == 600


def test_a_password_in_the_url_is_not_shown() -> None:
    assert fetched.shown("https://me:secret@host:1/p?q=1") == "https://me@host:1/p?q=1"
    assert fetched.shown("https://host/p") == "https://host/p"
