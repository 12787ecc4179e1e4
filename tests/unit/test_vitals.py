"""What systemd is told of the agent, and when it is given up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from staticlet.app import vitals

WELL = vitals.Vitals(
    works=True,
    pods="12 pods, 11 running, 1 waiting",
    runtime="containerd 1.6.20",
    fault="",
    listing_since=None,
    call_s=120.0,
)
LONGEST_S = 3 * 120.0 + vitals.SPARE_S


def test_the_status_tells_pods_and_runtime():
    assert vitals.status(WELL) == "12 pods, 11 running, 1 waiting; runtime containerd 1.6.20"


def test_the_status_tells_what_is_waited_for():
    absent = replace(WELL, fault="/run/c.sock: no such file")
    assert vitals.status(absent).endswith(
        "; waiting for a container runtime: /run/c.sock: no such file"
    )
    assert vitals.status(replace(absent, works=False)).startswith("waiting for a container")
    assert vitals.status(replace(WELL, works=False)).endswith("; looking at what runs")


@pytest.mark.parametrize(
    ("now", "absent_s", "time_s", "verdict"),
    [
        (WELL, 0.0, 1e9, False),
        (replace(WELL, listing_since=10.0), 0.0, 10.0 + LONGEST_S, False),
        (replace(WELL, listing_since=10.0), 0.0, 10.1 + LONGEST_S, True),
        (replace(WELL, listing_since=10.0, fault="away"), 0.0, 1e9, False),
        (replace(WELL, listing_since=10.0), 5000.0, 5000.0 + LONGEST_S, False),
        (replace(WELL, listing_since=10.0), 5000.0, 5000.1 + LONGEST_S, True),
    ],
    ids=[
        "no list under way",
        "as long as calls may take",
        "longer",
        "the runtime is away",
        "the runtime was away meanwhile",
        "and that is long ago",
    ],
)
def test_a_list_is_stuck_when_it_takes_longer_than_its_calls_may(now, absent_s, time_s, verdict):
    assert vitals.stuck(now, absent_s=absent_s, time_s=time_s) is verdict
