"""The pool: which pods get a worker, which must wait, and what is remembered between them."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from staticlet.kube import core
from staticlet.pods import labels, listed, places, pool, report, wanted, worker
from staticlet.pods import observed as obs
from staticlet.pods.images import view
from staticlet.runtime import port
from staticlet.testing import wantedpods

KEY = wanted.PodKey("default", "web-node1")


class Scripted:
    """Stands for a worker: records what it is told, ends when nothing is wanted."""

    made: list["Scripted"]

    def __init__(self, key, tools, *, want, past=None, look=True):
        self.looks = look
        self.key, self.want, self.past, self.ended = key, want, past or obs.History(), False
        self.seen = obs.Observed()
        self.doubts = 0
        self.watched = set()
        self.held = {}
        self.told = asyncio.Event()
        Scripted.made.append(self)

    def wish(self, want):
        self.want = want
        self.told.set()

    def doubt(self):
        self.doubts += 1

    def watches(self, runtime_id):
        return runtime_id in self.watched

    def report(self):
        return report.Report(
            key=self.key,
            want=self.want,
            serving=self.want,
            leaving=None,
            seen=self.seen,
            past=self.past,
            successor_images=self.held,
        )

    async def run(self):
        while self.want is not None:
            self.told.clear()
            await self.told.wait()
        self.ended = True


class Gate:
    def lost(self, fault):
        raise AssertionError(fault)

    async def wait(self):
        return


class Clock:
    def monotonic(self):
        return 1.0


class Tools:
    runtime = Gate()
    clock = Clock()

    def __init__(self):
        self.places = places.Places()

    @staticmethod
    def changed(key):
        assert key == KEY


def pod(uid="u1"):
    return wanted.WantedPod(
        key=KEY,
        uid=uid,
        revision=uid,
        pod=core.Pod(),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2026, 1, 1, tzinfo=UTC),
    )


def all_wanted(*pods, ready=("file",), sources=("file",)):
    return wanted.Wanted(
        pods={p.key: p for p in pods}, ready=frozenset(ready), sources=frozenset(sources)
    )


def found(source="file", uid="u1"):
    return listed.Found(
        sources=frozenset({source}), sandboxes={"s0": True}, containers={}, uids=(uid,)
    )


async def settle():
    for _ in range(30):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def pooling(monkeypatch, running, *, listed=True):
    Scripted.made = []
    monkeypatch.setattr(worker, "Worker", Scripted)

    async def find():
        if not listed:
            await asyncio.Event().wait()
        return dict(running)

    async def house():
        return

    shared = Tools()
    made = pool.Pool(shared, find, house=house)
    made.places = shared.places
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(), name="pool")
        await settle()
        yield made
        task.cancel()


async def test_nothing_is_stopped_before_it_is_known_what_is_wanted(monkeypatch):
    async with pooling(monkeypatch, {KEY: found()}) as made:
        await made.first_look()
        await settle()
        assert Scripted.made == []


async def test_a_wanted_pod_gets_one_worker_and_later_wishes_reach_it(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(pod()))
        await settle()
        made.wish(all_wanted(pod("u2")))
        await settle()
        assert [w.want.uid for w in Scripted.made] == ["u2"]


async def test_what_runs_and_is_not_wanted_is_stopped_once_its_source_was_seen(monkeypatch):
    async with pooling(monkeypatch, {KEY: found()}) as made:
        made.wish(all_wanted(ready=()))
        await settle()
        assert Scripted.made == []
        made.wish(all_wanted())
        await settle()
        assert [(w.key, w.want, w.ended) for w in Scripted.made] == [(KEY, None, True)]


@pytest.mark.parametrize(("running", "looks"), [({}, False), ({KEY: found()}, True)])
async def test_only_for_what_was_listed_is_the_runtime_asked_again(monkeypatch, running, looks):
    async with pooling(monkeypatch, running) as made:
        made.wish(all_wanted(pod()))
        await settle()
        assert [w.looks for w in Scripted.made] == [looks]


async def test_before_the_first_list_every_worker_looks_for_itself(monkeypatch):
    async with pooling(monkeypatch, {}, listed=False) as made:
        made.wish(all_wanted(pod()))
        await settle()
        assert [w.looks for w in Scripted.made] == [True]


@pytest.mark.parametrize(("ready", "stopped"), [(("file",), 0), (("file", "http"), 1)])
async def test_a_pod_of_the_url_waits_for_the_url(monkeypatch, ready, stopped):
    async with pooling(monkeypatch, {KEY: found("http")}) as made:
        made.wish(all_wanted(ready=ready, sources=("file", "http")))
        await settle()
        assert len(Scripted.made) == stopped


@pytest.mark.parametrize(("ready", "stopped"), [((), 0), (("file",), 1)])
async def test_a_pod_of_a_source_that_is_configured_no_more_goes_when_the_others_are_seen(
    monkeypatch, ready, stopped
):
    async with pooling(monkeypatch, {KEY: found("http")}) as made:
        made.wish(all_wanted(ready=ready))
        await settle()
        assert len(Scripted.made) == stopped


async def test_restart_counts_are_remembered_when_a_pod_comes_back(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(pod()))
        await settle()
        crashes = {"main": obs.Crashes(exits=3, delay_s=20)}
        Scripted.made[0].past = obs.History(uid="u1", counts={"main": 4}, crashes=crashes)
        made.wish(all_wanted())
        await settle()
        made.wish(all_wanted(pod()))
        await settle()
        again = Scripted.made[1].past
        assert (dict(again.counts), dict(again.crashes)) == ({"main": 4}, {})


async def test_another_content_remembers_nothing(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(pod()))
        await settle()
        Scripted.made[0].past = obs.History(uid="u1", counts={"main": 4})
        made.wish(all_wanted())
        await settle()
        made.wish(all_wanted(pod("u2")))
        await settle()
        assert dict(Scripted.made[1].past.counts) == {}


async def test_the_re_list_wakes_only_workers_that_believe_something_else(monkeypatch):
    running = {}
    async with pooling(monkeypatch, running) as made:
        made.wish(all_wanted(pod()))
        await settle()
        made.relist()
        await settle()
        assert Scripted.made[0].doubts == 0
        running[KEY] = found()
        made.relist()
        await settle()
        assert Scripted.made[0].doubts == 1


async def test_an_event_wakes_the_worker_whose_container_it_is_about(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(pod()))
        await settle()
        box = obs.ObservedSandbox(
            id="s0",
            uid="u1",
            revision="u1",
            attempt=0,
            ready=True,
            containers=(
                obs.ObservedContainer(
                    id="c0", name="main", restart_count=0, state=port.ContainerState.RUNNING
                ),
            ),
        )
        Scripted.made[0].seen = obs.Observed(sandboxes=(box,))
        for kind, container_id in (
            (port.EventType.STARTED, "c0"),
            (port.EventType.STOPPED, "other"),
            (port.EventType.STOPPED, "c0"),
        ):
            made.runtime_event(port.RuntimeEvent(container_id=container_id, type=kind))
        assert Scripted.made[0].doubts == 1
        Scripted.made[0].watched = {"c0"}
        made.runtime_event(port.RuntimeEvent(container_id="c0", type=port.EventType.STOPPED))
        assert Scripted.made[0].doubts == 1


def test_what_the_runtime_lists_is_grouped_by_pod():
    sandboxes = [
        port.Sandbox(
            id=f"s{n}",
            name="web-node1",
            namespace="default",
            uid=f"u{n}",
            attempt=0,
            ready=bool(n),
            created_at_ns=n,
            annotations={"staticlet.dev/source": "file"},
        )
        for n in range(2)
    ]
    containers = [
        port.Container(
            id="c",
            sandbox_id="s1",
            name="main",
            attempt=0,
            state=port.ContainerState.RUNNING,
            created_at_ns=1,
        )
    ]
    grouped = listed.by_pod(sandboxes, containers, lambda s: s.annotations["staticlet.dev/source"])
    assert grouped[KEY] == listed.Found(
        sources=frozenset({"file"}),
        sandboxes={"s0": False, "s1": True},
        containers={"c": port.ContainerState.RUNNING},
        uids=("u1", "u0"),
        living=(sandboxes[1],),
    )


async def test_a_restart_is_a_new_incarnation_of_the_wanted_pod(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(pod()))
        await settle()
        (worker_of_pod,) = Scripted.made
        assert made.restart(KEY) == ""
        assert worker_of_pod.want.incarnation == 1
        made.wish(all_wanted(pod("u2")))
        await settle()
        assert (worker_of_pod.want.uid, worker_of_pod.want.incarnation) == ("u2", 1)
        assert made.restart(KEY) == ""
        assert worker_of_pod.want.incarnation == 2


async def test_what_is_not_wanted_is_not_restarted(monkeypatch):
    undecided = "its source (file) has not said yet whether it is wanted"
    async with pooling(monkeypatch, {KEY: found()}) as made:
        assert undecided in made.restart(KEY)
        made.wish(all_wanted(ready=()))
        await settle()
        assert undecided in made.restart(KEY)
        assert Scripted.made == []
        made.wish(all_wanted())
        assert "its manifest is gone" in made.restart(KEY)


async def test_a_restart_of_an_earlier_life_does_not_restart_the_next_one(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(pod()))
        await settle()
        made.restart(KEY)
        made.wish(all_wanted())
        await settle()
        made.wish(all_wanted(pod()))
        await settle()
        assert [w.want and w.want.incarnation for w in Scripted.made] == [None, 0]


async def test_a_pod_that_waits_for_its_successors_images_is_not_ended_by_a_restart(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(pod()))
        await settle()
        (worker_of_pod,) = Scripted.made
        worker_of_pod.held = {"main": view.ImageView(state=view.State.FAILED)}
        assert "until the new images are there" in made.restart(KEY)
        assert worker_of_pod.want.incarnation == 0


async def test_a_pod_that_has_ended_in_the_api_is_not_restarted(monkeypatch):
    async with pooling(monkeypatch, {}) as made:
        made.wish(all_wanted(replace(pod(), source=wanted.API, over=True)))
        await settle()
        assert "never runs again" in made.restart(KEY)
        (worker_of_pod,) = Scripted.made
        assert worker_of_pod.want.incarnation == 0


@pytest.mark.parametrize(
    ("source", "stopped"),
    [("file", 1), ("http", 1), (wanted.API, 0)],
    ids=["ready", "not configured any more", "of the API"],
)
async def test_a_static_pod_is_stopped_though_nothing_is_known_of_the_api(
    monkeypatch, source, stopped
):
    async with pooling(monkeypatch, {KEY: found(source)}) as made:
        made.wish(all_wanted(sources=("file", wanted.API)))
        await settle()
        assert len(Scripted.made) == stopped


def on_port_80(name="web"):
    container = wantedpods.container(ports=[{"containerPort": 80, "hostPort": 80}])
    return wantedpods.wanted(container, name=name, uid=f"uid-of-{name}")


def running_on(pod):
    return listed.by_pod([wantedpods.sandbox(pod)], [], labels.source_of)


async def test_what_was_found_running_has_its_ports_before_any_worker_asks_for_them(monkeypatch):
    """A worker looks at the runtime before it knows what runs; a new pod's has nothing to see."""
    old, new = on_port_80(), replace(on_port_80("aaa"), key=wanted.PodKey("default", "aaa"))
    asked = []

    class Quick(Scripted):
        def __init__(self, key, tools, **more):
            super().__init__(key, tools, **more)
            if key == new.key:
                asked.append(tools.places.take(key, new, print, print))

    async with pooling(monkeypatch, running_on(old)) as made:
        monkeypatch.setattr(worker, "Worker", Quick)
        await made.first_look()
        made.wish(all_wanted(new, old))
        await settle()
        assert [str(one) for one in asked] == [
            "NodePorts: host port 80/TCP is in use by pod default/web"
        ]


async def test_what_was_found_running_and_has_no_worker_has_its_ports_while_it_lives(monkeypatch):
    running = running_on(replace(on_port_80(), source=wanted.API))
    other = on_port_80("other")
    async with pooling(monkeypatch, running) as made:
        await made.first_look()
        made.wish(all_wanted(sources=("file", "api"), ready=("file",)))
        await settle()
        assert Scripted.made == [], "the API server has not said yet whether it is wanted"
        assert made.places.take(other.key, other, print, print) is not None
        running.clear()
        made.relist()
        await settle()
        assert made.places.take(other.key, other, print, print) is None
