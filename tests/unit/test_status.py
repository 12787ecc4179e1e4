"""A pod's status in the kubelet's words, and its row in kubectl's columns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from staticlet.kube import core, table
from staticlet.pods import observed as obs
from staticlet.pods import present, report, status, statusparts, wanted
from staticlet.pods.images import view
from staticlet.runtime import port

NOW = 1_700_000_000 * obs.SECOND_NS
CLOCK = datetime.fromtimestamp(NOW / obs.SECOND_NS, UTC)


def pod(*names, policy="Always", init=(), host_network=False):
    spec = core.PodSpec(
        containers=[core.Container(name=n, image="i") for n in (names or ("main",))],
        initContainers=[core.Container(name=n, image="i") for n in init] or None,
        restartPolicy=policy,
        hostNetwork=host_network,
        nodeName="node1",
    )
    meta = core.ObjectMeta(name="web-node1", namespace="default")
    return wanted.WantedPod(
        key=wanted.PodKey("default", "web-node1"),
        uid="u1",
        revision="u1",
        pod=core.Pod(metadata=meta, spec=spec),
        source="file",
        origin="/m/web.yaml",
        seen=CLOCK,
    )


def container(name="main", *, count=0, code=None, **more):
    state = port.ContainerState.RUNNING if code is None else port.ContainerState.EXITED
    values = {
        "id": f"{name}-{count}",
        "name": name,
        "restart_count": count,
        "state": state,
        "created_at_ns": NOW - 60 * obs.SECOND_NS + count,
        "started_at_ns": NOW - 60 * obs.SECOND_NS,
        "finished_at_ns": 0 if code is None else NOW - 5 * obs.SECOND_NS,
        "exit_code": code or 0,
    }
    return obs.ObservedContainer(**{**values, **more})


def known(target, *containers, ready=True, past=None, images=None):
    sandbox = obs.ObservedSandbox(
        id="s0",
        uid="u1",
        revision="u1",
        attempt=0,
        ready=ready,
        ips=("10.0.0.9",),
        created_at_ns=NOW - 61 * obs.SECOND_NS,
        containers=containers,
    )
    return statusparts.Known(
        pod=target,
        seen=obs.Observed(sandboxes=(sandbox,)),
        past=past or obs.History(uid="u1", started_at_ns=NOW - 62 * obs.SECOND_NS),
        images=images or {},
        host_ips=("192.0.2.1",),
        now_ns=NOW,
    )


def conditions(made):
    return {c.type: (c.status, c.reason) for c in made.conditions}


def row(given):
    made = msgspec.structs.replace(given.pod.pod, status=status.status(given))
    return table.pod_row(made, CLOCK)


def test_a_running_pod_is_ready_and_has_its_sandboxes_address():
    made = status.status(known(pod(), container()))
    assert made.phase == "Running"
    assert made.podIP == "10.0.0.9"
    assert made.hostIP == "192.0.2.1"
    assert [c.type for c in made.conditions] == [
        "PodReadyToStartContainers",
        "Initialized",
        "Ready",
        "ContainersReady",
        "PodScheduled",
    ]
    assert {c.status for c in made.conditions} == {"True"}
    assert made.containerStatuses[0].containerID == "containerd://main-0"
    assert made.qosClass == "BestEffort"


def test_a_pod_on_the_host_network_has_the_machines_address():
    assert status.status(known(pod(host_network=True), container())).podIP == "192.0.2.1"


def test_nothing_yet_is_pending_and_creating():
    given = replace(known(pod()), seen=obs.Observed())
    made = status.status(given)
    assert made.phase == "Pending"
    assert made.containerStatuses[0].state.waiting.reason == "ContainerCreating"
    assert conditions(made)["PodReadyToStartContainers"] == ("False", None)
    assert conditions(made)["Ready"] == ("False", "ContainersNotReady")
    assert row(given).status == "ContainerCreating"


def test_a_crash_in_back_off_says_how_long_and_keeps_the_end_as_last_state():
    dead = container(count=1, code=1)
    crashed = obs.Crashes(delay_s=10, exits=2, last_id=dead.id, until_ns=NOW + 1)
    past = obs.History(uid="u1", crashes={"main": crashed}, last={"main": dead})
    given = known(pod(), dead, past=past)
    one = status.status(given).containerStatuses[0]
    assert one.state.waiting.reason == "CrashLoopBackOff"
    assert one.state.waiting.message == (
        "back-off 10s restarting failed container=main pod=web-node1_default(u1)"
    )
    assert one.lastState.terminated.exitCode == 1
    assert one.restartCount == 1
    assert status.status(given).phase == "Running"
    assert (row(given).status, row(given).restarts) == ("CrashLoopBackOff", "1 (5s ago)")


def test_after_the_back_off_the_container_is_shown_terminated():
    dead = container(code=1)
    past = obs.History(uid="u1", crashes={"main": obs.Crashes(exits=1)}, last={"main": dead})
    one = status.status(known(pod(), dead, past=past)).containerStatuses[0]
    assert one.state.terminated.reason == "Error"


@pytest.mark.parametrize(
    ("policy", "codes", "phase", "shown"),
    [
        ("Never", (0,), "Succeeded", "Completed"),
        ("Never", (2,), "Failed", "Error"),
        ("Never", (0, 3), "Failed", "Completed"),
        ("OnFailure", (0,), "Succeeded", "Completed"),
        ("OnFailure", (1,), "Running", "Error"),
        ("Always", (0,), "Running", "Completed"),
    ],
)
def test_the_phase_of_ended_pods_follows_the_policy(policy, codes, phase, shown):
    names = [f"c{n}" for n in range(len(codes))]
    ended = [container(n, code=code) for n, code in zip(names, codes, strict=True)]
    given = known(pod(*names, policy=policy), *ended, ready=False)
    assert status.status(given).phase == phase
    assert row(given).status == shown


def test_a_completed_pod_is_initialized_and_not_ready():
    made = status.status(known(pod(policy="Never"), container(code=0), ready=False))
    assert conditions(made)["Initialized"] == ("True", "PodCompleted")
    assert conditions(made)["Ready"] == ("False", "PodCompleted")


def test_a_failed_start_and_an_image_that_cannot_be_had_are_waiting_reasons():
    fault = obs.next_fault(None, "CreateContainerError", "no space", NOW)
    past = obs.History(uid="u1", faults={"main": fault})
    made = status.status(known(pod(), past=past))
    assert made.containerStatuses[0].state.waiting.reason == "CreateContainerError"
    pull = view.ImageView(
        state=view.State.BACKOFF, reason="ImagePullBackOff", message="Back-off pulling"
    )
    given = known(pod(), images={"main": pull})
    assert status.status(given).containerStatuses[0].state.waiting.message == "Back-off pulling"
    assert row(given).status == "ImagePullBackOff"


def test_init_containers_hold_the_pod_pending_and_are_counted():
    target = pod(init=("one", "two"))
    given = known(target, container("one", code=0), container("two"))
    made = status.status(given)
    assert made.phase == "Pending"
    assert conditions(made)["Initialized"] == ("False", "ContainersNotInitialized")
    assert made.containerStatuses[0].state.waiting.reason == "PodInitializing"
    assert row(given).status == "Init:1/2"


def test_a_failed_init_container_fails_a_pod_that_never_restarts():
    target = pod(init=("one",), policy="Never")
    given = known(target, container("one", code=7))
    assert status.status(given).phase == "Failed"
    assert row(given).status == "Init:Error"


def test_the_end_of_a_container_that_is_removed_is_still_the_last_state():
    past = obs.History(uid="u1", last={"main": container(count=0, code=137, reason="OOMKilled")})
    one = status.status(known(pod(), container(count=1), past=past)).containerStatuses[0]
    assert one.lastState.terminated.reason == "OOMKilled"
    assert one.restartCount == 1


def test_a_pod_that_is_being_removed_is_shown_terminating():
    given = known(pod(), container())
    leaving = report.Report(
        key=given.pod.key,
        want=None,
        serving=None,
        leaving=(given.pod, CLOCK),
        seen=given.seen,
        past=given.past,
    )
    shown = present.pod(leaving, host_ips=(), runtime_name="containerd", now=CLOCK)
    assert shown is not None
    assert table.pod_row(shown, CLOCK).status == "Terminating"
    assert shown.status.phase == "Running"


def test_what_keeps_a_pod_from_its_sandbox_is_its_message():
    fault = obs.next_fault(None, "FailedMount", "hostPath type check failed", NOW)
    given = replace(known(pod()), seen=obs.Observed())
    one = report.Report(
        key=given.pod.key,
        want=given.pod,
        serving=given.pod,
        leaving=None,
        seen=given.seen,
        past=obs.History(uid="u1", sandbox_fault=fault),
    )
    shown = present.pod(one, host_ips=(), runtime_name="containerd", now=CLOCK)
    assert shown is not None
    assert shown.status.message == "FailedMount: hostPath type check failed"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (123, "2m3s"),
        (600, "10m"),
        (10799, "179m"),
        (10800, "3h"),
        (11520, "3h12m"),
        (28800, "8h"),
        (172800, "2d"),
        (187200, "2d4h"),
        (691200, "8d"),
        (63072000, "2y"),
        (64108800, "2y12d"),
        (252288000, "8y"),
    ],
)
def test_ages_are_told_as_kubectl_tells_them(seconds, text):
    assert table.human_duration(timedelta(seconds=seconds)) == text


def test_columns_are_padded_to_the_widest_cell_and_lines_have_no_trailing_blanks():
    text = table.render(("NAME", "READY"), (("a-long-name", "1/1"), ("b", "0/1")))
    assert text == "NAME          READY\na-long-name   1/1\nb             0/1\n"


ENDING = obs.Ending(
    uid="u1",
    revision="u1",
    reason="Preempting",
    message="Preempted in order to admit critical pod",
    at_ns=NOW - 7 * obs.SECOND_NS,
    disruption="Pod was preempted by Kubelet to accommodate a critical pod.",
)


def test_a_pod_that_was_ended_has_failed_once_nothing_of_it_runs_any_more():
    past = obs.History(uid="u1", ended=ENDING)
    going = status.status(known(pod(), container(), past=past))
    assert (going.phase, going.reason, going.message) == ("Running", None, None)
    gone = status.status(known(pod(), container(code=143), ready=False, past=past))
    assert (gone.phase, gone.reason) == ("Failed", "Preempting")
    assert gone.message == "Preempted in order to admit critical pod"
    assert gone.containerStatuses[0].state.terminated.exitCode == 143
    ready = next(one for one in gone.conditions if one.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "PodFailed")


def test_a_preempted_pod_says_what_it_was_disrupted_by_from_the_first_moment_on():
    past = obs.History(uid="u1", ended=ENDING)
    for one in (container(), container(code=143)):
        found = status.status(known(pod(), one, past=past)).conditions[-1]
        assert (found.type, found.status) == ("DisruptionTarget", "True")
        assert found.reason == "TerminationByKubelet"
        assert found.message == "Pod was preempted by Kubelet to accommodate a critical pod."
        assert found.lastTransitionTime == CLOCK - timedelta(seconds=7)


def test_the_end_of_another_content_says_nothing_about_this_one():
    past = obs.History(uid="u1", ended=replace(ENDING, revision="old"))
    found = status.status(known(pod(), container(code=1), past=past))
    assert found.phase == "Running"
    assert "DisruptionTarget" not in [one.type for one in found.conditions]
