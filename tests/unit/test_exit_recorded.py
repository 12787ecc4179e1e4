"""Waiting until the runtime has written down the exit of a process that the kernel told of."""

import pytest

from staticlet.aio import clock
from staticlet.host import cgroup
from staticlet.pods import endings, hands, labels, observe
from staticlet.runtime import port
from staticlet.testing import wantedpods

RUNNING = port.ContainerStatus(
    id="c1",
    name="c",
    attempt=0,
    state=port.ContainerState.RUNNING,
    created_at_ns=1,
    started_at_ns=2,
    finished_at_ns=0,
    exit_code=0,
    image="localhost/busybox:latest",
    image_ref="sha256:1",
    labels={labels.POD_NAME: "web", labels.POD_NAMESPACE: "default", labels.POD_UID: "u1"},
    pid=4711,
)


class Slow:
    """A runtime that says "stopped" at once and writes the exit down only some questions later."""

    def __init__(self, questions):
        self.questions = questions
        self.asked = 0

    async def stop_container(self, container_id, *, grace_s):
        assert (container_id, grace_s) == ("c1", 0)

    async def container_status(self, container_id, *, verbose=False):
        assert container_id == "c1"
        self.asked += 1
        if self.asked <= self.questions:
            return _status(pid=None)
        return _status(state=port.ContainerState.EXITED, exit_code=137, reason="Error", pid=None)


def _status(**changes):
    fields = {name: getattr(RUNNING, name) for name in RUNNING.__dataclass_fields__}
    return port.ContainerStatus(**{**fields, **changes})


def hands_on(runtime, directory):
    return hands.RuntimeHands(
        runtime,
        wantedpods.settings(directory),
        lambda: wantedpods.NODE,
        clock.SystemClock(),
        cgroup.present(),
    )


@pytest.mark.looptime
async def test_an_exit_that_is_written_down_late_is_waited_for(tmp_path):
    after = await hands_on(Slow(questions=4), tmp_path).exit_of(observe.container(RUNNING))
    assert (after.exited, after.exit_code) == (True, 137)


@pytest.mark.looptime
async def test_a_runtime_that_never_writes_it_down_is_asked_again_by_way_of_the_pid(tmp_path):
    runtime = Slow(questions=1000)
    after = await hands_on(runtime, tmp_path).exit_of(observe.container(RUNNING))
    assert (after.running, after.pid) == (True, 4711)
    assert runtime.asked == len(endings.RECORDED_WITHIN_S)


class Refusing(Slow):
    """A runtime that cannot stop what has just ended together with its whole pod."""

    async def stop_container(self, container_id, *, grace_s):
        raise port.RuntimeFault("failed to kill container: ttrpc: closed")


@pytest.mark.looptime
async def test_a_runtime_that_refuses_to_stop_what_has_ended_is_asked_how_it_ended(tmp_path):
    after = await hands_on(Refusing(questions=2), tmp_path).exit_of(observe.container(RUNNING))
    assert (after.exited, after.exit_code) == (True, 137)
