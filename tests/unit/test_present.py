"""Pods as they are shown: status, what they wait for, and that they are going."""

from datetime import UTC, datetime

from staticlet.pods import observed as obs
from staticlet.pods import present, report
from staticlet.pods.images import view
from staticlet.testing import wantedpods

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def shown(**changes):
    pod = wantedpods.wanted(wantedpods.container())
    facts = {"key": pod.key, "want": pod, "serving": pod, "leaving": None, "past": obs.History()}
    seen = obs.Observed()
    one = report.Report(**{**facts, "seen": seen, **changes})
    return present.pod(one, host_ips=("192.0.2.7",), runtime_name="containerd", now=NOW)


def test_a_predecessor_tells_which_image_its_successor_waits_for():
    refused = view.ImageView(state=view.State.BACKOFF, reason="ErrImagePull", message="said 401")
    told = shown(successor_images={"c": refused}).status.message
    assert told.endswith("container c: ErrImagePull: said 401")


def test_a_predecessor_of_which_nothing_is_wrong_says_nothing():
    pulling = view.ImageView(state=view.State.PULLING)
    assert shown(successor_images={"c": pulling}).status.message is None


def test_a_pod_that_cannot_be_stopped_says_so_before_anything_else():
    refused = view.ImageView(state=view.State.BACKOFF, reason="ErrImagePull", message="said 401")
    fault = obs.Fault(reason="FailedKillPod", message="it hangs", retry_at_ns=0)
    told = shown(trouble=fault, successor_images={"c": refused}).status.message
    assert told == "FailedKillPod: it hangs"


def test_a_pod_that_is_being_stopped_for_good_has_a_deletion_timestamp():
    pod = wantedpods.wanted(wantedpods.container())
    going = shown(want=None, serving=None, leaving=(pod, NOW))
    assert going.metadata.deletionTimestamp == NOW
