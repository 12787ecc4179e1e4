"""What the API is told of a pod that is not admitted."""

from __future__ import annotations

from datetime import UTC, datetime

from staticlet.node import rejected
from staticlet.pods import admission

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WHY = admission.Refusal(reason="OutOfcpu", message="no room")
REJECTED = {"phase": "Failed", "reason": "OutOfcpu", "message": "Pod was rejected: no room"}


def test_a_pod_that_never_ran_has_failed_and_no_more():
    there = {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}
    assert rejected.status(WHY, there, NOW) == REJECTED


def test_of_a_pod_that_ran_nothing_is_ready_any_more():
    begun = "2029-12-31T00:00:00Z"
    ran = {"name": "a", "ready": True, "started": True, "containerID": "r://1", "restartCount": 2}
    ended = {"name": "b", "ready": False, "state": {"terminated": {"exitCode": 3}}}
    there = {
        "phase": "Running",
        "containerStatuses": [{**ran, "state": {"running": {"startedAt": begun}}}, ended],
        "conditions": [
            {"type": "Ready", "status": "True"},
            {"type": "ContainersReady", "status": "False", "reason": "old"},
            {"type": "PodScheduled", "status": "True"},
        ],
    }
    made = rejected.status(WHY, there, NOW)
    first, second = made.pop("containerStatuses")
    assert (first["ready"], first["started"], first["restartCount"]) == (False, False, 2)
    assert first["state"] == {"running": {"startedAt": begun}}
    assert second["state"] == ended["state"]
    at = "2030-01-01T00:00:00Z"
    (ready,) = made.pop("conditions")
    assert ready == {
        "type": "Ready",
        "status": "False",
        "reason": "PodFailed",
        "lastTransitionTime": at,
    }
    assert made == REJECTED


def test_a_status_that_somebody_made_up_harms_nothing():
    there = {"containerStatuses": [{"state": "running"}, 7], "conditions": "none"}
    made = rejected.status(WHY, there, NOW)
    assert made == REJECTED | {
        "containerStatuses": [{"state": "running", "ready": False, "started": False}]
    }
