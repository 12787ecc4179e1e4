"""Events: counted where they repeat, bounded for each object and for all, and of findings too."""

from datetime import UTC, datetime, timedelta

import pytest

from staticlet.kube import core, finding
from staticlet.pods import events, findingevents, wanted

START = datetime(2026, 1, 1, tzinfo=UTC)


class Time:
    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at

    def pass_by(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def time():
    return Time()


def about(name="web-node1", field=""):
    return events.Subject(namespace="default", name=name, uid="u1", field_path=field)


def happened(recorder):
    return [(one.subject.name, one.message, one.count) for one in recorder.events()]


def test_an_event_that_repeats_is_counted_with_its_first_and_last_time(time):
    recorder = events.Recorder("node1", time)
    recorder.record(about(), events.WARNING, "BackOff", "again")
    time.pass_by(10)
    recorder.record(about(), events.WARNING, "BackOff", "again")
    (one,) = recorder.events()
    assert (one.count, one.first, one.last) == (2, START, START + timedelta(seconds=10))
    assert (one.host, one.type, one.reason) == ("node1", "Warning", "BackOff")


@pytest.mark.parametrize(
    "other",
    [
        (about("db-node1"), events.WARNING, "BackOff", "again"),
        (about(field="spec.containers{a}"), events.WARNING, "BackOff", "again"),
        (about(), events.NORMAL, "BackOff", "again"),
        (about(), events.WARNING, "Failed", "again"),
        (about(), events.WARNING, "BackOff", "otherwise"),
    ],
)
def test_events_that_differ_in_anything_are_kept_apart(time, other):
    recorder = events.Recorder("node1", time)
    recorder.record(about(), events.WARNING, "BackOff", "again")
    recorder.record(*other)
    assert [one.count for one in recorder.events()] == [1, 1]


def test_what_happened_last_comes_last_also_where_it_happened_before(time):
    recorder = events.Recorder("node1", time)
    for message in ("a", "b", "a"):
        recorder.record(about(), events.NORMAL, "Pulled", message)
    assert happened(recorder) == [("web-node1", "b", 1), ("web-node1", "a", 2)]


def test_a_noisy_pod_loses_its_own_oldest_events_and_no_others(time):
    recorder = events.Recorder("node1", time, keep_each=2)
    recorder.record(about("quiet"), events.NORMAL, "Started", "once")
    for message in ("a", "b", "c"):
        recorder.record(about("loud"), events.NORMAL, "Started", message)
    assert happened(recorder) == [("quiet", "once", 1), ("loud", "b", 1), ("loud", "c", 1)]


def test_containers_of_one_pod_share_its_bound(time):
    recorder = events.Recorder("node1", time, keep_each=2)
    for name in ("a", "b", "c"):
        recorder.record(
            about(field=f"spec.containers{{{name}}}"),
            events.NORMAL,
            "Started",
            "Container started",
        )
    assert [one.subject.field_path[-2] for one in recorder.events()] == ["b", "c"]


def test_of_all_events_the_oldest_is_dropped_first(time):
    recorder = events.Recorder("node1", time, keep=3)
    for number in range(5):
        recorder.record(about(f"p{number}"), events.NORMAL, "Started", "started")
    assert [one.subject.name for one in recorder.events()] == ["p2", "p3", "p4"]


def test_a_container_is_named_by_its_field():
    pod = core.Pod(
        spec=core.PodSpec(
            containers=[core.Container(name="main", image="i")],
            initContainers=[core.Container(name="first", image="i")],
        )
    )
    key = wanted.PodKey("default", "web-node1")
    fields = [
        events.of_container(key, "u", name, pod=pod).field_path for name in ("main", "first")
    ]
    assert fields == ["spec.containers{main}", "spec.initContainers{first}"]


def pod_of(origin):
    return wanted.WantedPod(
        key=wanted.PodKey("default", "web-node1"),
        uid="u1",
        revision="u1",
        pod=core.Pod(),
        source="file",
        origin=origin,
        seen=START,
    )


def error(origin, severity=finding.Severity.ERROR):
    return finding.Finding(severity=severity, source=origin, message="is bad")


def merged(state, *findings, pods=()):
    one = wanted.Manifest(origin="/m/web.yaml", state=state, pods=pods, findings=findings)
    return wanted.Wanted(manifests=(one,))


def test_a_manifest_that_turns_bad_is_an_event_on_its_pod_once_while_it_lasts(time):
    recorder = events.Recorder("node1", time)
    told = findingevents.FindingEvents(recorder)
    bad = merged(wanted.ManifestState.KEPT, error("/m/web.yaml"), pods=(pod_of("/m/web.yaml"),))
    told.tell(bad)
    told.tell(bad)
    (one,) = recorder.events()
    assert (one.subject.kind, one.subject.uid) == ("Pod", "u1")
    assert (one.type, one.reason, one.message) == (
        "Warning",
        "FailedValidation",
        "/m/web.yaml: is bad",
    )
    assert one.count == 1
    told.tell(merged(wanted.ManifestState.ACCEPTED, pods=(pod_of("/m/web.yaml"),)))
    told.tell(bad)
    assert [one.count for one in recorder.events()] == [2]


def test_a_refused_manifest_and_a_conflict_are_events_on_the_manifest(time):
    recorder = events.Recorder("node1", time)
    told = findingevents.FindingEvents(recorder)
    told.tell(merged(wanted.ManifestState.REFUSED, error("/m/web.yaml")))
    conflict = merged(
        wanted.ManifestState.CONFLICT,
        finding.Finding(
            severity=finding.Severity.ERROR, source="/m/web.yaml", message="is held by another"
        ),
        pods=(pod_of("/m/web.yaml"),),
    )
    told.tell(conflict)
    subjects = [one.subject for one in recorder.events()]
    assert {(one.kind, one.name) for one in subjects} == {("Manifest", "/m/web.yaml")}
    assert len(subjects) == 2


def test_a_warning_about_a_manifest_is_no_event(time):
    recorder = events.Recorder("node1", time)
    mild = error("/m/web.yaml", finding.Severity.WARNING)
    findingevents.FindingEvents(recorder).tell(merged(wanted.ManifestState.ACCEPTED, mild))
    assert recorder.events() == ()
