"""What a worker does about its pod's place on the node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from staticlet.kube import core
from staticlet.pods import node, places, tools, wanted
from staticlet.testing.oneworker import Machine, pod, settle, working

OTHER = wanted.PodKey("default", "other-n1")


@pytest.fixture
async def machine():
    return Machine()


def requesting(uid="u1", *, port=0, cpu="", source="file", **spec):
    ports = [core.ContainerPort(containerPort=port, hostPort=port)] if port else None
    resources = core.ResourceRequirements(requests={"cpu": cpu}) if cpu else None
    main = core.Container(name="main", image="i", ports=ports, resources=resources)
    return replace(pod(uid, containers=[main], **spec), source=source)


def nobody():
    return None


def take(everybody, other):
    return everybody.take(OTHER, replace(other, key=OTHER), nobody, nobody)


def of_two_cpus():
    return places.Places(lambda: node.Offer(allocatable={"cpu": "2"}))


async def test_a_pod_whose_host_port_is_taken_waits_and_starts_when_it_is_free(machine):
    everybody = places.Places()
    take(everybody, requesting(port=80))
    async with working(machine, requesting(port=80), everybody=everybody) as made:
        assert machine.sandboxes == {}
        words = "host port 80/TCP is in use by pod default/other-n1"
        assert str(made.report().obstacle) == f"NodePorts: {words}"
        assert made.report().waits[""].why == f"NodePorts: {words}"
        told = [one for one in machine.events.events() if one.reason == "NodePorts"]
        assert [one.message for one in told] == [
            f"{words}; it is tried again when that pod has ended"
        ]
        made.wake()
        await settle()
        again = [one for one in machine.events.events() if one.reason == "NodePorts"]
        assert [one.count for one in again] == [1]
        everybody.leave(OTHER)
        await settle()
        assert made.report().obstacle is None
        assert len(machine.sandboxes) == 1
        assert take(everybody, requesting(port=80)) is not None


async def test_a_pod_that_is_found_running_has_its_ports_and_frees_them_when_it_is_gone(machine):
    async with working(machine, requesting(port=80)):
        pass
    everybody = places.Places()
    async with working(machine, requesting(port=80), everybody=everybody) as made:
        assert take(everybody, requesting(port=80)) is not None
        made.wish(None)
        await settle()
        assert made.ended
        assert take(everybody, requesting(port=80)) is None


async def test_a_pod_that_is_found_running_runs_on_though_nothing_of_it_would_be_let_in(machine):
    asked = requesting(cpu="9", nodeSelector={"disk": "ssd"})
    roomy = places.Places(lambda: node.Offer(labels={"disk": "ssd"}))
    async with working(machine, asked, everybody=roomy):
        pass
    machine.done.clear()
    async with working(machine, asked, everybody=of_two_cpus()) as made:
        assert machine.done == [("look",)]
        assert made.report().obstacle is None
        machine.callbacks[machine.running_pid()]()
        await settle()
        assert machine.done[-1] == ("start", "u1", "main", 1)
        machine.callbacks[1]()
        await settle()
        assert ("start", "u1", "main", 2) in machine.done, "its sandbox is made anew"


async def test_a_pod_without_room_is_pending_and_starts_when_there_is_some(machine):
    everybody = of_two_cpus()
    take(everybody, requesting(cpu="1500m"))
    async with working(machine, requesting(cpu="1"), everybody=everybody) as made:
        assert machine.steps("run") == []
        assert machine.asked == [], "no image is got for a wait that may be long"
        assert made.report().waits[""].what == "waiting to make its sandbox"
        assert machine.happened() == [
            (
                "OutOfcpu",
                (
                    "this node has too little cpu: 1 requested, 1500m of 2 taken, 500m missing; "
                    "no pod that may be ended for it would be enough; it is tried again when a "
                    "pod ends or the manifest changes"
                ),
                "",
            )
        ]
        made.wish(requesting("u2", cpu="500m"))
        await settle()
        assert machine.steps("run") == [("run", "u2", 0)]


async def test_a_pod_of_the_api_ends_for_a_static_one_and_is_not_started_again(machine):
    everybody = of_two_cpus()
    async with working(
        machine, requesting(cpu="1500m", source="api"), everybody=everybody
    ) as made:
        found = take(everybody, requesting("static", cpu="1"))
        assert found is not None
        assert found.soon
        machine.stops = None
        await settle()
        assert machine.steps("stop") == [("stop", "u1", 30)]
        assert machine.steps("start") == [("start", "u1", "main", 0)]
        assert take(everybody, requesting("static", cpu="1")) is None
        told = ("Preempting", "Preempted in order to admit critical pod", "")
        assert [one for one in machine.happened() if one[0] == "Preempting"] == [told]
        assert not made.ended, "its object is still there"
        assert machine.sandboxes, "and what it left is kept for its logs"


async def test_a_static_pod_waits_until_the_one_that_ends_for_it_is_dead(machine):
    everybody = of_two_cpus()
    woken = []
    asked = requesting(cpu="1500m", source="api")
    async with working(machine, asked, everybody=everybody):
        static = replace(requesting("static", cpu="1"), key=OTHER)
        assert everybody.take(OTHER, static, lambda: woken.append(OTHER), nobody) is not None
        assert woken == []
        await settle()
        assert woken == [OTHER]


async def test_a_changed_manifest_that_finds_no_place_leaves_the_old_pod_running(machine):
    everybody = of_two_cpus()
    async with working(machine, requesting(cpu="1"), everybody=everybody) as made:
        machine.done.clear()
        made.wish(requesting("u2", cpu="3"))
        await settle()
        assert machine.done == []
        assert made.report().waits[""].what == "running on as before its manifest changed"
        assert [key for key, _ in everybody.waiting()] == [made.key]
        machine.callbacks[machine.running_pid()]()
        await settle()
        assert machine.done[-1] == ("start", "u1", "main", 1)
        machine.time.pass_by(1)
        made.wish(requesting("u3", cpu="2"))
        await settle()
        assert machine.steps("stop", "run") == [("stop", "u1", 30), ("run", "u3", 0)]
        assert [*everybody.waiting()] == []


async def test_a_change_that_is_taken_back_waits_for_nothing(machine):
    everybody = of_two_cpus()
    before = requesting(cpu="1")
    async with working(machine, before, everybody=everybody) as made:
        made.wish(requesting("u2", cpu="3"))
        await settle()
        made.wish(before)
        await settle()
        assert made.report().obstacle is None
        assert [*everybody.waiting()] == []
        assert machine.steps("stop") == []


async def test_a_changed_pod_has_the_ports_of_both_until_the_old_one_is_dead(machine):
    everybody = places.Places()
    async with working(machine, requesting(port=80), everybody=everybody) as made:
        machine.faults["stop"] = [tools.StepFault("FailedKillPod", "stuck")]
        machine.time.pass_by(1)
        made.wish(requesting("u2", port=81))
        await settle()
        assert take(everybody, requesting(port=80)) is not None
        assert take(everybody, requesting(port=81)) is not None
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert machine.steps("run")[-1] == ("run", "u2", 0)
        assert take(everybody, requesting(port=80)) is None
