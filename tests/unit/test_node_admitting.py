"""Which pods of the API the node takes beside its static ones, and beside those that wait."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from staticlet.kube import core
from staticlet.node import admitting, own
from staticlet.pods import hostports, obstacles, wanted
from staticlet.testing import fakes, fakeview, wantedpods

NODE = {"metadata": {"name": "n1", "uid": "n"}, "status": {"allocatable": {"cpu": "2"}}}


class World:
    def __init__(self) -> None:
        self.view = fakeview.FakeView(fakes.LoopClock())
        self.told: list[str] = []
        node = own.OwnNode("n1")
        node.grant(granted=True)
        node.settle(NODE)
        self.admitting = admitting.Admitting(self.view, node, self.record)

    def record(self, subject: Any, kind: str, reason: str, message: str) -> None:
        self.told.append(reason)

    def has(self, pod: wanted.WantedPod, obstacle: obstacles.Obstacle | None = None) -> None:
        self.view.static[pod.key] = pod
        if obstacle is not None:
            self.view.held[pod.key] = obstacle

    def decides(self, obj: dict[str, Any]) -> str:
        """The reason of a refusal; empty where it is admitted."""
        uid = obj["metadata"]["uid"]
        self.admitting.look([obj])
        if uid in self.admitting.admitted:
            return ""
        return self.admitting.refused[uid].reason


@pytest.fixture
async def world():
    return World()


def static(cpu: str = "", port: int = 0) -> wanted.WantedPod:
    return wantedpods.wanted(container(cpu, port), name="static-n1")


def container(cpu: str, port: int) -> dict[str, Any]:
    more: dict[str, Any] = {"resources": {"requests": {"cpu": cpu}}} if cpu else {}
    if port:
        more["ports"] = [{"containerPort": port, "hostPort": port}]
    return wantedpods.container(**more)


def of_api(cpu: str = "", port: int = 0, name: str = "web") -> dict[str, Any]:
    meta = {"name": name, "namespace": "default", "uid": f"uid-of-{name}"}
    return {"metadata": meta, "spec": {"containers": [container(cpu, port)]}}


def waiting(reason: str, *, soon: bool = False) -> obstacles.Obstacle:
    return obstacles.Obstacle(reason=reason, message="", until="", advice="", soon=soon)


async def test_static_pods_take_their_room_and_their_ports(world):
    world.has(static(cpu="1", port=80))
    assert world.decides(of_api(cpu="1500m")) == "OutOfcpu"
    assert world.decides(of_api(port=80, name="other")) == "NodePorts"
    assert world.decides(of_api(cpu="1", port=81, name="third")) == ""
    assert world.told == ["OutOfcpu", "NodePorts"]


async def test_a_static_pod_that_asks_for_too_much_takes_nothing_from_others(world):
    world.has(static(cpu="64", port=80), waiting("OutOfcpu"))
    assert world.decides(of_api(cpu="2", port=80)) == ""


async def test_room_that_is_being_made_for_a_static_pod_is_its_own(world):
    world.has(static(cpu="2"), waiting("OutOfcpu", soon=True))
    assert world.decides(of_api(cpu="1")) == "OutOfcpu"


async def test_a_port_that_a_static_pod_waits_for_goes_to_nobody_else_but_its_room_does(world):
    world.has(static(cpu="2", port=80), waiting(hostports.REASON))
    assert world.decides(of_api(port=80)) == "NodePorts"
    assert world.decides(of_api(cpu="2", name="other")) == ""


async def test_a_static_pod_that_has_ended_takes_nothing(world):
    pod = static(cpu="2")
    world.has(replace(pod, over=True))
    world.view.show(pod.key, core.Pod(status=core.PodStatus(phase="Succeeded")))
    assert world.decides(of_api(cpu="2")) == ""


async def test_a_static_pod_that_runs_on_while_its_change_waits_takes_what_it_had(world):
    world.has(static(cpu="64"), waiting("OutOfcpu"))
    before = static(cpu="1500m", port=80)
    shown = msgspec.structs.replace(before.pod, status=core.PodStatus(phase="Running"))
    world.view.show(before.key, shown)
    assert world.decides(of_api(cpu="1")) == "OutOfcpu"
    assert world.decides(of_api(port=80, name="other")) == "NodePorts"
    assert world.decides(of_api(cpu="500m", name="third")) == ""
