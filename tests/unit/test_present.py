"""Pods as they are shown: status, what they wait for, and that they are going."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from staticlet.kube import core, table
from staticlet.kube.scheduling.room import HostPort
from staticlet.pods import hostports, obstacles, present, report, wanted
from staticlet.pods import observed as obs
from staticlet.pods.images import view
from staticlet.runtime import port
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


def test_a_pod_that_waits_for_a_port_says_so_with_the_kubelets_reason():
    found = hostports.Clash(
        port=HostPort("", "TCP", 80), holder=wanted.PodKey("default", "other-n1")
    )
    told = shown(obstacle=obstacles.of_port(found)).status
    assert (told.phase, told.reason) == ("Pending", "NodePorts")
    assert told.message == "NodePorts: host port 80/TCP is in use by pod default/other-n1"
    assert told.containerStatuses is None


def test_a_pod_runs_on_while_its_changed_manifest_waits_for_a_place():
    found = obstacles.Obstacle(reason="OutOfcpu", message="too little", until="", advice="")
    told = shown(obstacle=found, want=wantedpods.wanted(uid="new")).status
    assert told.reason is None
    assert told.message == "runs on as before its manifest changed: OutOfcpu: too little"


def over(*, containers=()):
    pod = wantedpods.wanted(wantedpods.container())
    status = core.PodStatus(phase="Failed", reason="Evicted", message="told elsewhere")
    ended = replace(pod, over=True, pod=msgspec.structs.replace(pod.pod, status=status))
    box = obs.ObservedSandbox(
        id="s0", uid=pod.uid, revision=pod.revision, attempt=0, ready=False, containers=containers
    )
    return shown(want=ended, serving=ended, seen=obs.Observed(sandboxes=(box,))).status


def test_of_a_pod_that_is_over_and_of_which_nothing_is_left_the_api_knows_all():
    assert over() == core.PodStatus(phase="Failed", reason="Evicted", message="told elsewhere")


def test_the_end_of_a_pod_that_is_over_is_what_the_api_says_and_its_containers_are_what_is_here():
    ended = obs.ObservedContainer(
        id="c0",
        name="c",
        restart_count=0,
        state=port.ContainerState.EXITED,
        exit_code=0,
        created_at_ns=1,
    )
    told = over(containers=(ended,))
    assert (told.phase, told.reason, told.message) == ("Failed", "Evicted", "told elsewhere")
    assert told.containerStatuses[0].state.terminated.exitCode == 0


def test_kubectl_shows_why_a_pod_is_not_let_in_and_nothing_of_its_containers():
    found = obstacles.Obstacle(reason="OutOfcpu", message="too little", until="", advice="")
    pod = wantedpods.wanted(wantedpods.container(), initContainers=[wantedpods.container("init")])
    made = shown(obstacle=found, want=pod, serving=pod)
    row = table.pod_row(made, NOW)
    assert (row.ready, row.status) == ("0/1", "OutOfcpu")


def test_what_is_known_of_containers_that_ran_before_is_shown_also_where_it_waits():
    found = obstacles.Obstacle(reason="OutOfcpu", message="too little", until="", advice="")
    pod = wantedpods.wanted(wantedpods.container())
    ended = obs.ObservedContainer(
        id="c0", name="c", restart_count=3, state=port.ContainerState.EXITED, exit_code=1
    )
    box = obs.ObservedSandbox(
        id="s0", uid=pod.uid, revision=pod.revision, attempt=0, ready=False, containers=(ended,)
    )
    told = shown(obstacle=found, want=pod, serving=pod, seen=obs.Observed(sandboxes=(box,)))
    assert told.status.containerStatuses[0].restartCount == 3
