"""Random deeds: what people, tools, kernels and administrators do, and the model told of each."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from chaos import manifests, model
from chaos.model import Content, Lineage, Shape, Variant
from staticlet.runtime import port
from staticlet.runtime.cri import channel, runtime
from staticlet.testing.agent import Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.until import NeverCame, pause, until

AWAY_S = 0.1
"""A file that is away for longer may have lost its pods: the agent waits twice as long."""
PATIENCE_S = 60.0
ENDINGS = (".yaml", ".yml", ".json", ".manifest")

SHAPES = (
    (Shape.PLAIN,),
    (Shape.PAIR, Shape.PLAIN),
    (Shape.NET,),
    (Shape.INIT, Shape.SLOW),
    (Shape.DISK,),
    (Shape.STUBBORN,),
    (Shape.ONCE, Shape.PLAIN, Shape.NET),
)
"""The lineages: the pods of each file."""

EMPTY = Content("", refused=(None,))


@dataclass(slots=True)
class File:
    """A lineage in the making: what it is called now, and what was written last."""

    name: str
    variants: list[Variant]
    parked: str = ""
    held: Content = EMPTY
    last: Content | None = None


class Deeds:
    """Does one deed after the other to a machine, and keeps the model.

    Args:
        agent: The agent.
        containerd: Its runtime.
        rng: Where all chance comes from.
        tell: Takes a line for each deed.
    """

    def __init__(
        self,
        agent: Agent,
        containerd: Containerd,
        rng: random.Random,
        tell: Callable[[str], None],
    ) -> None:
        self._agent = agent
        self._containerd = containerd
        self._order = rng
        self._rng = rng
        self._tell = tell
        self._place = containerd.base.name
        self._numbers = iter(range(1, 1_000_000))
        self._watched = False
        self.lost: frozenset[str] = frozenset()
        self.bereft: set[str] = set()
        self.cut_off = False
        self.model: dict[str, Lineage] = {}
        self._files: dict[str, File] = {}
        for number, shapes in enumerate(SHAPES):
            key = f"f{number}"
            pods = [Variant(f"{key}{'abc'[i]}", 0, shape) for i, shape in enumerate(shapes)]
            self._files[key] = File(name=f"{key}.yaml", variants=pods)
            self.model[key] = Lineage()

    def everything(self) -> None:
        """Write every file, so that there is something to be rough with."""
        for key in self._files:
            self._change(key)

    def some(self, number: int, *, for_s: float) -> None:
        """So many deeds, with pauses in between, unless they take too long on a busy machine."""
        ends = time.monotonic() + for_s
        for _ in range(number):
            if time.monotonic() > ends:
                return
            # Each deed has chance of its own: how it ends must not change those after it.
            self._rng = rng_of(self._order.getrandbits(32))
            self._one()
            pause(self._rng.choice((0.0, 0.02, 0.1, 0.3, 0.7)))

    def ordinary(self) -> None:
        """One deed of an ordinary day: nobody harms the agent or its runtime."""
        self._rng = rng_of(self._order.getrandbits(32))
        key = self._rng.choice([*self._files])
        deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (10, lambda: self._change(key)),
            (3, lambda: self._spoil(key)),
            (4, lambda: self._again(key)),
            (1, lambda: self._remove(key)),
            (2, lambda: self._put_back(key)),
            (2, lambda: self._rename(key)),
            (1, self._litter),
            (4, self._kill_some),
        )
        self._do_one(deeds)

    def rest(self) -> None:
        """Begin a rest: everybody who was sent away comes back, and all files are seen."""
        self._containerd_up()
        self._agent_up()
        self._until_settled()
        pause(2 * AWAY_S)
        self._until_settled()
        self._watched = True
        self.model = {key: each.seen() for key, each in self.model.items()}

    def nothing(self) -> None:
        """Remove every file."""
        for key in self._files:
            self._remove(key)

    def _until_settled(self) -> None:
        try:
            self._agent.until_settled()
        except NeverCame:  # a busy machine: once more
            self._agent.until_settled()

    def found(self, chosen: dict[str, model.Goods]) -> None:
        """Take what the machine has told about each lineage."""
        self.model = {key: each.found(chosen[key]) for key, each in self.model.items()}

    def _one(self) -> None:
        key = self._rng.choice([*self._files])
        deeds: tuple[tuple[int, Callable[[], None]], ...] = (
            (22, lambda: self._change(key)),
            (9, lambda: self._spoil(key)),
            (4, lambda: self._again(key)),
            (5, lambda: self._storm(key)),
            (6, lambda: self._remove(key)),
            (4, lambda: self._put_back(key)),
            (6, lambda: self._rename(key)),
            (3, lambda: self._park(key)),
            (4, self._litter),
            (12, self._kill_some),
            (3, self._kill_pod),
            (5, self._take_away),
            (7, self._agent_down),
            (6, self._agent_up),
            (4, self._containerd_down),
            (4, self._containerd_up),
        )
        self._do_one(deeds)

    def _do_one(self, deeds: Sequence[tuple[int, Callable[[], None]]]) -> None:
        """One of them, by weight."""
        weights = [weight for weight, _ in deeds]
        self._rng.choices([deed for _, deed in deeds], weights)[0]()

    # What is done to files.

    def _change(self, key: str) -> None:
        file = self._files[key]
        number = next(self._numbers)
        for index, variant in enumerate(file.variants):
            if file.last is None or self._rng.random() < 0.7:
                file.variants[index] = manifests.next_round(variant, number, self._rng)
        chosen = [each for each in file.variants if self._rng.random() < 0.85]
        content = manifests.good(chosen or file.variants, place=self._place)
        file.last = content
        self._write(key, content)

    def _spoil(self, key: str) -> None:
        """Write what is refused; of several pods some may be good and changed."""
        file, kind = self._files[key], self._rng.randrange(3)
        if kind == 0:
            content = manifests.half(file.variants, place=self._place, rng=self._rng)
        elif kind == 1:
            content = manifests.garbage(self._rng)
        else:
            number = next(self._numbers)
            bad = self._rng.choice(file.variants).pod
            file.variants = [
                manifests.next_round(each, number, self._rng) for each in file.variants
            ]
            content = manifests.one_bad(file.variants, bad, place=self._place)
        self._write(key, content)

    def _again(self, key: str) -> None:
        last = self._files[key].last
        if last is not None:
            self._write(key, last)

    def _storm(self, key: str) -> None:
        for _ in range(self._rng.randrange(3, 12)):
            self._change(key)
            pause(self._rng.choice((0.0, 0.005, 0.05)))

    def _write(self, key: str, content: Content) -> None:
        file = self._files[key]
        if file.parked:
            self._remove(key)
        name, there = file.name, self._agent.manifests.file(file.name).exists()
        ways: list[tuple[str, Callable[[str, str], object]]] = [
            ("put", self._agent.manifests.put),
            ("save", self._agent.manifests.save),
            ("write slowly", self._write_slowly),
        ]
        if there:
            ways.append(("save like vim", self._agent.manifests.save_like_vim))
        way, write = self._rng.choice(ways)
        what = ", ".join(map(str, content.good)) or "nothing good"
        bad = f", {len(content.refused)} refused" if content.refused else ""
        self._tell(f"{way} {name}: {what}{bad}")
        if way == "save like vim":
            self._moved(key, lambda: write(name, content.text))
        else:
            write(name, content.text)
        self.model[key] = self.model[key].written(content)

    def _write_slowly(self, name: str, text: str) -> None:
        """As over a slow line: nobody may act on the half of it."""
        cut = self._rng.randrange(len(text) + 1)
        with self._agent.manifests.file(name).open("w") as file:
            file.write(text[:cut])
            file.flush()
            pause(self._rng.choice((0.01, 0.1, 0.4)))
            file.write(text[cut:])

    def _moved(self, key: str, move: Callable[[], object]) -> None:
        begun = time.monotonic()
        move()
        watched = self._watched and time.monotonic() - begun < AWAY_S
        self.model[key] = self.model[key].moved(watched=watched)

    def _remove(self, key: str) -> None:
        file = self._files[key]
        self._tell(f"remove {file.parked or file.name}")
        self._agent.manifests.remove(file.parked or file.name)
        file.parked = ""
        self.model[key] = self.model[key].removed()

    def _put_back(self, key: str) -> None:
        """Remove and write the same again, at once or after a moment."""
        if self._files[key].last is None:
            return
        self._remove(key)
        pause(self._rng.choice((0.0, 0.05, 0.5)))
        self._again(key)

    def _rename(self, key: str) -> None:
        file = self._files[key]
        here = self._agent.manifests.file(file.name)
        if not here.exists():
            return
        name = f"{key}-{next(self._numbers)}{self._rng.choice(ENDINGS)}"
        self._tell(f"rename {file.name} to {name}")
        self._moved(key, lambda: here.rename(self._agent.manifests.file(name)))
        file.name = name

    def _park(self, key: str) -> None:
        """Rename it to what is no manifest's name, or back."""
        file = self._files[key]
        here = self._agent.manifests.file(file.name)
        if file.parked:
            self._tell(f"take {file.parked} back")
            self._agent.manifests.file(file.parked).rename(here)
            file.parked = ""
            self.model[key] = self.model[key].written(file.held)
        elif here.exists() and (content := self.model[key].content) is not None:
            file.parked, file.held = f"{file.name}.off", content
            self._tell(f"park {file.name}")
            here.rename(self._agent.manifests.file(file.parked))
            self.model[key] = self.model[key].removed()

    def _litter(self) -> None:
        """What lies about in directories, and is no manifest."""
        name = self._rng.choice(
            (".f0.yaml.swp", "f0.yaml~", "f1.yaml.bak", "README", "#f2.yaml#", "4913", "a.YAML")
        )
        self._tell(f"litter {name}")
        text = manifests.good([Variant("litter", 1, Shape.PLAIN)], place=self._place).text
        self._agent.manifests.save(name, text)

    # What is done to what runs.

    def _kill_some(self) -> None:
        """SIGKILL to a container or a sandbox."""
        with self._calm():
            pids = self._agent.pids()
            if pids:
                victim = self._rng.choice(sorted(pids))
                self._kill(victim, pids[victim])

    def _kill_pod(self) -> None:
        """SIGKILL to everything at once."""
        with self._calm():
            pids = self._agent.pids()
            for victim in self._rng.sample(sorted(pids), k=len(pids) // 2):
                self._kill(victim, pids[victim])

    def _kill(self, victim: str, pid: int) -> None:
        self._tell(f"kill task {victim[:12]}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _take_away(self) -> None:
        """Remove a container or a sandbox by the CRI, as with crictl."""
        with self._calm():
            ids = sorted(self._agent.owned())
            if ids:
                victim = self._rng.choice(ids)
                self._tell(f"remove {victim[:12]} from the runtime")
                asyncio.run(_removed(self._containerd.endpoint, victim, self.bereft))

    @contextlib.contextmanager
    def _calm(self) -> Iterator[None]:
        """Rough hands too find that containerd is down, or is faster than they."""
        try:
            yield
        except (port.RuntimeFault, subprocess.CalledProcessError, OSError) as fault:
            self._tell(f"  in vain: {type(fault).__name__}")

    # What is done to the agent and its runtime.

    def _agent_down(self) -> None:
        if self._agent.pid is None:
            return
        gently = self._rng.random() < 0.5
        self._tell("stop the agent" if gently else "kill the agent")
        self.cut_off = True
        if gently and self._agent.stop() != 0:
            raise AssertionError(f"the agent ended badly{self._agent.story()}")
        self._agent.kill()
        self._watched = False
        self.model = {key: each.agent_ended() for key, each in self.model.items()}
        if self._rng.random() < 0.6:
            self._agent_up()

    def _agent_up(self) -> None:
        if self._agent.pid is None:
            self._tell("start the agent")
            try:
                self._agent.start()
            except NeverCame:  # a busy machine: what counts is that it comes
                until(
                    self._agent.answers,
                    "the agent answers",
                    deadline_s=PATIENCE_S,
                    story=self._agent.story,
                )

    def _containerd_down(self) -> None:
        if self._containerd.pid is None:
            return
        gently = self._rng.random() < 0.5
        self._tell("stop containerd" if gently else "kill containerd")
        self.cut_off = True
        if gently:
            self._containerd.stop()
        else:
            self._containerd.kill()
        if self._rng.random() < 0.6:
            pause(self._rng.choice((0.0, 0.2)))
            self._containerd_up()

    def _containerd_up(self) -> None:
        if self._containerd.pid is None:
            self._tell("start containerd")
            self._containerd.start()


async def _removed(endpoint: str, victim: str, bereft: set[str]) -> None:
    """Remove what has this id, whatever it is; a sandbox that loses its init container is noted.

    Once a regular container is there, the pod is initialised: an init container that is removed
    is not run again, as with the kubelet.
    """
    async with channel.Connection(endpoint) as connection:
        cri = runtime.CriRuntime(connection)
        if victim in {each.id for each in await cri.list_sandboxes({})}:
            await cri.stop_sandbox(victim)
            await cri.remove_sandbox(victim)
            return
        for each in await cri.list_containers({}):
            if each.id == victim and each.name == manifests.INIT_CONTAINER:
                bereft.add(each.sandbox_id)
        await cri.stop_container(victim, grace_s=0)
        await cri.remove_container(victim)


def seed_of(environment: dict[str, str]) -> int:
    """The seed that was asked for, or a new one."""
    asked = environment.get("CHAOS_SEED", "")
    return int(asked) if asked else random.SystemRandom().randrange(1_000_000)


def rng_of(seed: int) -> random.Random:
    """All chance of a run."""
    return random.Random(seed)  # noqa: S311  chance, no secret
