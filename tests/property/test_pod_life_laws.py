"""Whatever happens to a pod, its life keeps the laws, and in the end it is as it is wanted.

A worker drives a machine in memory (`testing.podlife`, which holds the laws of starting and of
removing) through whatever hypothesis thinks of: exits and deaths that the kernel tells of or not,
steps that fail, are half done or never answered, changes, removals and returns of the manifest,
also in the midst of a step, images that are late, an agent that forgets everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from staticlet.kube import core
from staticlet.pods import ends, fields, served, steps, tools, wanted, worker
from staticlet.pods import observed as obs
from staticlet.pods import plan as planning
from staticlet.testing import podlife

KEY = wanted.PodKey("default", "web-node1")
RULE = obs.BackoffRule()
MOST_LIVES = 50


def content(
    uid: str, *names: str, policy: str, revision: str = "", init: tuple[str, ...] = ()
) -> wanted.WantedPod:
    """A pod; an init container whose name begins with `side` is a sidecar."""
    spec = core.PodSpec(
        containers=[core.Container(name=n, image="i") for n in names],
        initContainers=[
            core.Container(
                name=n, image="i", restartPolicy="Always" if n.startswith("side") else None
            )
            for n in init
        ],
        restartPolicy=policy,
        hostNetwork=policy != "OnFailure",
    )
    return wanted.WantedPod(
        key=KEY,
        uid=uid,
        revision=revision or uid,
        pod=core.Pod(metadata=core.ObjectMeta(name=KEY.name), spec=spec),
        source="file",
        origin="/m/web.yaml",
        seen=datetime(2030, 1, 1, tzinfo=UTC),
    )


CONTENTS = (
    content("plain", "a", "b", policy="Always", init=("one", "two")),
    content("once", "a", "b", policy="Never", init=("one",)),
    content("tried", "a", "b", policy="OnFailure", init=("side", "one")),
    content("fixed", "a", policy="Always", revision="r1"),
    content("fixed", "a", "b", policy="Never", revision="r2"),
)

pods = st.sampled_from(range(len(CONTENTS)))
codes = st.sampled_from((0, 1, 137))
picks = st.integers(0, 5)
outcomes = st.lists(st.sampled_from(podlife.OUTCOMES), min_size=1, max_size=4)
events = st.one_of(
    st.tuples(st.just("exit"), picks),
    st.tuples(st.just("death"), picks),
    st.tuples(st.just("change"), pods),
    st.tuples(st.just("remove"), st.just(0)),
    st.tuples(st.just("return"), st.just(0)),
)


class PodLife(RuleBasedStateMachine):
    """One pod key: its manifest, its machine, and the agent's worker on it."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.machine = podlife.Machine()
        self.machine.doomed = self._doomed
        self.machine.remembered = lambda: self.worker.past.uid if self.worker else ""
        self.want: wanted.WantedPod | None = None
        self.last = CONTENTS[0]
        self.incarnation = 0
        self.writes = 0
        self.memory: dict[str, obs.History] = {}
        self.worker: worker.Worker | None = None
        self.task: asyncio.Task[None] | None = None
        self.left_behind: set[str] = set()

    # The agent

    def _doomed(self) -> frozenset[str]:
        return self.worker.past.doomed if self.worker else frozenset()

    def _begin(self, *, look: bool) -> None:
        shared = tools.Tools(
            hands=self.machine,
            images=self.machine,
            exits=self.machine,
            runtime=self.machine,
            clock=self.machine.time,
            starts=asyncio.Semaphore(1),
        )
        past = self.memory.pop(self.want.uid, None) if self.want else None
        known = obs.History(uid=past.uid, counts=past.counts, last=past.last) if past else None
        self.worker = worker.Worker(KEY, shared, want=self.want, past=known, look=look)
        self.task = self.loop.create_task(self.worker.run())

    def _settle(self) -> None:
        """Let the worker work until it waits; as the pool does, begin anew after its end.

        It may end and begin as often as what happens meanwhile removes and returns the manifest.
        """
        self.machine.steps_left = podlife.MOST_STEPS
        for _ in range(MOST_LIVES):
            self.loop.run_until_complete(_turns(60))
            if self.worker is not None:
                self.machine.forget_counts()  # it may serve another UID without any step
            if self.task is None or not self.task.done():
                if self.task is not None or self.want is None:
                    return
                self._begin(look=False)
                continue
            self.task.result()
            assert self.machine.boxes == {}, "the worker ended and left a sandbox"
            if self.worker is not None:
                self.memory[self.worker.past.uid] = self.worker.past
            self.worker = self.task = None
        raise AssertionError("the worker ends and begins without end")

    def _wish(self, want: wanted.WantedPod | None) -> None:
        if want is not None:
            self.last = want
        self.want = want
        if self.worker is not None:
            self.worker.wish(want)

    # What people do

    def _change(self, number: int) -> None:
        if self.want is None:
            self.incarnation += 1
        self._write(CONTENTS[number])

    def _remove(self) -> None:
        self._wish(None)

    def _return(self) -> None:
        self.incarnation += 1
        self._write(self.last)

    def _write(self, pod: wanted.WantedPod) -> None:
        """Want it; what is the same as before was not seen anew."""
        old = self.want
        same = old is not None and served.same_content(old, pod)
        if old is None or not same or old.incarnation != self.incarnation:
            self.writes += 1
        seen = datetime(2030, 1, 1, tzinfo=UTC) + timedelta(days=self.writes)
        self._wish(replace(pod, incarnation=self.incarnation, seen=seen))

    @rule(number=pods)
    def the_manifest_changes(self, number: int) -> None:
        self._change(number)
        self._settle()

    @rule()
    def the_manifest_is_removed(self) -> None:
        self._remove()
        self._settle()

    @rule()
    def the_manifest_is_removed_and_put_back(self) -> None:
        self._return()
        self._settle()

    # What happens on the machine

    def _exit(self, pick: int, code: int = 1, *, told: bool = True, unseen: bool = False) -> None:
        running = self.machine.running()
        if running:
            victim = running[pick % len(running)][1]
            self.machine.ends(victim.id, code, told=told, unseen=unseen)

    def _death(self, pick: int, *, told: bool = True) -> None:
        if self.machine.boxes:
            self.machine.dies(
                sorted(self.machine.boxes)[pick % len(self.machine.boxes)], told=told
            )

    @rule(pick=picks, code=codes, told=st.booleans(), unseen=st.booleans())
    def a_container_ends(self, pick: int, code: int, told: bool, unseen: bool) -> None:  # noqa: FBT001  drawn
        self._exit(pick, code, told=told, unseen=unseen)
        self._settle()

    @rule(pick=picks, told=st.booleans())
    def a_sandbox_dies(self, pick: int, told: bool) -> None:  # noqa: FBT001  drawn
        self._death(pick, told=told)
        self._settle()

    @rule(seconds=st.sampled_from((0.5, 1.0, 3.0, 11.0, 40.0, 301.0, 1000.0)))
    def time_passes(self, seconds: float) -> None:
        self.machine.time.pass_by(seconds)
        if self.worker is not None:
            self.worker.wake()
        self._settle()

    @rule(number=pods)
    def an_image_is_not_there(self, number: int) -> None:
        self.machine.absent.add(CONTENTS[number].revision)

    @rule()
    def images_arrive(self) -> None:
        self.machine.images_arrive()
        self._settle()

    @rule(some=outcomes)
    def the_next_steps_go_wrong(self, some: list[str]) -> None:
        self.machine.outcomes.extend(some)

    @rule(some=st.lists(st.none() | events, min_size=1, max_size=4))
    def things_will_happen_meanwhile(self, some: list[tuple[str, int] | None]) -> None:
        self.machine.meanwhile.extend(self._event(each) for each in some)

    def _event(self, event: tuple[str, int] | None) -> Callable[[], None]:
        does: dict[str, Callable[[int], None]] = {
            "exit": self._exit,
            "death": self._death,
            "change": self._change,
            "remove": lambda _: self._remove(),
            "return": lambda _: self._return(),
        }
        return lambda: does[event[0]](event[1]) if event else None

    # What happens to the agent

    @rule()
    def the_re_list_finds_something_else(self) -> None:
        self._relist()

    def _relist(self) -> None:
        if self.worker is not None:
            self.worker.doubt()
        if self.machine.up:
            self._keep_house()
        self._settle()

    @precondition(lambda self: not self.machine.up)
    @rule()
    def the_runtime_comes_back(self) -> None:
        self.machine.comes_back()
        self._settle()

    @rule()
    def the_agent_is_restarted(self) -> None:
        self._stop()
        self.memory.clear()
        self.machine.agent_restarts()
        self.left_behind = self.machine.directories - self._uids_of_boxes()
        self._keep_house()
        self.machine.comes_back()
        self.incarnation = 0
        if self.want is not None:
            self.want = replace(self.want, incarnation=0)
        if self.want is not None or self.machine.boxes:
            self._begin(look=True)
        self._settle()

    def _keep_house(self) -> None:
        """Clear, as an agent does with every list, what earlier lives left and nobody uses.

        What the workers of this life have served or found, they have to clear away themselves.
        """
        serving = self.worker.report().serving if self.worker else None
        self.left_behind -= {serving.uid} if serving else set()
        used = self._uids_of_boxes() | ({self.want.uid} if self.want else set())
        self.machine.directories -= self.left_behind - used
        self.left_behind &= used

    def _uids_of_boxes(self) -> set[str]:
        return {box.uid for box in self.machine.boxes.values()}

    def _stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            self.loop.run_until_complete(asyncio.gather(self.task, return_exceptions=True))
        self.worker = self.task = None

    # The laws

    @invariant()
    def at_most_one_sandbox_lives(self) -> None:
        alive = [box.id for box in self.machine.boxes.values() if box.alive]
        assert len(alive) <= 1, alive

    @invariant()
    def back_off_is_within_its_bounds(self) -> None:
        if self.worker is not None:
            for each in self.worker.past.crashes.values():
                assert 0 <= each.delay_s <= RULE.max_s

    @invariant()
    def a_worker_that_waits_has_nothing_to_do_and_knows_until_when(self) -> None:
        if self.worker is None or not self.machine.up:
            return
        shown = self.worker.report()
        situation = steps.Situation(
            target=shown.serving,
            seen=shown.seen,
            past=shown.past,
            images=shown.images,
            now_ns=self.machine.time.ns,
            uncleaned=frozenset(self.worker._mind.uncleaned),
        )
        made = planning.plan(situation)
        assert made == planning.plan(situation)
        troubled = shown.trouble or self.worker._mind.blind
        assert troubled or not made.actions, made
        if not made.actions and made.wake_at_ns is not None:
            assert made.wake_at_ns > situation.now_ns

    # The end

    def teardown(self) -> None:
        try:
            self._all_becomes_well()
            self._as_it_is_wanted()
            self._wish(None)
            self._settle()
            assert self.worker is None, "the removal does not come to an end"
            assert self.machine.boxes == {}
            assert self.machine.directories == set()
        finally:
            self._stop()
            self.loop.close()

    def _all_becomes_well(self) -> None:
        """Nothing fails any more, all is told, time passes, and init containers succeed."""
        self.machine.outcomes.clear()
        self.machine.meanwhile.clear()
        self.machine.comes_back()
        self.machine.images_arrive()
        for _ in range(12):
            self.machine.time.pass_by(1000)
            self._relist()
            for _, container in self.machine.running():
                if container.name in ("one", "two"):
                    self.machine.ends(container.id, 0)
            self._settle()

    def _as_it_is_wanted(self) -> None:
        boxes = self.machine.boxes.values()
        if self.want is None:
            assert self.worker is None
            assert not boxes
            assert self.machine.directories <= set()
            return
        assert {(box.uid, box.revision) for box in boxes} == {(self.want.uid, self.want.revision)}
        assert self.machine.directories == {self.want.uid}
        if ends.restart_policy(self.want.pod) == "Always":
            (box,) = boxes
            names = {c.name for c in fields.containers(self.want.pod)}
            assert {c.name for c in box.containers if c.running} == names


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


PodLife.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
TestPodLife = PodLife.TestCase
