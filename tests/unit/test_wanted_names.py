"""How a pod is called in the log."""

from datetime import UTC, datetime

from staticlet.kube import core
from staticlet.pods import wanted

KEY = wanted.PodKey("tools", "clock-node1")


def all_wanted():
    pod = wanted.WantedPod(
        key=KEY,
        uid="u1",
        revision="r1",
        pod=core.Pod(),
        source="file",
        origin="/m/clock.yaml",
        seen=datetime(2030, 1, 1, tzinfo=UTC),
    )
    return wanted.Wanted(pods={KEY: pod})


def test_a_wanted_pod_is_called_by_namespace_and_name():
    assert all_wanted().name_of("u1") == "tools/clock-node1"


def test_a_pod_that_is_wanted_no_longer_is_called_by_its_uid():
    assert all_wanted().name_of("u0") == "u0"
