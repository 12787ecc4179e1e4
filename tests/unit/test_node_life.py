"""A Node from its registration on, in virtual time, with a server that does what a test says."""

import asyncio
import contextlib
import copy
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from staticlet.client import port
from staticlet.config.settings import Settings
from staticlet.kube import rfc3339
from staticlet.node import claim, joined
from staticlet.runtime import port as runtimes
from staticlet.testing import fake_runtime, fakeapi, fakemachine, fakes

pytestmark = pytest.mark.looptime

NODE = "/api/v1/nodes/node1"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node1"
SETTINGS = Settings(node_name="node1")
DOWN = port.Unreachable("nobody answers")


class World:
    """A node, its machine, its runtime and its API server."""

    def __init__(self, api=None, settings=SETTINGS):
        self.clock = fakes.LoopClock()
        self.api = api or fakeapi.FakeApi()
        self.runtime = fake_runtime.FakeRuntime(self.clock)
        self.machine = fakemachine.FakeMachine()
        self.events = []
        self.node = joined.Node(
            self.api,
            settings,
            runtime=self.runtime,
            images=self.runtime.images,
            tell=lambda *event: self.events.append(event),
            clock=self.clock,
            random=lambda: 0.5,
            host=self.machine,
        )

    @property
    def there(self):
        return self.api.objects.get(NODE)

    @property
    def lease(self):
        return self.api.objects.get(LEASE)

    @property
    def reasons(self):
        return [reason for _, reason, _ in self.events]

    def ready(self):
        conditions = {one["type"]: one for one in self.there["status"]["conditions"]}
        return conditions["Ready"]["status"], conditions["Ready"]["message"]

    def times(self, call):
        return self.api.calls.count(call)


@contextlib.asynccontextmanager
async def running(world):
    async with asyncio.TaskGroup() as group:
        task = group.create_task(world.node.run(), name="node")
        try:
            yield world
        finally:
            task.cancel()


async def test_a_node_is_registered_ready_with_a_lease_at_once():
    async with running(World()) as world:
        await asyncio.sleep(0.5)
        assert world.ready() == ("True", "kubelet is posting ready status")
        assert world.lease["spec"]["holderIdentity"] == "node1"
        assert world.lease["spec"]["leaseDurationSeconds"] == 40
        assert world.lease["metadata"]["ownerReferences"] == [
            {"apiVersion": "v1", "kind": "Node", "name": "node1", "uid": world.node.own.uid}
        ]
        assert world.reasons == [
            "Starting",
            "NodeHasSufficientMemory",
            "NodeHasNoDiskPressure",
            "NodeHasSufficientPID",
            "NodeReady",
        ]
        assert world.node.findings() == ()
        assert world.node.allocatable()["cpu"] == "2"


async def test_at_rest_only_the_lease_is_renewed():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.api.calls.clear()
        await asyncio.sleep(204)
        assert world.times(f"PUT {LEASE}") == 20
        assert world.times(f"PATCH {NODE}/status") == 0
        await asyncio.sleep(150)
        assert world.times(f"PATCH {NODE}/status") == 1
        others = {call for call in world.api.calls if not call.startswith("WATCH")}
        assert others == {f"PUT {LEASE}", f"PATCH {NODE}/status"}


async def test_a_change_of_the_machine_is_told_within_ten_seconds():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.machine.leave("memory.available", 1)
        world.machine.ips = ("192.0.2.3",)
        await asyncio.sleep(11)
        status = world.there["status"]
        assert status["conditions"][0]["status"] == "True"
        assert [one["address"] for one in status["addresses"]] == ["192.0.2.3", "node1"]
        assert world.reasons[-1] == "NodeHasInsufficientMemory"
        world.machine.left = dict(fakemachine.PLENTY)
        await asyncio.sleep(280)
        assert world.there["status"]["conditions"][0]["status"] == "True"
        await asyncio.sleep(40)
        assert world.there["status"]["conditions"][0]["status"] == "False"


async def test_a_runtime_that_is_restarted_makes_no_node_unready():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.runtime.trouble.go_down()
        await asyncio.sleep(24)
        world.runtime.trouble.come_back()
        await asyncio.sleep(60)
        assert "NodeNotReady" not in world.reasons


async def test_a_runtime_that_is_down_makes_the_node_unready_until_it_is_back():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.runtime.trouble.go_down()
        await asyncio.sleep(40)
        assert world.ready() == ("False", "container runtime is down")
        world.runtime.trouble.come_back()
        await asyncio.sleep(6)
        assert world.ready()[0] == "True"
        assert world.reasons[-2:] == ["NodeNotReady", "NodeReady"]


