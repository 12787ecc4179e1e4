"""The worker: what it does with a plan's steps, their faults, and news that come in between."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from staticlet.kube import core
from staticlet.pods import events, hostports, journal, tools, wanted, worker
from staticlet.pods import observed as obs
from staticlet.pods.images import view
from staticlet.runtime import port

KEY = wanted.PodKey("default", "web-node1")


class Time:
    """Stands still until it is moved."""

    def __init__(self):
        self.at = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self):
        return self.at

    def monotonic(self):
        return self.at.timestamp()

    def pass_by(self, seconds):
        self.at += timedelta(seconds=seconds)

    @property
    def ns(self):
        return int(self.at.timestamp() * obs.SECOND_NS)


class Machine:
    """Hands, images, exits and gate in one: a machine that does as it is told."""

    def __init__(self):
        self.time = Time()
        self.events = events.Recorder("node1", self.time.now)
        self.journal = journal.Journal(self.time.now)
        self.done = []
        self.faults = {}
        self.sandboxes = {}
        self.remembered = {}
        self.callbacks = {}
        self.present = True
        self.asked = []
        self.up = asyncio.Event()
        self.up.set()
        self.lost_with = []
        self.pid = 100

    def _step(self, name, *details):
        self.done.append((name, *details))
        queue = self.faults.get(name)
        if queue:
            raise queue.pop(0)

    async def look(self, key):
        assert key == KEY
        self._step("look")
        found = sorted(self.sandboxes.values(), key=lambda s: -s.created_at_ns)
        return obs.Observed(sandboxes=tuple(found))

    async def recall(self, sandbox):
        return self.remembered.get(sandbox.id)

    async def run_sandbox(self, pod, attempt):
        self._step("run", pod.uid, attempt)
        made = obs.ObservedSandbox(
            id=f"s-{pod.uid}-{attempt}",
            uid=pod.uid,
            revision=pod.revision,
            attempt=attempt,
            ready=True,
            host_network=True,
            created_at_ns=self.time.ns,
        )
        self.sandboxes[made.id] = made
        return made

    async def start(self, start):
        self._step("start", start.pod.uid, start.name, start.restart_count)
        self.pid += 1
        made = obs.ObservedContainer(
            id=f"c-{start.pod.uid}-{start.name}-{start.restart_count}",
            name=start.name,
            restart_count=start.restart_count,
            state=port.ContainerState.RUNNING,
            started_at_ns=self.time.ns,
            created_at_ns=self.time.ns,
            pid=self.pid,
        )
        box = self.sandboxes[start.sandbox.id]
        self.sandboxes[box.id] = replace(box, containers=(made, *box.containers))
        return made

    async def stop(self, sandbox, grace_s):
        self._step("stop", sandbox.uid, grace_s)
        dead = tuple(self._dead(c, 143) if c.alive else c for c in sandbox.containers)
        self.sandboxes[sandbox.id] = replace(sandbox, ready=False, containers=dead)
        return self.sandboxes[sandbox.id]

    def _dead(self, container, code):
        ended = port.ContainerState.EXITED
        return replace(container, state=ended, exit_code=code, finished_at_ns=self.time.ns)

    async def exit_of(self, container):
        self._step("exit", container.id)
        return self._dead(container, 137)

    async def sandbox_exit_of(self, sandbox):
        self._step("sandbox exit", sandbox.id)
        return replace(sandbox, ready=False)

    async def pids(self, sandbox):
        return replace(sandbox, pid=1)

    async def remove_container(self, key, uid, container):
        self._step("remove container", container.id)

    async def remove_sandbox(self, sandbox_id):
        self._step("remove", sandbox_id)
        self.sandboxes.pop(sandbox_id, None)

    async def clean_up(self, key, uid):
        self._step("clean", uid)

    def views(self, pod, counts):
        if not self.present:
            return {}
        image = port.Image(id="sha256:1")
        there = view.ImageView(state=view.State.PRESENT, image=image)
        return dict.fromkeys(counts, there)

    def need(self, pod, counts, wake):
        self.asked.append((pod.uid, dict(counts)))

    def gone(self, uid, container):
        self.done.append(("image gone", container))

    def forget(self, uid):
        self.done.append(("forget", uid))

    def add(self, pid, callback):
        self.callbacks[pid] = callback

    def remove(self, pid):
        self.callbacks.pop(pid, None)

    def lost(self, fault):
        self.lost_with.append(fault)
        self.up.clear()

    async def wait(self):
        await self.up.wait()


def pod(uid="u1", incarnation=0):
    spec = core.PodSpec(
        containers=[core.Container(name="main", image="i")],
        hostNetwork=True,
        restartPolicy="Always",
    )
    return wanted.WantedPod(
        key=KEY,
        uid=uid,
        revision=uid,
        incarnation=incarnation,
        pod=core.Pod(metadata=core.ObjectMeta(name=KEY.name), spec=spec),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def settle():
    """Let every task go on until all of them wait for something."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.fixture
