"""All pods in one line."""

from datetime import UTC, datetime

import pytest

from staticlet.pods import observed as obs
from staticlet.pods import report, summary
from staticlet.runtime import port
from staticlet.testing import wantedpods

NOW = datetime(2026, 1, 1, tzinfo=UTC)
POD = wantedpods.wanted(wantedpods.container("a"), wantedpods.container("b"))
JOB = wantedpods.wanted(
    wantedpods.container("a"), wantedpods.container("b"), restartPolicy="OnFailure"
)
RUNNING, EXITED = port.ContainerState.RUNNING, port.ContainerState.EXITED


def seen(pod, *containers, ready=True):
    made = tuple(
        obs.ObservedContainer(id=name, name=name, restart_count=0, state=state, exit_code=code)
        for name, state, code in containers
    )
    box = obs.ObservedSandbox(
        id="s", uid=pod.uid, revision=pod.revision, attempt=0, ready=ready, containers=made
    )
    return obs.Observed(sandboxes=(box,))


def one(pod=POD, *containers, **changes):
    facts = {"key": POD.key, "want": pod, "serving": pod, "leaving": None, "past": obs.History()}
    sandboxes = seen(pod or POD, *containers)
    return report.Report(**{**facts, "seen": sandboxes, **changes})


UP = one(POD, ("a", RUNNING, 0), ("b", RUNNING, 0))
CASES = {
    "all containers run": (UP, "1 pod, 1 running"),
    "one has crashed": (
        one(POD, ("a", RUNNING, 0), ("b", EXITED, 1)),
        "1 pod, 0 running, 1 waiting",
    ),
    "one has ended and is to start again": (
        one(POD, ("a", RUNNING, 0), ("b", EXITED, 0)),
        "1 pod, 0 running, 1 waiting",
    ),
    "one has ended well for good": (
        one(JOB, ("a", RUNNING, 0), ("b", EXITED, 0)),
        "1 pod, 1 running",
    ),
    "no sandbox yet": (one(POD, seen=obs.Observed()), "1 pod, 0 running, 1 waiting"),
    "nothing was looked at yet": (one(POD, serving=None), "1 pod, 0 running, 1 waiting"),
    "ran to its end": (
        one(JOB, ("a", EXITED, 0), ("b", EXITED, 0)),
        "1 pod, 0 running, 1 finished",
    ),
    "being stopped for good": (
        one(None, want=None, serving=None, leaving=(POD, NOW)),
        "1 pod, 0 running, 1 stopping",
    ),
    "only being cleared away": (one(None, want=None, serving=None), "0 pods, 0 running"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_pod_is_counted_as(case):
    given, line = CASES[case]
    assert summary.line([given]) == line


def test_pods_are_added_up():
    crashed = CASES["one has crashed"][0]
    assert summary.line([UP, crashed, UP]) == "3 pods, 2 running, 1 waiting"
