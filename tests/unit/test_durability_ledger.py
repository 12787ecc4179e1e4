"""The durability test judges by this: it must see every loss, and nothing else."""

import pytest

from chaos import ledger


def written(**acknowledged):
    made = ledger.Ledger()
    for revision, (key, value) in enumerate(acknowledged.items(), 1):
        made.asked(key, value)
        made.answered(key, revision)
    return made


def test_what_was_acknowledged_must_be_there():
    assert not [*written(a="1").wrongs({"a": "1"})]
    assert [*written(a="1").wrongs({})] == ["a holds None and should hold ['1']"]
    assert [*written(a="1").wrongs({"a": "0"})] == ["a holds '0' and should hold ['1']"]


def test_what_was_deleted_must_be_gone():
    assert [*written(a=None).wrongs({"a": "1"})] == ["a holds '1' and should hold [None]"]


@pytest.mark.parametrize("found", [{"a": "1"}, {"a": "2"}])
def test_what_had_no_answer_is_there_or_not(found):
    made = written(a="1")
    made.asked("a", "2")
    assert not [*made.wrongs(found)]
    assert [*made.wrongs({})]


def test_after_settling_what_was_found_counts():
    made = written(a="1")
    made.asked("a", "2")
    made.settle({"a": "2"})
    assert [*made.wrongs({"a": "1"})]


def test_a_follower_misses_no_revision():
    follower = ledger.Follower(revision=1)
    follower.take("ADDED", "a", "1", 2)
    assert not [*follower.wrongs({"a": "1"}, {2})]
    assert [*follower.wrongs({"a": "1"}, {2, 3})] == ["a follower missed the revisions [3]"]


def test_a_follower_holds_what_is_there():
    follower = ledger.Follower()
    follower.take("ADDED", "a", "1", 2)
    follower.take("BOOKMARK", "", "", 3)
    follower.take("DELETED", "a", "1", 4)
    assert not [*follower.wrongs({}, {2, 4})]
    assert [*follower.wrongs({"b": "1"}, set())] == ["a follower has None of b, not '1'"]


def test_an_event_that_came_before_is_out_of_order():
    follower = ledger.Follower(revision=5)
    with pytest.raises(ledger.OutOfOrder):
        follower.take("MODIFIED", "a", "1", 5)