async def machine():
    return Machine()


@contextlib.asynccontextmanager
async def working(machine, want, *, turns=1, look=True, ports=None, grace_s=None):
    machine.turns = asyncio.Semaphore(turns)
    shared = tools.Tools(
        hands=machine,
        images=machine,
        exits=machine,
        runtime=machine,
        clock=machine.time,
        starts=machine.turns,
        events=machine.events,
        journal=machine.journal,
        ports=ports or hostports.HostPorts(),
        grace_of=lambda uid: grace_s,
    )
    made = worker.Worker(KEY, shared, want=want, look=look)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(made.run(), name="worker")
        await settle()
        yield made
        task.cancel()


def running_pid(machine):
    return max(pid for pid in machine.callbacks if pid != 1)


async def test_a_wanted_pod_is_looked_for_and_then_started(machine):
    async with working(machine, pod()):
        assert machine.done == [("look",), ("run", "u1", 0), ("start", "u1", "main", 0)]


async def test_where_nothing_can_be_nobody_looks(machine):
    async with working(machine, pod(), look=False):
        assert machine.done == [("run", "u1", 0), ("start", "u1", "main", 0)]


async def test_the_kernels_word_of_an_exit_leads_to_a_restart_at_once(machine):
    async with working(machine, pod()):
        machine.done.clear()
        machine.callbacks[running_pid(machine)]()
        await settle()
        assert machine.done == [("exit", "c-u1-main-0"), ("start", "u1", "main", 1)]


async def test_a_second_crash_waits_and_wakes_by_itself(machine):
    async with working(machine, pod()) as made:
        for _ in range(2):
            machine.callbacks[running_pid(machine)]()
            await settle()
        assert str(made.report().waits["main"]) == (
            "waiting to restart container main: exited 137, back-off 10s"
        )
        machine.time.pass_by(10)
        made.wake()
        await settle()
        assert ("start", "u1", "main", 2) in machine.done


async def test_the_death_of_the_sandbox_is_noticed_and_mended(machine):
    async with working(machine, pod()):
        machine.done.clear()
        machine.callbacks[1]()
        await settle()
        assert machine.done[:4] == [
            ("sandbox exit", "s-u1-0"),
            ("stop", "u1", 30),
            ("run", "u1", 1),
            ("start", "u1", "main", 1),
        ]


async def test_a_change_stops_the_old_pod_then_starts_the_new_one_and_clears_away(machine):
    async with working(machine, pod()) as made:
        machine.done.clear()
        machine.time.pass_by(1)
        made.wish(pod(uid="u2"))
        await settle()
        assert [d for d in machine.done if d[0] != "forget"] == [
            ("stop", "u1", 30),
            ("run", "u2", 0),
            ("start", "u2", "main", 0),
            ("remove", "s-u1-0"),
            ("clean", "u1"),
        ]