async def test_a_network_that_is_not_ready_is_told_in_the_runtimes_words():
    world = World()
    world.runtime.state = (
        runtimes.RuntimeCondition(type="RuntimeReady", status=True),
        runtimes.RuntimeCondition(
            type="NetworkReady", status=False, reason="NetworkPluginNotReady", message="no CNI"
        ),
    )
    async with running(world):
        await asyncio.sleep(1)
        words = (
            "container runtime network not ready: NetworkReady=false"
            " reason:NetworkPluginNotReady message:no CNI"
        )
        assert world.ready() == ("False", words)
        world.runtime.state = (
            runtimes.RuntimeCondition(type="RuntimeReady", status=True),
            runtimes.RuntimeCondition(type="NetworkReady", status=True),
        )
        await asyncio.sleep(0.3)
        assert world.ready()[0] == "True"


async def test_without_a_runtime_the_node_is_registered_unready_and_ready_with_the_runtime():
    world = World()
    world.runtime.trouble.go_down()
    async with running(world):
        await asyncio.sleep(6)
        assert world.ready() == (
            "False",
            "container runtime status check may not have completed yet",
        )
        world.runtime.trouble.come_back()
        await asyncio.sleep(0.3)
        assert world.ready()[0] == "True"


async def test_a_new_start_of_the_agent_leaves_the_node_ready():
    first = World()
    async with running(first):
        await asyncio.sleep(5)
    since = first.there["status"]["conditions"][3]["lastTransitionTime"]
    second = World(first.api)
    second.runtime.trouble.delay("version", 2.0)
    second.api.bodies.clear()
    async with running(second):
        await asyncio.sleep(20)
    conditions = second.there["status"]["conditions"]
    assert conditions[3]["lastTransitionTime"] == since
    assert second.reasons == ["Starting"]
    assert "NotReady" not in str(second.api.bodies)


async def test_a_reboot_is_told():
    first = World()
    async with running(first):
        await asyncio.sleep(1)
    second = World(first.api)
    second.machine.who = replace(fakemachine.IDENTITY, boot_id="boot-2")
    async with running(second):
        await asyncio.sleep(1)
    assert second.events[1] == (
        "Warning",
        "Rebooted",
        "Node node1 has been rebooted, boot id: boot-2",
    )
    assert second.there["status"]["nodeInfo"]["bootID"] == "boot-2"


async def test_a_node_that_is_deleted_is_registered_again():
    async with running(World()) as world:
        await asyncio.sleep(5)
        before = world.node.own.uid
        world.api.remove(NODE)
        await asyncio.sleep(0.5)
        assert world.node.own.uid not in ("", before)
        assert world.there["metadata"]["uid"] == world.node.own.uid
        assert world.ready()[0] == "True"
        await asyncio.sleep(12)
        assert world.lease["metadata"]["ownerReferences"][0]["uid"] == world.node.own.uid


async def test_a_node_that_is_gone_is_missed_even_when_the_watch_says_nothing():
    world = World()
    world.api.trouble = lambda method, path: (
        DOWN if method == "WATCH" or (path.endswith("nodes") and method == "GET") else None
    )
    async with running(world):
        await asyncio.sleep(1)
        del world.api.objects[NODE]
        world.machine.ips = ("192.0.2.9",)
        await asyncio.sleep(15)
        assert world.there["metadata"]["uid"] == world.node.own.uid


async def test_who_was_taken_for_dead_says_at_once_that_he_is_not():
    async with running(World()) as world:
        await asyncio.sleep(5)
        conditions = world.there["status"]["conditions"]
        unknown = [
            one | {"status": "Unknown", "reason": "NodeStatusUnknown"} for one in conditions
        ]
        world.api.change(NODE, {"status": {"conditions": unknown}})
        await asyncio.sleep(0.5)
        assert world.ready()[0] == "True"


async def test_others_who_write_the_status_all_the_time_are_answered_seldom():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.api.calls.clear()
        for number in range(600):
            world.api.change(NODE, {"status": {"nodeInfo": {"osImage": f"x{number}"}}})
            await asyncio.sleep(0.1)
        assert world.times(f"PATCH {NODE}/status") <= 12
        await asyncio.sleep(11)
        assert world.there["status"]["nodeInfo"]["osImage"] == fakemachine.IDENTITY.os_image


async def test_conditions_of_others_are_left_alone():
    async with running(World()) as world:
        await asyncio.sleep(1)
        theirs = {"type": "NetworkUnavailable", "status": "False", "reason": "RouteCreated"}
        conditions = world.there["status"]["conditions"]
        world.api.change(NODE, {"status": {"conditions": [*conditions, theirs]}})
        world.api.calls.clear()
        world.machine.leave("memory.available", 1)
        await asyncio.sleep(15)
        assert theirs in world.there["status"]["conditions"]
        assert world.times(f"PATCH {NODE}/status") == 1


