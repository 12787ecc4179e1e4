"""The plan's reasons, as people read them in the log and in a pod's story."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from staticlet.kube import core
from staticlet.pods import because, steps, wanted
from staticlet.pods import observed as obs
from staticlet.pods import plan as planning
from staticlet.pods.images import view
from staticlet.runtime import port

NOW = 1_000_000 * obs.SECOND_NS
READY = view.ImageView(state=view.State.PRESENT)


def pod(uid="u1", *, policy="Always", init=(), names=("main",)):
    spec = core.PodSpec(
        containers=[core.Container(name=name, image="nginx:1") for name in names],
        initContainers=[core.Container(name=name, image="nginx:1") for name in init],
        restartPolicy=policy,
        hostNetwork=True,
    )
    return wanted.WantedPod(
        key=wanted.PodKey("default", "web-node1"),
        uid=uid,
        revision=uid,
        pod=core.Pod(metadata=core.ObjectMeta(name="web-node1"), spec=spec),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2026, 1, 1, tzinfo=UTC),
    )


def container(name="main", state=port.ContainerState.EXITED, **more):
    values = {
        "id": name,
        "restart_count": 0,
        "started_at_ns": NOW - 4 * obs.SECOND_NS,
        "finished_at_ns": NOW - 3 * obs.SECOND_NS,
        "exit_code": 1,
    }
    return obs.ObservedContainer(name=name, state=state, **{**values, **more})


def sandbox(*containers, uid="u1", ready=True):
    return obs.ObservedSandbox(
        id="s0",
        uid=uid,
        revision=uid,
        attempt=0,
        ready=ready,
        host_network=True,
        containers=containers,
    )


def planned(target, *sandboxes, past=None, images=None, origin=""):
    names = ["main", "side", "first"]
    return planning.plan(
        steps.Situation(
            target=target,
            seen=obs.Observed(sandboxes=sandboxes),
            past=past or obs.History(uid="u1", incarnation=0),
            images=dict.fromkeys(names, READY) if images is None else images,
            now_ns=NOW,
            origin=origin,
        )
    )


def told(plan):
    """The plan as decisions: what and why."""
    done = [(steps.what(action), action.why) for action in plan.actions]
    return done + [(wait.what, wait.why) for wait in plan.waits.values()]


def test_a_new_pod_names_its_manifest():
    assert told(planned(pod())) == [
        ("making its sandbox", "its manifest is new here: /m/web.yaml")
    ]


def test_a_changed_pod_names_its_manifest():
    old = sandbox(container(state=port.ContainerState.RUNNING), uid="u0")
    assert told(planned(pod(), old)) == [
        ("stopping it (grace 30s)", "its manifest changed: /m/web.yaml")
    ]
    assert told(planned(pod(), sandbox(uid="u0", ready=False))) == [
        ("making its sandbox", "its manifest changed: /m/web.yaml")
    ]


def test_a_removed_pod_names_where_its_manifest_was():
    assert told(planned(None, sandbox(), origin="/m/web.yaml"))[0] == (
        "stopping it (grace 30s)",
        "its manifest was removed: /m/web.yaml",
    )
    assert told(planned(None, sandbox()))[0][1] == "nothing wants it here any more"


def test_a_restart_names_the_exit_and_when_it_was():
    killed = container(exit_code=137, reason="OOMKilled")
    assert told(planned(pod(), sandbox(killed))) == [
        ("restarting container main", "exited 137 (OOMKilled), 3s ago")
    ]


def test_a_back_off_names_the_exit_and_when_it_ends():
    past = obs.History(uid="u1", incarnation=0)
    for count in (0, 1):
        dead = container(id=f"c{count}", restart_count=count, exit_code=137, reason="OOMKilled")
        past = past.with_exit(dead, obs.BackoffRule(), NOW)
    made = planned(pod(), sandbox(dead), past=past)
    assert told(made) == [
        ("waiting to restart container main", "exited 137 (OOMKilled), back-off 10s")
    ]
    wait = made.waits["main"]
    assert (wait.crash, wait.until_ns) == (True, dead.finished_at_ns + 10 * obs.SECOND_NS)


def test_a_failed_start_is_no_crash():
    past = obs.History(uid="u1", incarnation=0)
    past = past.with_fault("main", "CreateContainerError", "no such file", NOW)
    made = planned(pod(), sandbox(), past=past)
    assert told(made) == [
        ("waiting to start container main", "CreateContainerError: no such file")
    ]
    assert not made.waits["main"].crash


@pytest.mark.parametrize(
    ("state", "reason", "why"),
    [
        (view.State.WAITING, "", ""),
        (view.State.PULLING, "", "it is being pulled"),
        (view.State.PULLING, "ErrImagePull", "ErrImagePull: not found"),
        (view.State.BACKOFF, "ImagePullBackOff", "ImagePullBackOff: not found"),
    ],
)
def test_a_missing_image_is_named_with_where_it_stands(state, reason, why):
    images = {
        "main": view.ImageView(state=state, reason=reason, message="not found" * bool(reason))
    }
    assert told(planned(pod(), sandbox(), images=images)) == [
        ("waiting for image nginx:1 of container main", why)
    ]


def test_a_running_init_container_is_waited_for():
    running = container("first", port.ContainerState.RUNNING)
    (wait,) = told(planned(pod(init=("first",)), sandbox(running)))
    assert wait[0] == "waiting for init container first"


def test_a_pod_that_ran_to_its_end_says_how():
    done = container(exit_code=0, reason="Completed")
    failed = container("side", exit_code=3, reason="Error")
    made = planned(pod(policy="Never", names=("main", "side")), sandbox(done, failed))
    why = "container main exited 0, container side exited 3, and its restartPolicy is Never"
    assert told(made) == [("stopping it (grace 30s)", why), ("leaving it ended", why)]


def test_one_container_that_is_left_ended_says_why():
    done = container(exit_code=0)
    running = container("side", port.ContainerState.RUNNING)
    made = planned(pod(policy="OnFailure", names=("main", "side")), sandbox(done, running))
    assert told(made) == [
        ("leaving container main ended", "exited 0, and its restartPolicy is OnFailure")
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59.6, "1m"), (80, "1m20s"), (300, "5m"), (-4, "0s")]
)
def test_spans_are_said_as_people_say_them(seconds, words):
    assert because.seconds(int(seconds * obs.SECOND_NS)) == words


def test_a_pod_of_the_api_names_its_server():
    of_api = replace(pod(), source="api", origin="https://a:6443")
    assert told(planned(of_api)) == [
        ("making its sandbox", "the API server bound it to this node: https://a:6443")
    ]
    assert because.changed(of_api) == "its spec was changed in the API server: https://a:6443"
    assert because.removed("api", "") == "it was deleted in the API server"
