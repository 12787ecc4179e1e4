"""What a worker tells of its pod: decisions in the journal, events in the kubelet's words."""

from datetime import timedelta

import pytest

from staticlet.pods import tools
from staticlet.pods.images import view
from staticlet.testing import oneworker
from staticlet.testing.oneworker import Machine, pod, settle, working


@pytest.fixture
async def machine():
    return Machine()


async def test_the_story_of_a_pod_that_crashes_twice(machine):
    async with working(machine, pod()) as made:
        for _ in range(2):
            machine.time.pass_by(3)
            machine.callbacks[machine.running_pid()]()
            await settle()
        machine.time.pass_by(10)
        made.wake()
        await settle()
    assert machine.story() == [
        ("making its sandbox", "its manifest is new here: /m/web.yaml"),
        ("starting container main", "it has not run yet"),
        ("restarting container main", "exited 137, 0s ago"),
        ("waiting to restart container main", "exited 137, back-off 10s"),
        ("restarting container main", "exited 137, 10s ago; back-off 10s is over"),
    ]
    wait = machine.journal.of(oneworker.KEY)[3]
    assert wait.until - wait.at == timedelta(seconds=10)
    assert machine.happened() == [
        (
            "BackOff",
            "Back-off restarting failed container main in pod web-node1_default(u1)",
            "spec.containers{main}",
        )
    ]


async def test_the_story_of_a_change_and_a_removal(machine):
    async with working(machine, pod()) as made:
        machine.time.pass_by(1)
        present = machine.views
        pulling = {"main": view.ImageView(state=view.State.PULLING)}
        machine.views = lambda pod, counts: present(pod, counts) if pod.uid == "u1" else pulling
        made.wish(pod(uid="u2"))
        await settle()
        made.wake()
        await settle()
        machine.views = present
        made.wake()
        await settle()
        made.wish(None)
        await settle()
        assert made.ended
    waiting = "waiting for image i of container main: it is being pulled"
    assert machine.story()[2:] == [
        (
            "running on as before",
            "its manifest changed: /m/web.yaml; " + waiting,
        ),
        ("stopping it (grace 30s)", "its manifest changed: /m/web.yaml"),
        ("making its sandbox", "its manifest changed: /m/web.yaml"),
        ("starting container main", "it has not run yet"),
        ("removing a dead sandbox", "it was replaced"),
        ("clearing its directories", "it was replaced"),
        ("stopping it (grace 30s)", "its manifest was removed: /m/web.yaml"),
        ("removing a dead sandbox", "its manifest was removed: /m/web.yaml"),
        ("clearing its directories", "its manifest was removed: /m/web.yaml"),
        ("done with it", "nothing is wanted and nothing is left"),
    ]
    killing = ("Killing", "Stopping container main", "spec.containers{main}")
    assert machine.happened() == [killing, killing]


async def test_faults_are_events_in_the_kubelets_words(machine):
    machine.faults["run"] = [tools.StepFault("FailedCreatePodSandBox", "no network")]
    machine.faults["start"] = [tools.StepFault("RunContainerError", "no such file")]
    machine.faults["stop"] = [tools.StepFault("FailedKillPod", "stuck")]
    async with working(machine, pod()) as made:
        for _ in range(2):
            machine.time.pass_by(1)
            made.wake()
            await settle()
        made.wish(pod(uid="u2"))
        await settle()
    assert machine.happened()[:2] == [
        ("FailedCreatePodSandBox", "Failed to create pod sandbox: no network", ""),
        ("Failed", "Error: no such file", "spec.containers{main}"),
    ]
    assert ("FailedKillPod", "error killing pod: stuck", "") in machine.happened()
    assert {e.type for e in machine.events.events() if e.reason != "Killing"} == {"Warning"}
    tried = ("making its sandbox", "the last try failed: no network")
    waited = (
        "waiting to make its sandbox",
        "FailedCreatePodSandBox: no network",
    )
    assert machine.story()[1:3] == [waited, tried]


async def test_a_sandbox_that_died_is_told_as_changed(machine):
    async with working(machine, pod()):
        machine.callbacks[1]()
        await settle()
    changed = "Pod sandbox changed, it will be killed and re-created."
    assert ("SandboxChanged", changed, "") in machine.happened()
    assert ("making its sandbox again (1)", "its sandbox is gone") in machine.story()