async def test_a_change_whose_image_is_missing_leaves_the_old_pod_alone_and_restarts_it(machine):
    async with working(machine, pod()) as made:
        present = machine.views
        machine.views = lambda pod, counts: present(pod, counts) if pod.uid == "u1" else {}
        machine.done.clear()
        made.wish(pod(uid="u2"))
        await settle()
        assert machine.done == []
        assert ("u2", {"main": 0}) in machine.asked
        machine.callbacks[running_pid(machine)]()
        await settle()
        assert machine.done == [("exit", "c-u1-main-0"), ("start", "u1", "main", 1)]
        machine.views = present
        made.wake()
        await settle()
        assert ("start", "u2", "main", 0) in machine.done


async def test_a_removed_manifest_ends_the_worker_with_nothing_left(machine):
    async with working(machine, pod()) as made:
        made.wish(None)
        await settle()
        assert made.ended
        assert machine.sandboxes == {}
        assert machine.done[-2:] == [("remove", "s-u1-0"), ("clean", "u1")]


async def test_a_removal_and_return_in_one_wish_restarts_the_pod_once(machine):
    async with working(machine, pod()) as made:
        machine.done.clear()
        machine.time.pass_by(1)
        made.wish(pod(incarnation=1))
        await settle()
        assert [d[0] for d in machine.done] == ["stop", "run", "start", "remove"]
        assert ("start", "u1", "main", 1) in machine.done


async def test_a_failed_stop_is_tried_again_and_nothing_starts_before_it_succeeds(machine):
    async with working(machine, pod()) as made:
        machine.done.clear()
        machine.faults["stop"] = [tools.StepFault("FailedKillPod", "stuck")]
        made.wish(pod(uid="u2"))
        await settle()
        assert not any(d[0] == "run" for d in machine.done)
        trouble = made.report().trouble
        assert trouble is not None
        assert trouble.message == "stuck"
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert ("start", "u2", "main", 0) in machine.done
        assert made.report().trouble is None


async def test_a_failed_start_asks_for_the_image_anew_and_waits(machine):
    machine.faults["start"] = [tools.StepFault("CreateContainerError", "no such image")]
    async with working(machine, pod()) as made:
        assert ("image gone", "main") in machine.done
        assert made.report().past.faults["main"].reason == "CreateContainerError"
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert made.report().past.faults == {}


async def test_a_lost_runtime_is_waited_for_and_looked_at_anew(machine):
    machine.faults["run"] = [port.Unavailable("gone")]
    async with working(machine, pod()):
        assert [str(fault) for fault in machine.lost_with] == ["gone"]
        machine.done.clear()
        machine.up.set()
        await settle()
        assert machine.done[:2] == [("look",), ("run", "u1", 0)]


async def test_an_exit_that_happened_while_the_runtime_was_away_counts_once(machine):
    async with working(machine, pod()) as made:
        box = machine.sandboxes["s-u1-0"]
        dead = tuple(machine._dead(c, 1) for c in box.containers)
        machine.sandboxes["s-u1-0"] = replace(box, containers=dead)
        made.doubt()
        await settle()
        assert made.past.crashes["main"].exits == 1
        assert machine.done[-1] == ("start", "u1", "main", 1)


async def test_an_adopted_pod_is_left_as_it_is(machine):
    async with working(machine, pod()):
        pass
    machine.done.clear()
    async with working(machine, pod()):
        assert machine.done == [("look",)]


async def test_the_same_wish_again_makes_nobody_plan(machine):
    want = pod()
    async with working(machine, want) as made:
        plans, views = [], machine.views
        machine.views = lambda *asked: plans.append(asked) or views(*asked)
        made.wish(want)
        await settle()
        assert plans == []
        made.wish(replace(want, origin="/m/renamed.yaml"))
        await settle()
        assert plans


