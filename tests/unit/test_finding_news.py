"""Findings and the events of them are told once while they last."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from staticlet.kube import finding
from staticlet.pods import events, findingevents, findingnews, wanted

PLACE = finding.Finding(severity=finding.Severity.WARNING, source="/m", message="is missing")


def error(origin, message="is bad"):
    return finding.Finding(severity=finding.Severity.ERROR, source=origin, message=message)


def refused(origin, *messages):
    return wanted.Manifest(
        origin=origin,
        state=wanted.ManifestState.REFUSED,
        findings=tuple(error(origin, each) for each in messages or ("is bad",)),
    )


def merged(*manifests, findings=()):
    return wanted.Wanted(manifests=manifests, findings=tuple(findings))


@pytest.fixture
def news():
    return findingnews.FindingNews()


def test_a_finding_is_news_once_while_it_lasts(news):
    assert news.take(merged(refused("/m/a"), findings=[PLACE])) == [PLACE, error("/m/a")]
    assert news.take(merged(refused("/m/a"), findings=[PLACE])) == []


def test_a_finding_that_comes_back_is_news_again(news):
    news.take(merged(refused("/m/a"), findings=[PLACE]))
    assert news.take(merged()) == []
    assert news.take(merged(refused("/m/a"), findings=[PLACE])) == [PLACE, error("/m/a")]


def test_of_a_manifest_whose_findings_change_only_the_new_ones_are_news(news):
    news.take(merged(refused("/m/a", "one", "two"), refused("/m/b")))
    after = merged(refused("/m/a", "two", "three"), refused("/m/b"))
    assert news.take(after) == [error("/m/a", "three")]


@pytest.fixture
def recorder():
    return events.Recorder("node1", lambda: datetime(2026, 1, 1, tzinfo=UTC))


def told(recorder):
    return [(one.subject.name, one.message, one.count) for one in recorder.events()]


def test_an_error_is_an_event_once_while_it_lasts_and_counts_again_when_it_comes_back(recorder):
    telling = findingevents.FindingEvents(recorder)
    for _ in range(2):
        telling.tell(merged(refused("/m/a")))
    assert told(recorder) == [("/m/a", "/m/a: is bad", 1)]
    telling.tell(merged())
    telling.tell(merged(refused("/m/a")))
    assert told(recorder) == [("/m/a", "/m/a: is bad", 2)]


def test_of_a_manifest_that_changes_only_its_new_errors_are_events(recorder):
    telling = findingevents.FindingEvents(recorder)
    telling.tell(merged(refused("/m/a", "one", "two")))
    telling.tell(merged(refused("/m/a", "two", "three")))
    assert told(recorder) == [
        ("/m/a", "/m/a: one", 1),
        ("/m/a", "/m/a: two", 1),
        ("/m/a", "/m/a: three", 1),
    ]


def test_an_error_that_is_told_of_other_subjects_now_is_an_event_on_them(recorder):
    telling = findingevents.FindingEvents(recorder)
    bad = refused("/m/a")
    telling.tell(merged(bad))
    key = wanted.PodKey("default", "web-node1")
    pod = wanted.WantedPod(
        key=key, uid="u1", revision="r", pod=None, source="file", origin="/m/a", seen=None
    )
    telling.tell(merged(replace(bad, state=wanted.ManifestState.KEPT, pods=(pod,))))
    assert told(recorder)[-1] == ("web-node1", "/m/a: is bad", 1)


def test_what_did_not_change_is_not_looked_at_again(recorder, monkeypatch):
    telling = findingevents.FindingEvents(recorder)
    same = [refused(f"/m/{number}") for number in range(3)]
    telling.tell(merged(*same))
    texts = []
    monkeypatch.setattr(finding.Finding, "__str__", lambda one: texts.append(one) or "text")
    telling.tell(merged(*same, refused("/m/new")))
    assert [one.source for one in texts] == ["/m/new"]
