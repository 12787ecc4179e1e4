"""The journal of decisions: bounded, without repetitions, and longer-lived than a pod."""

from datetime import UTC, datetime, timedelta

import pytest

from staticlet.pods import journal, wanted

START = datetime(2026, 1, 1, tzinfo=UTC)
WEB = wanted.PodKey("default", "web-node1")


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


def test_equal_decisions_in_a_row_are_one_with_a_count(time):
    made = journal.Journal(time)
    made.decide(WEB, "waiting", "no network")
    time.pass_by(4)
    made.decide(WEB, "waiting", "no network")
    made.decide(WEB, "starting", "it has not run yet")
    made.decide(WEB, "waiting", "no network")
    assert [(one.what, one.count) for one in made.of(WEB)] == [
        ("waiting", 2),
        ("starting", 1),
        ("waiting", 1),
    ]
    first = made.of(WEB)[0]
    assert (first.at, first.last) == (START, START + timedelta(seconds=4))


def test_the_same_decision_for_another_reason_is_another_decision(time):
    made = journal.Journal(time)
    made.decide(WEB, "waiting", "no network")
    made.decide(WEB, "waiting", "no image")
    assert [one.why for one in made.of(WEB)] == ["no network", "no image"]


def test_of_many_decisions_the_last_are_kept(time):
    made = journal.Journal(time, keep_each=3)
    for number in range(10):
        made.decide(WEB, "starting", str(number))
    assert [one.why for one in made.of(WEB)] == ["7", "8", "9"]


def test_a_pod_that_is_gone_is_remembered_for_an_hour(time):
    made = journal.Journal(time)
    made.decide(WEB, "done with it", "nothing is left")
    made.ended(WEB)
    time.pass_by(3599)
    assert made.pods() == (WEB,)
    time.pass_by(2)
    assert made.pods() == ()
    assert made.of(WEB) == ()


def test_a_pod_that_came_back_is_not_forgotten(time):
    made = journal.Journal(time)
    made.decide(WEB, "done with it", "nothing is left")
    made.ended(WEB)
    made.decide(WEB, "making its sandbox", "its manifest is new here")
    time.pass_by(10_000)
    assert [one.what for one in made.of(WEB)] == ["done with it", "making its sandbox"]


def test_only_so_many_pods_that_are_gone_are_remembered_and_every_living_one(time):
    made = journal.Journal(time, keep_gone=2)
    made.decide(WEB, "starting", "living")
    for number in range(5):
        key = wanted.PodKey("default", f"p{number}")
        made.decide(key, "done with it", "gone")
        made.ended(key)
    assert [key.name for key in made.pods()] == ["p3", "p4", "web-node1"]


def test_nothing_is_known_of_a_pod_that_never_was(time):
    assert journal.Journal(time).of(WEB) == ()