async def test_a_server_that_is_away_is_waited_for_without_a_word(caplog):
    world = World()
    world.api.trouble = lambda method, path: DOWN
    with caplog.at_level(logging.INFO):
        async with running(world):
            await asyncio.sleep(600)
            assert caplog.records == []
            assert world.node.own.uid == ""
            assert len(world.api.calls) < 1000
            world.api.trouble = lambda method, path: None
            await asyncio.sleep(10)
            assert world.ready()[0] == "True"


async def test_an_outage_delays_nothing_after_it():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.api.trouble = lambda method, path: DOWN
        await asyncio.sleep(600)
        world.api.trouble = lambda method, path: None
        await asyncio.sleep(10)
        age = world.clock.now() - rfc3339.moment(world.lease["spec"]["renewTime"])
        assert age < timedelta(seconds=11)
        assert world.node.own.uid


async def test_a_refusal_is_a_finding_and_told_once(caplog):
    world = World()
    refusal = fakeapi.refused(403, "nodes is forbidden: no")
    absent = fakeapi.refused(404, "not found")
    world.api.trouble = lambda method, path: (
        {"POST": refusal, "GET": absent}.get(method) if "nodes" in path else None
    )
    with caplog.at_level(logging.INFO):
        async with running(world):
            await asyncio.sleep(250)
            (finding,) = world.node.findings()
            assert str(finding) == ("node node1: cannot be registered: nodes is forbidden: no")
            said = [one.message for one in caplog.records if "forbidden" in one.message]
            assert said == ["Node node1: nodes is forbidden: no"]
            world.api.trouble = lambda method, path: None
            await asyncio.sleep(10)
            assert world.node.findings() == ()
            assert world.ready()[0] == "True"


async def test_a_node_that_is_not_to_be_registered_is_waited_for():
    world = World(settings=replace(SETTINGS, register_node=False))
    async with running(world):
        await asyncio.sleep(60)
        assert world.there is None
        assert world.lease is None
        (finding,) = world.node.findings()
        assert "registerNode is false" in finding.message
        made = {"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node1"}, "spec": {}}
        await world.api.ask("POST", "/api/v1/nodes", made)
        await asyncio.sleep(10)
        assert world.ready()[0] == "True"
        assert world.lease is not None
        assert f"POST {NODE}" not in world.api.calls


async def test_labels_of_a_node_that_is_there_are_put_right_at_the_start():
    first = World()
    async with running(first):
        await asyncio.sleep(1)
    first.api.change(NODE, {"metadata": {"labels": {"kubernetes.io/os": "plan9", "mine": "x"}}})
    settings = replace(SETTINGS, node_labels={"tier": "edge", "topology.kubernetes.io/zone": "z"})
    async with running(World(first.api, settings)) as second:
        await asyncio.sleep(1)
        labels = second.there["metadata"]["labels"]
        assert (labels["kubernetes.io/os"], labels["mine"]) == ("linux", "x")
        assert labels["topology.kubernetes.io/zone"] == "z"
        assert "tier" not in labels


async def test_a_lease_that_is_deleted_is_made_again():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.api.remove(LEASE)
        await asyncio.sleep(11)
        assert world.lease is not None


async def test_a_lease_that_somebody_edited_is_renewed_all_the_same():
    async with running(World()) as world:
        await asyncio.sleep(5)
        world.api.change(LEASE, {"metadata": {"labels": {"a": "b"}}})
        await asyncio.sleep(60)
        assert world.lease["metadata"]["labels"] == {"a": "b"}
        age = world.clock.now() - rfc3339.moment(world.lease["spec"]["renewTime"])
        assert age < timedelta(seconds=11)
        assert world.node.own.uid


def renewed_by(world, agent):
    """Renew the Lease as another agent does."""
    notes = {claim.AGENT: agent}
    meta = {"name": "node1", "namespace": "kube-node-lease", "uid": "l", "annotations": notes}
    spec = {
        "holderIdentity": "node1",
        "leaseDurationSeconds": 40,
        "renewTime": rfc3339.micro(world.clock.now()),
    }
    if LEASE in world.api.objects:
        world.api.change(LEASE, {"metadata": {"annotations": notes}, "spec": spec})
    else:
        world.api.objects[LEASE] = {"metadata": meta | {"resourceVersion": "1"}, "spec": spec}


async def rival(world, agent):
    while True:
        renewed_by(world, agent)
        await asyncio.sleep(10)


