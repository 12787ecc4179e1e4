"""How much of the past is kept, and what that makes needless."""

from __future__ import annotations

import pytest

from staticlet.apiserver.store import history
from staticlet.apiserver.store.port import Action, Change, Gone, Key, Record

ROOMY = 1 << 30


def record(name: str, revision: int, size: int = 10) -> Record:
    return Record(key=Key("pods", "", name), revision=revision, encoded=b"x" * size)


def change(now: Record, before: Record | None = None, *, removed: bool = False) -> Change:
    action = Action.MODIFIED if before is not None else Action.ADDED
    return Change(action=Action.DELETED if removed else action, record=now, previous=before)


def updates(past: history.History, count: int, *, size: int = 10, every_s: float = 0) -> None:
    before = None
    for n in range(count):
        now = record("a", past.oldest + n + 1, size)
        past.add(change(now, before), at=n * every_s)
        before = now


def test_no_more_changes_are_kept_than_the_bound() -> None:
    past = history.History(history.Keeping(revisions=3, few=3), oldest=10)
    updates(past, 5)
    assert past.trim(now=0) == [11]  # 11 was added and overwritten by 12, which still stands in 13
    assert past.oldest == 12
    assert [one.revision for one in past.since("pods", 12)] == [13, 14, 15]


def test_a_removal_is_needless_when_it_is_forgotten_as_is_what_it_removed() -> None:
    past = history.History(history.Keeping(revisions=0, few=0), oldest=10)
    past.add(change(record("a", 11)), at=0)
    past.add(change(record("a", 12), record("a", 11), removed=True), at=0)
    assert past.trim(now=0) == [11, 12]
    assert past.oldest == 12


def test_what_is_old_is_forgotten_but_for_a_few() -> None:
    past = history.History(history.Keeping(seconds=60, few=2), oldest=0)
    updates(past, 100, every_s=1)
    past.trim(now=99)
    assert past.oldest == 39  # made at 38 s, 61 s ago
    past.trim(now=10_000)
    assert past.oldest == 98


def test_overwritten_bytes_are_bounded_whatever_else_may_be_kept() -> None:
    past = history.History(history.Keeping(size=1000, few=50), oldest=0)
    updates(past, 30, size=100)
    past.trim(now=0)
    assert len(past.since("pods", past.oldest)) == 10


def test_what_still_stands_costs_nothing() -> None:
    past = history.History(history.Keeping(size=1000), oldest=0)
    for n in range(50):
        past.add(change(record(f"p{n}", n + 1, 100)), at=0)
    past.trim(now=0)
    assert past.oldest == 0


def test_only_the_resource_that_was_asked_for_is_told() -> None:
    past = history.History(history.Keeping(), oldest=1)
    node = Record(key=Key("nodes", "", "n"), revision=2, encoded=b"{}")
    past.add(change(node), at=0)
    past.add(change(record("a", 3)), at=0)
    assert [one.revision for one in past.since("pods", 1)] == [3]
    assert past.since("nodes", 2) == []
    assert past.since("leases", 1) == []


def test_everything_before_the_oldest_has_gone() -> None:
    past = history.History(history.Keeping(), oldest=5)
    past.check(5)
    with pytest.raises(Gone, match=r"^too old resource version: 4 \(5\)$"):
        past.check(4)
    with pytest.raises(Gone):
        past.since("pods", 4)
    with pytest.raises(Gone):
        past.undone("pods", (), revision=4)
