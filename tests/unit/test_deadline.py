"""How long a pod may be active."""

from __future__ import annotations

import pytest

from staticlet.pods import deadline
from staticlet.pods import observed as obs
from staticlet.testing import wantedpods

S = obs.SECOND_NS
NOW = 2_000_000_000 * S


@pytest.mark.parametrize(
    ("seconds", "active_s", "over"),
    [(None, 10**6, False), (30, 29, False), (30, 30, True), (30, 31, True)],
)
def test_its_time_is_over_after_so_many_seconds(seconds, active_s, over):
    pod = wantedpods.wanted(activeDeadlineSeconds=seconds)
    past = obs.History(uid=pod.uid, started_at_ns=NOW - active_s * S)
    assert deadline.is_over(pod, past, NOW) == over


@pytest.mark.parametrize(
    "past", [obs.History(), obs.History(uid="another", started_at_ns=NOW - 99 * S)]
)
def test_what_has_not_begun_has_all_its_time(past):
    pod = wantedpods.wanted(activeDeadlineSeconds=30)
    assert deadline.ends_at_ns(pod, past) is None