@pytest.mark.parametrize(("agent", "who"), [("other", "marked other"), (None, "a kubelet")])
async def test_a_newcomer_to_a_name_that_is_held_writes_nothing_and_says_so(caplog, agent, who):
    world = World()
    async with asyncio.TaskGroup() as group:
        other = group.create_task(rival(world, agent), name="rival")
        async with running(world):
            await asyncio.sleep(300)
            assert [
                call for call in world.api.calls if call.split()[0] in ("POST", "PUT", "PATCH")
            ] == []
            (finding,) = world.node.findings()
            assert who in finding.message
            assert "--hostname-override" in finding.message
            said = [one.message for one in caplog.records]
            assert said == [finding.message]
            assert world.events[1:] == [("Warning", "NodeNameConflict", finding.message)]
            other.cancel()
            await asyncio.sleep(60)
            assert world.node.findings() == ()
            assert world.ready()[0] == "True"


async def test_who_loses_the_lease_while_the_server_is_away_stands_back():
    world = World()
    async with asyncio.TaskGroup() as group, running(world):
        await asyncio.sleep(5)
        world.api.trouble = lambda method, path: DOWN
        await asyncio.sleep(100)
        other = group.create_task(rival(world, "other"), name="rival")
        await asyncio.sleep(20)
        world.api.trouble = lambda method, path: None
        await asyncio.sleep(60)
        assert world.node.own.uid == ""
        assert "marked other" in world.node.findings()[0].message
        other.cancel()


async def test_of_two_that_look_alike_one_stands_back_in_the_end():
    world = World()
    async with running(world):
        await asyncio.sleep(5)
        twin = World(world.api)
        async with running(twin):
            await asyncio.sleep(1000)
            world.api.calls.clear()
            await asyncio.sleep(300)
            assert sorted((bool(world.node.own.uid), bool(twin.node.own.uid))) == [False, True]
            loser = twin if world.node.own.uid else world
            assert len(loser.node.findings()) == 1


async def test_a_request_whose_answer_was_lost_is_no_rival():
    world = World()
    async with running(world):
        await asyncio.sleep(5)
        real = world.api.ask
        lost = 0

        async def losing(method, path, body=None, **more):
            nonlocal lost
            answer = await real(method, path, body, **more)
            if method == "PUT" and lost < 10:
                lost += 1
                raise DOWN
            return answer

        world.api.ask = losing
        await asyncio.sleep(200)
        assert lost == 10
        assert world.node.own.uid
        assert world.node.findings() == ()


async def test_more_reserved_than_there_is_is_a_finding():
    async with running(World(settings=replace(SETTINGS, kube_reserved={"cpu": "3"}))) as world:
        await asyncio.sleep(1)
        (finding,) = world.node.findings()
        assert finding.message.startswith("more cpu is reserved than there is")
        assert world.there["status"]["allocatable"]["cpu"] == "0"


LIES = [
    {},
    {"metadata": None},
    {"metadata": "node1"},
    {"metadata": {"name": "node2", "uid": "u"}},
    {"metadata": {"name": "node1", "uid": None}},
    {"metadata": {"name": "node1", "uid": "u", "labels": [1]}},
    {"metadata": {"name": "node1", "uid": "u"}, "status": "fine"},
    {"metadata": {"name": "node1", "uid": "u"}, "status": {"conditions": {"a": 1}}},
    {"metadata": {"name": "node1", "uid": "u"}, "status": {"conditions": [7, {"type": []}]}},
    {"metadata": {"name": "node1", "uid": "u"}, "status": {"nodeInfo": 5, "capacity": [1]}},
    {"metadata": {"name": "node1", "uid": "u"}, "spec": {"renewTime": "2030-01-01T00:00:00"}},
    {"metadata": {"name": "node1", "uid": "u"}, "spec": {"renewTime": 5}},
    {"metadata": {"name": "node1", "uid": "u", "resourceVersion": 7}, "spec": []},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
async def test_a_server_that_lies_harms_nothing_and_is_believed_once_it_tells_the_truth(lie):
    world = World()
    real = world.api.ask

    async def lying(*given, **more):
        await asyncio.sleep(0.001)
        return copy.deepcopy(lie)

    world.api.ask = lying
    async with running(world):
        await asyncio.sleep(60)
        world.api.ask = real
        await asyncio.sleep(60)
        assert world.ready()[0] == "True"
        assert world.node.own.uid == world.there["metadata"]["uid"]
        assert world.lease["metadata"]["ownerReferences"][0]["uid"] == world.node.own.uid


async def test_a_watch_that_tells_nonsense_of_the_node_is_not_believed():
    async with running(World()) as world:
        await asyncio.sleep(5)
        known = world.node.own.uid
        for lie in LIES[4:]:
            world.api.tell("MODIFIED", NODE, {"kind": "Node"} | lie)
        await asyncio.sleep(5)
        world.api.change(NODE, {"metadata": {"labels": {"a": "b"}}})
        await asyncio.sleep(60)
        assert world.node.own.uid == known
        assert world.node.own.node["metadata"]["labels"]["a"] == "b"
