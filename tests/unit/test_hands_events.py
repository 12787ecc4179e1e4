"""Events in the middle of a step: a container is created, then started; a pod's DNS is cut."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from staticlet.aio import clock
from staticlet.host import cgroup
from staticlet.pods import events, hands, observed, tools
from staticlet.runtime import port
from staticlet.testing import wantedpods

NODE = replace(
    wantedpods.NODE,
    cgroup_driver="systemd",  # so that no cgroup is made here
    resolv_conf="".join(f"nameserver 192.0.2.{number}\n" for number in range(1, 5)),
)
SANDBOX = observed.ObservedSandbox(
    id="s1", uid=wantedpods.UID, revision="r", attempt=0, ready=True
)


class Runtime:
    """Creates what it is told; starts it unless it was told otherwise; knows nothing of it."""

    def __init__(self, *, starts=True):
        self.starts = starts

    async def create_container(self, sandbox_id, config, sandbox_config):
        return "c1"

    async def start_container(self, container_id):
        if not self.starts:
            raise port.RuntimeFault("no such program")

    async def container_status(self, container_id, *, verbose=False):
        raise port.RuntimeFault("nobody asks")

    async def run_sandbox(self, config):
        raise port.RuntimeFault("no network")


def made(runtime, directory):
    recorder = events.Recorder("n1", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    hand = hands.RuntimeHands(
        runtime,
        wantedpods.settings(directory),
        lambda: NODE,
        clock.SystemClock(),
        cgroup.present(),
        events=recorder,
    )
    return hand, recorder


async def happened_at_start(directory, runtime):
    hand, recorder = made(runtime, directory)
    start = tools.ContainerStart(
        pod=wantedpods.wanted(),
        sandbox=SANDBOX,
        name="c",
        restart_count=0,
        image=port.Image(id="sha256:1"),
    )
    with pytest.raises(tools.StepFault):
        await hand.start(start)
    return [(e.type, e.reason, e.message, e.subject.field_path) for e in recorder.events()]


CREATED = ("Normal", "Created", "Container created", "spec.containers{c}")
STARTED = ("Normal", "Started", "Container started", "spec.containers{c}")


async def test_a_container_that_starts_is_told_as_created_and_started(tmp_path):
    assert await happened_at_start(tmp_path, Runtime()) == [CREATED, STARTED]


async def test_a_container_that_does_not_start_was_created(tmp_path):
    assert await happened_at_start(tmp_path, Runtime(starts=False)) == [CREATED]


async def test_name_servers_that_are_left_out_are_told_on_the_pod(tmp_path):
    hand, recorder = made(Runtime(), tmp_path)
    with pytest.raises(tools.StepFault):
        await hand.run_sandbox(wantedpods.wanted(dnsPolicy="ClusterFirst"), 0)
    told = {(e.type, e.reason): e for e in recorder.events()}
    assert set(told) == {("Warning", "MissingClusterDNS"), ("Warning", "DNSConfigForming")}
    forming = told["Warning", "DNSConfigForming"]
    assert forming.message.endswith("line is: 192.0.2.1 192.0.2.2 192.0.2.3")
    assert (forming.subject.name, forming.subject.field_path) == ("web-n1", "")
