"""Laws of the places on a node, whoever comes, lives, ends and goes in whatever order."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from staticlet.pods import hostports, node, places, preemption, wanted
from staticlet.testing import wantedpods

CPUS = 4
NAMES = ("a", "b", "c", "d")

names = st.sampled_from(NAMES)
sources = st.sampled_from(("file", wanted.API))
cpus = st.integers(0, CPUS + 1)
ports = st.sampled_from((0, 0, 80, 81))
labels = st.sampled_from(("", "ssd"))


class World(RuleBasedStateMachine):
    """A node, and for each name a pod in one of the states of its life."""

    def __init__(self) -> None:
        super().__init__()
        self.disk = "hdd"
        self.places = places.Places(
            lambda: node.Offer(
                labels={"disk": self.disk}, allocatable={"cpu": str(CPUS), "pods": "3"}
            )
        )
        self.pods: dict[str, wanted.WantedPod] = {}
        self.inside: set[str] = set()
        self.kept: set[str] = set()
        self.going: set[str] = set()
        self.waiting: set[str] = set()
        self.soon: set[str] = set()
        self.woken: set[str] = set()
        self.ended: list[str] = []

    @rule(name=names, source=sources, cpu=cpus, port=ports, disk=labels)
    def one_comes(self, name: str, source: str, cpu: int, port: int, disk: str) -> None:
        if name not in self.pods:
            self.pods[name] = self.make(name, source, cpu, port, disk)
            self.ask(name)

    def make(self, name: str, source: str, cpu: int, port: int, disk: str) -> wanted.WantedPod:
        more = {"ports": [{"containerPort": port, "hostPort": port}]} if port else {}
        container = wantedpods.container(resources={"requests": {"cpu": str(cpu)}}, **more)
        made = wantedpods.wanted(
            container, name=name, uid=name, nodeSelector={"disk": disk} if disk else None
        )
        return replace(made, source=source)

    def ask(self, name: str) -> None:
        """What a worker does at each turn while its pod has not been let in."""
        pod = self.pods[name]
        self.woken.discard(name)
        before = len(self.ended)
        found = self.places.take(
            pod.key, pod, lambda: self.woken.add(name), lambda: self.ended.append(name)
        )
        self.waiting.discard(name)
        self.soon.discard(name)
        if found is not None and found.soon:
            self.soon.add(name)
        if found is None:
            self.inside.add(name)
        else:
            self.waiting.add(name)
        for victim in self.ended[before:]:
            assert found is not None
            assert found.soon, "nobody ends for nothing"
            assert preemption.may_end(pod, self.pods[victim])
            assert victim not in self.going, "nobody is ended twice"
            if victim in self.waiting:  # for its port, which it needs no more
                self.one_is_gone(victim)
            else:
                self.going.add(victim)

    @rule()
    def who_is_woken_asks_again(self) -> None:
        for name in sorted(self.woken & self.waiting):
            if name in self.waiting:  # not ended by the one before
                self.ask(name)

    @rule(name=names)
    def one_lives(self, name: str) -> None:
        if name in self.inside and name not in self.going:
            pod = self.pods[name]
            self.places.lives(pod.key, pod.pod)
            self.places.keep(pod.key, pod, lambda: self.ended.append(name))
            self.kept.add(name)

    @rule(name=names)
    def one_is_found_living(self, name: str) -> None:
        """It is let in by nobody: an agent has started, and there it was."""
        if name in self.waiting:
            pod = self.pods[name]
            self.places.lives(pod.key, pod.pod)
            self.places.keep(pod.key, pod, lambda: self.ended.append(name))
            self.waiting.discard(name)
            self.inside.add(name)
            self.kept.add(name)

    @rule(name=names, cpu=cpus, port=ports, source=sources)
    def one_is_adopted(self, name: str, cpu: int, port: int, source: str) -> None:
        """Its worker asks for its place, or says that it lives, only later."""
        if name not in self.pods:
            self.pods[name] = made = self.make(name, source, cpu, port, "")
            self.places.adopt(made.key, [wantedpods.sandbox(made)], made)
            self.inside.add(name)
            self.kept.add(name)

    @rule(name=names, cpu=cpus, port=ports)
    def one_is_changed(self, name: str, cpu: int, port: int) -> None:
        """Its manifest is; a change that is not let in is taken back at once."""
        if name not in self.inside - self.going:
            return
        before = self.pods[name]
        made = replace(self.make(name, before.source, cpu, port, ""), revision=f"{cpu} {port}")
        self.pods[name] = made
        self.ask(name)
        if name in self.waiting:
            self.waiting.discard(name)
            self.soon.discard(name)
            self.pods[name] = before
            self.places.keep(before.key, before, lambda: self.ended.append(name))

    @rule(name=names)
    def one_is_being_stopped(self, name: str) -> None:
        if name in self.inside:
            self.places.going(self.pods[name].key)
            self.going.add(name)

    @rule(name=names)
    def one_goes(self, name: str) -> None:
        self.one_is_gone(name)

    def one_is_gone(self, name: str) -> None:
        if name in self.pods:
            self.places.leave(self.pods[name].key)
            del self.pods[name]
            for each in (self.inside, self.kept, self.going, self.waiting, self.woken):
                each.discard(name)

    @rule()
    def the_node_gets_another_label(self) -> None:
        self.disk = "ssd" if self.disk == "hdd" else "hdd"
        self.places.retry()

    @invariant()
    def no_two_that_were_let_in_have_one_port(self) -> None:
        """But for those that were found with it."""
        held = [
            (name, hostports.of(self.pods[name].pod))
            for name in self.inside - self.kept - self.going
        ]
        for name, mine in held:
            for other, theirs in held:
                assert name == other or not any(a.clashes(b) for a in mine for b in theirs)

    @invariant()
    def who_waits_would_be_refused_or_has_been_woken(self) -> None:
        """No wake-up is ever lost: asking all of them anew lets nobody in who was not called."""
        for name in sorted(self.waiting - self.woken):
            if name not in self.waiting:
                continue  # ended by the one before
            before, soon = len(self.ended), name in self.soon
            self.ask(name)
            assert name in self.waiting, f"{name} could have been let in, and nobody told it"
            assert soon or len(self.ended) == before, "room could have been made before"

    @invariant()
    def who_waits_is_told_of(self) -> None:
        assert {key.name for key, _ in self.places.waiting()} == self.waiting


World.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestPlaces = World.TestCase