async def test_a_change_made_while_nobody_looked_waits_for_its_image_too(machine):
    async with working(machine, pod()):
        pass
    machine.done.clear()
    machine.remembered["s-u1-0"] = pod()
    present = machine.views
    machine.views = lambda pod, counts: present(pod, counts) if pod.uid == "u1" else {}
    async with working(machine, pod(uid="u2")) as made:
        assert machine.done == [("look",)]
        machine.views = present
        made.wake()
        await settle()
        assert [d[0] for d in machine.done[1:5]] == ["forget", "stop", "run", "start"]


async def test_a_predecessor_that_nobody_can_recall_is_replaced_at_once(machine):
    async with working(machine, pod()):
        pass
    machine.done.clear()
    machine.time.pass_by(1)
    async with working(machine, pod(uid="u2")):
        assert [d[0] for d in machine.done] == ["look", "stop", "run", "start", "remove", "clean"]


async def test_a_pod_that_is_removed_while_it_waits_for_its_turn_never_starts(machine):
    async with working(machine, pod(), turns=0) as made:
        assert machine.done == [("look",)]
        made.wish(None)
        machine.turns.release()
        await settle()
        assert made.ended
        assert not any(d[0] in ("run", "start") for d in machine.done)


async def test_a_pod_at_rest_gives_its_turn_back(machine):
    async with working(machine, pod()):
        assert not machine.turns.locked()


@pytest.mark.parametrize("step", ["look", "exit", "sandbox exit"])
async def test_a_runtime_that_cannot_be_asked_is_asked_again_after_a_pause(machine, step):
    async with working(machine, pod()) as made:
        box = machine.sandboxes["s-u1-0"]
        dead = tuple(machine._dead(c, 1) for c in box.containers)
        machine.sandboxes[box.id] = replace(box, containers=dead, ready=step != "sandbox exit")
        machine.faults[step] = [tools.StepFault("RuntimeFault", "ttrpc: closed")]
        machine.done.clear()
        ended = {"look": made.doubt, "sandbox exit": machine.callbacks[1]}
        ended.get(step, machine.callbacks[running_pid(machine)])()
        await settle()
        assert [d[0] for d in machine.done] == [step]
        machine.time.pass_by(1)
        made.wake()
        await settle()
        assert made.past.crashes["main"].exits == 1
        assert ("start", "u1", "main", 1) in machine.done


def story(machine):
    """What was decided and why, in order."""
    return [(one.what, one.why) for one in machine.journal.of(KEY)]


def happened(machine):
    """The events in order: reason, message and what they are about."""
    return [(e.reason, e.message, e.subject.field_path) for e in machine.events.events()]


