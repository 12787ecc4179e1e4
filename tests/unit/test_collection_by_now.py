"""What an object is by now: from the watch, from our own writes, or from a store that is older."""

from __future__ import annotations

from typing import Any

from staticlet.node import collection, own
from staticlet.pods import wanted
from staticlet.testing import watched

KEY = wanted.PodKey("default", "web-n1")


def _at(version: int, name: str = "web-n1") -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": "u", "resourceVersion": str(version)}}


def test_our_own_write_counts_until_the_watch_has_come_so_far():
    there = watched.Watched(revision=5)
    written = collection.Written(there)
    written.take(KEY, _at(7))
    assert written.newest(KEY) == _at(7)
    assert there.expected == [7]  # a watch that stalls shows itself by not bringing it
    there.objects[KEY], there.revision = _at(8), 8
    assert written.newest(KEY) == _at(8)


def test_an_answer_that_came_after_its_event_counts_no_more_than_the_event():
    there = watched.Watched(revision=5)
    there.revision = 9
    written = collection.Written(there)
    written.take(KEY, _at(7))
    assert written.newest(KEY) is None


def test_what_was_written_before_a_listing_counts_no_more_though_its_version_is_greater():
    there = watched.Watched(revision=5)
    written = collection.Written(there)
    written.take(KEY, _at(900))
    there.listings, there.revision = 2, 40
    there.objects[KEY] = _at(30)
    assert written.newest(KEY) == _at(30)


def test_what_we_removed_is_gone_though_the_watch_has_it_still():
    there = watched.Watched(revision=5)
    written = collection.Written(there)
    there.objects[KEY] = _at(3)
    written.gone(KEY, "u")
    assert written.newest(KEY) is None


def test_what_we_removed_before_a_listing_is_there_again_if_it_is_listed():
    there = watched.Watched(revision=5)
    written = collection.Written(there)
    written.gone(KEY, "u")
    there.objects[KEY], there.listings = _at(3), 2
    assert written.newest(KEY) == _at(3)


def test_what_is_forgotten_is_as_the_watch_has_it():
    there = watched.Watched(revision=5)
    written = collection.Written(there)
    written.take(KEY, _at(7))
    written.forget(KEY)
    assert written.newest(KEY) is None


def test_a_node_that_was_listed_counts_however_old_and_one_that_was_watched_does_not():
    node = own.OwnNode("n1")
    node.take(_at(900, "n1"))
    node.watched(_at(30, "n1"))
    assert node.node == _at(900, "n1")
    node.watched(_at(30, "n1"), listed=True)
    assert node.node == _at(30, "n1")
