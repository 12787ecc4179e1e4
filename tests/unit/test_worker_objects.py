"""A worker whose pod refers to objects of the API."""

from dataclasses import replace

import pytest

from staticlet.kube import core
from staticlet.pods import tools
from staticlet.pods.apiobjects import held
from staticlet.testing import apicontent
from staticlet.testing.oneworker import Machine, pod, settle, working

REF = apicontent.ref(apicontent.SECRET, "keys")
RUN, START = ("run", "u1", 0), ("start", "u1", "main", 0)


class Objects:
    """Knows one object of every pod, as the test says."""

    def __init__(self, answer):
        self.answer = answer

    def of(self, pod):
        return held.Holdings({REF: self.answer})


def of_api(**more):
    return replace(pod(), source="api", **more)


@pytest.fixture
async def machine():
    made = Machine()
    made.objects = Objects(held.Held())
    return made


async def test_a_pod_waits_without_a_turn_until_the_server_has_told(machine):
    machine.objects.answer = held.Unanswered()
    async with working(machine, of_api()) as made:
        assert machine.steps("run", "start") == []
        assert machine.asked == []
        assert not machine.turns.locked()
        assert made.report().waits[""].what.startswith("waiting for the API server's config maps")
        assert machine.story() == []
        machine.objects.answer = held.Held()
        made.renew()
        await settle()
        assert machine.steps("run", "start") == [RUN, START]


async def test_a_static_pod_does_not_wait(machine):
    machine.objects.answer = held.Unanswered()
    async with working(machine, pod()):
        assert machine.steps("run", "start") == [RUN, START]
        assert machine.renewed == []


async def test_a_volume_that_lacked_something_is_tried_at_once_when_there_is_news(machine):
    machine.faults["run"] = [tools.StepFault("FailedMount", 'secret "keys" not found')]
    async with working(machine, of_api()) as made:
        assert made.report().past.sandbox_fault.message == 'secret "keys" not found'
        made.renew()
        await settle()
        assert machine.steps("run", "start") == [RUN, RUN, START]
        assert made.report().past.sandbox_fault is None


async def test_a_container_that_lacked_something_is_tried_at_once_when_there_is_news(machine):
    lack = tools.StepFault("CreateContainerConfigError", 'secret "keys" not found')
    machine.faults["start"] = [lack]
    async with working(machine, of_api()) as made:
        assert machine.steps("start") == [START]
        made.renew()
        await settle()
        assert machine.steps("start") == [START, START]


async def test_another_failure_keeps_its_back_off_whatever_the_news(machine):
    machine.faults["start"] = [tools.StepFault("RunContainerError", "no such program")]
    async with working(machine, of_api()) as made:
        made.renew()
        await settle()
        assert machine.steps("start") == [START]


async def test_volumes_of_a_pod_that_lives_are_renewed_with_news_and_with_another_label(machine):
    async with working(machine, of_api()) as made:
        machine.renewed.clear()
        made.renew()
        await settle()
        assert machine.renewed == [("u1", True)]
        labelled = of_api()
        meta = core.ObjectMeta(name="web", labels={"a": "b"})
        made.wish(replace(labelled, pod=core.Pod(metadata=meta, spec=labelled.pod.spec)))
        await settle()
        assert machine.renewed == [("u1", True)] * 2
        assert machine.steps("run", "start") == [RUN, START]


async def test_the_volumes_of_a_pod_that_has_ended_are_cleared_once_it_is_stopped(machine):
    async with working(machine, of_api()) as made:
        made.wish(of_api(over=True))
        await settle()
        assert machine.steps("stop") == [("stop", "u1", 30)]
        assert machine.renewed[-1] == ("u1", False)


async def test_an_agent_that_starts_anew_brings_the_volumes_of_its_pods_up_to_date(machine):
    async with working(machine, of_api()):
        pass
    machine.renewed.clear()
    async with working(machine, of_api()):
        assert machine.renewed == [("u1", True)]