async def test_the_story_of_a_pod_that_crashes_twice(machine):
    async with working(machine, pod()) as made:
        for _ in range(2):
            machine.time.pass_by(3)
            machine.callbacks[running_pid(machine)]()
            await settle()
        machine.time.pass_by(10)
        made.wake()
        await settle()
    assert story(machine) == [
        ("making its sandbox", "its manifest is new here: /m/web.yaml"),
        ("starting container main", "it has not run yet"),
        ("restarting container main", "exited 137, 0s ago"),
        ("waiting to restart container main", "exited 137, back-off 10s"),
        ("restarting container main", "exited 137, 10s ago; back-off 10s is over"),
    ]
    wait = machine.journal.of(KEY)[3]
    assert wait.until - wait.at == timedelta(seconds=10)
    assert happened(machine) == [
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
    assert story(machine)[2:] == [
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
    assert happened(machine) == [killing, killing]


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
    assert happened(machine)[:2] == [
        ("FailedCreatePodSandBox", "Failed to create pod sandbox: no network", ""),
        ("Failed", "Error: no such file", "spec.containers{main}"),
    ]
    assert ("FailedKillPod", "error killing pod: stuck", "") in happened(machine)
    assert {e.type for e in machine.events.events() if e.reason != "Killing"} == {"Warning"}
    tried = ("making its sandbox", "the last try failed: no network")
    waited = (
        "waiting to make its sandbox",
        "FailedCreatePodSandBox: no network",
    )
    assert story(machine)[1:3] == [waited, tried]


async def test_a_sandbox_that_died_is_told_as_changed(machine):
    async with working(machine, pod()):
        machine.callbacks[1]()
        await settle()
    changed = "Pod sandbox changed, it will be killed and re-created."
    assert ("SandboxChanged", changed, "") in happened(machine)
    assert ("making its sandbox again (1)", "its sandbox is gone") in story(machine)


async def test_what_was_removed_is_cleared_away_also_when_the_answer_is_lost(machine):
    async with working(machine, pod()):
        pass
    machine.faults["remove"] = [port.Unavailable("gone")]
    async with working(machine, None) as made:
        assert machine.done[-1] == ("remove", "s-u1-0")
        machine.sandboxes.clear()  # the runtime did it, and went away before it said so
        machine.up.set()
        await settle()
        assert machine.done[-2:] == [("look",), ("clean", "u1")]
        assert made.ended


OTHER = wanted.PodKey("default", "other-n1")


def on_port(uid="u1"):
    made = pod(uid)
    ports = [core.ContainerPort(containerPort=80, hostPort=80)]
    main = core.Container(name="main", image="i", ports=ports)
    return replace(made, pod=core.Pod(metadata=made.pod.metadata, spec=spec_of(made, main)))


def spec_of(made, main):
    return core.PodSpec(
        containers=[main], hostNetwork=True, restartPolicy=made.pod.spec.restartPolicy
    )


async def test_a_pod_whose_host_port_is_taken_waits_and_starts_when_it_is_free(machine):
    ports = hostports.HostPorts()
    ports.claim(OTHER, on_port().pod)
    async with working(machine, on_port(), ports=ports) as made:
        assert machine.sandboxes == {}
        words = "host port 80/TCP is in use by pod default/other-n1"
        assert str(made.report().clash) == words
        assert made.report().waits[""].why == f"NodePorts: {words}"
        told = [one for one in machine.events.events() if one.reason == "NodePorts"]
        assert [one.message for one in told] == [
            f"{words}; it is tried again when that pod has ended"
        ]
        made.wake()
        await settle()
        again = [one for one in machine.events.events() if one.reason == "NodePorts"]
        assert [one.count for one in again] == [1]
        ports.release(OTHER)
        await settle()
        assert made.report().clash is None
        assert len(machine.sandboxes) == 1
        assert ports.claim(OTHER, on_port().pod) is not None


async def test_a_pod_that_is_found_running_has_its_ports_and_frees_them_when_it_is_gone(machine):
    async with working(machine, on_port()):
        pass
    ports = hostports.HostPorts()
    async with working(machine, on_port(), ports=ports) as made:
        assert ports.claim(OTHER, on_port().pod) is not None
        made.wish(None)
        await settle()
        assert made.ended
        assert ports.claim(OTHER, on_port().pod) is None


async def test_a_pod_is_stopped_with_the_grace_of_its_deletion(machine):
    async with working(machine, replace(pod(), source="api"), grace_s=4) as made:
        made.wish(None)
        await settle()
    assert ("stop", "u1", 4) in machine.done


async def test_a_change_stops_with_the_pods_own_grace(machine):
    async with working(machine, pod(), grace_s=4) as made:
        made.wish(pod("u2"))
        await settle()
    assert [step for step in machine.done if step[0] == "stop"] == [("stop", "u1", 30)]


async def test_a_pod_that_is_over_is_not_started_and_what_lives_of_it_is_stopped(machine):
    async with working(machine, replace(pod(), over=True)):
        assert machine.sandboxes == {}
    async with working(machine, pod()) as made:
        made.wish(replace(pod(), over=True))
        await settle()
        assert ("stop", "u1", 30) in machine.done
        (box,) = machine.sandboxes.values()
        assert not box.alive
        assert not made.ended
