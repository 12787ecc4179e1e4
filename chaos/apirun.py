"""An agent, an API server and a bad network between them: what is done to them."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chaos import apideeds, apirest, apiverdict
from staticlet.host import certs
from staticlet.testing import apirun, apiserver, badnetwork, lyingserver
from staticlet.testing.agent import NODE, Agent
from staticlet.testing.containerd import Containerd
from staticlet.testing.until import pause

NO_LONGER_S = 8.0
"""So much more may four deeds to a static pod take while the API server is silent: what waits for
one single request to it takes ten seconds more."""

TRAP_S = 0.3
"""A shell that has just started gets so long to set its trap."""

MOST_LINES = 3
"""How often the log may say a thing that is about no one pod, for each time that it happened."""

LIES = (
    ("503 Service Unavailable", "Retry-After: 1\r\n"),
    ("500 Internal Server Error", ""),
    ("429 Too Many Requests", "Retry-After: 1\r\n"),
    ("200 OK", ""),
)


class World:
    """Everything that a run is about; see `world`.

    Attributes:
        deeds: What is done.
        agent: The agent.
        outages: How often the API server was made not to answer.
    """

    def __init__(
        self,
        agent: Agent,
        server: apiserver.ApiProcess,
        network: badnetwork.BadNetwork,
        rng: random.Random,
        tell: Callable[[str], None],
    ) -> None:
        self._api = apirun.client(server)
        self.deeds = apideeds.Deeds(agent, self._api, rng, tell)
        self._rests = apirest.Rests(agent, self._api, self.deeds, tell)
        self.agent = agent
        self.outages = 1
        self._server = server
        self._network = network
        self._rng = rng
        self._tell = tell

    def boot_without_api(self) -> None:
        """Start the agent while nobody answers; what runs then runs on."""
        self._tell("the agent starts while the API server refuses connections")
        self._network.refuse()
        self.agent.start()
        self.deeds.everything()
        for name in apideeds.STATICS:
            self.agent.until_runs(name)
        self.deeds.rested(self.agent.pods())
        self._network.mend()
        self.rest("it answers at last")

    def restarts(self, times: int, *, rest_each: int, most_s: float) -> None:
        """Kill and start the API server so many times, with deeds before, after and meanwhile.

        On a machine that is too busy for so many, as many as fit into `most_s`.
        """
        ends = time.monotonic() + most_s
        for number in range(1, times + 1):
            last = number == times or time.monotonic() > ends
            self.deeds.some(self._rng.randrange(1, 4))
            pause(self._rng.choice((0.0, 0.05, 0.3)))
            self._tell(f"the API server is killed, for the {number}. time")
            self.outages += 1
            self._server.kill()
            self._api.close()
            self.deeds.some(self._rng.randrange(3))
            self._server.start()
            if number % rest_each == 0 or last:
                self.rest(f"after {number} restarts")
            if last:
                return

    def long_outage(self, seconds: float) -> None:
        """The API server is dead so long; then it soon shows what happened meanwhile.

        Raises:
            apirest.Wrong: It does not.
        """
        for name in ("s0", "s1", "s2"):
            self.deeds.change(name)
        self.rest("before the long outage")
        self._tell(f"the API server is dead for {seconds:g} s")
        ends = time.monotonic() + seconds
        self.outages += 1
        self._server.kill()
        self._api.close()
        lives = {name: self.agent.life(name) for name in ("s0", "s1")}
        self.deeds.kill("s0")
        self.deeds.change("s1")
        self.deeds.remove("s2")
        for name, life in lives.items():
            self.agent.until_runs(name, after=life)
        self.agent.until_gone("s2")
        self.deeds.rested(self.agent.pods())
        pause(max(0.0, ends - time.monotonic()))
        self._server.start()
        took = self.rest("after the long outage")
        if took > apirest.TRUTH_S:
            raise apirest.Wrong(
                f"the API told the truth after {took:.1f} s only{self.agent.story()}"
            )

    def swallows(self) -> None:
        """Nothing comes through; static pods live as ever.

        Raises:
            apirest.Wrong: They do not.
        """
        before = self._four_deeds("s0")
        self._bad("everything is swallowed", lambda proxy: proxy.swallow())
        took = self._four_deeds("s0")
        if took > before + NO_LONGER_S:  # others may have kept the machine busy
            took = self._four_deeds("s0")
        if took > before + NO_LONGER_S:
            raise apirest.Wrong(
                f"four deeds took {took:.1f} s, before {before:.1f} s{self.agent.story()}"
            )
        self._change_without_agent()
        self.deeds.files(4)
        self._network.mend()
        self.rest("after nothing came through")

    def _change_without_agent(self) -> None:
        """Change and remove static pods while no agent runs; one that begins does both at once."""
        for name in ("s1", "s2"):
            before = self.agent.life(name)
            self.deeds.change(name)
            self.agent.until_runs(name, after=before)
        life = self.agent.life("s1")
        self._tell("the agent is killed, and started later")
        self.agent.kill()
        self.deeds.change("s1")
        self.deeds.remove("s2")
        self.agent.start()
        self.agent.until_runs("s1", after=life)
        self.agent.until_gone("s2")

    def _four_deeds(self, name: str) -> float:
        """How many seconds it takes to add, restart, change and remove a static pod."""
        self.deeds.remove(name)
        self.agent.until_gone(name)
        took: list[float] = []
        life = None
        for deed in (self.deeds.change, self.deeds.kill, self.deeds.change):
            began = time.monotonic()
            deed(name)
            life = self.agent.until_runs(name, after=life)
            took.append(time.monotonic() - began)
            pause(TRAP_S)
        began = time.monotonic()
        self.deeds.remove(name)
        self.agent.until_gone(name)
        took.append(time.monotonic() - began)
        each = ", ".join(f"{seconds:.1f}" for seconds in took)
        self._tell(f"to add, restart, change and remove {name} took {each} s")
        return sum(took)

    def slow(self) -> None:
        """All comes late, then slowly, then cut off; it becomes right meanwhile, if it can."""
        self._bad("everything is late", lambda proxy: setattr(proxy, "delay_s", 0.3))
        self.deeds.some(5)
        self.rest("while everything is late")
        self._bad("answers drip", lambda proxy: setattr(proxy, "bytes_per_s", 20_000))
        self.deeds.some(5)
        self.rest("while answers drip")
        for _ in range(5):
            after = self._rng.randrange(20_000)
            self._bad(f"cut after {after}", lambda proxy, n=after: proxy.cut_after(n))
            self.deeds.some(2)
            pause(0.3)
            self._network.mend()
        self.rest("after answers were cut off")

    def stalls(self) -> None:
        """What stands goes silent, watches too, and nobody says so: it is noticed in time."""
        self._bad("what stands stalls", lambda proxy: proxy.stall())
        self.deeds.some(5)
        self.deeds.change("s0")  # a stalled watch does not bring what is written of it
        self.rest("while what stood is silent")
        self._network.mend()
        self.rest("after watches stalled")

    def lies(self) -> None:
        """The server refuses everything, or answers with anything."""
        for status, headers in LIES:
            self._tell(f"every answer is {status}")
            self.outages += 1
            answer = lyingserver.said(b"<html>", status=status, media="text/html", headers=headers)
            place = certs.Places(self._server.options.state_dir).serving
            self._network.lie(answer, certificate=place)
            self.deeds.some(3)
            pause(1.0)
            self._network.mend()
        self.rest("after the server lied")

    def older_store(self) -> None:
        """The server comes back with the store of some time ago."""
        state = self._server.options.state_dir
        copy = self._server.place / "backup"
        self._server.stop()
        copy.mkdir()
        for path in state.glob("state.db*"):
            shutil.copy(path, copy)
        self._server.start()
        self._api.close()
        self.deeds.some(8)
        self.rest("before an older store")
        self.deeds.some(2)
        self._tell("the store becomes an older one")
        self._replace_store(copy)
        self.rest("after an older store")

    def empty_store(self) -> None:
        """The server comes back and knows nothing."""
        self.deeds.change("s1")
        self._tell("the store becomes empty")
        self._replace_store(None)
        self.rest("after an empty store")

    def end(self) -> None:
        """Remove everything: nothing may be left. Then the agent's log is held to its bounds."""
        self.deeds.nothing()
        self.rest("nothing is left")
        if self.agent.stop() != 0:
            raise apirest.Wrong(f"the agent ended badly{self.agent.story()}")
        lines = self.agent.log.splitlines()
        often = [*apiverdict.said_too_often(lines, most=MOST_LINES * self.outages)]
        self._tell(f"the agent said {len(lines)} lines, over {self.outages} outages")
        if often:
            raise apirest.Wrong("\n".join(often))

    def close(self) -> None:
        """End the agent, whatever it does, and our own connection."""
        self.agent.kill()
        self._api.close()

    def rest(self, when: str) -> float:
        """Wait until all is right; see `apirest.Rests.rest`."""
        return self._rests.rest(when)

    def _bad(self, words: str, deed: Callable[[Any], object]) -> None:
        self._tell(words)
        self.outages += 1
        self._network.do(deed)

    def _replace_store(self, by: Path | None) -> None:
        self.outages += 1
        self._server.kill()
        state = self._server.options.state_dir
        for path in state.glob("state.db*"):
            path.unlink()
        for path in by.iterdir() if by is not None else ():
            shutil.copy(path, state)
        self._server.start()
        self._api.close()


@contextmanager
def world(
    place: Path, containerd: Containerd, rng: random.Random, tell: Callable[[str], None]
) -> Iterator[World]:
    """An agent that is not started yet, and an API server behind a network, below a directory."""
    place.mkdir(parents=True)
    flags = (f"--hostname-override={NODE}",)
    with (
        apirun.running(place, flags=flags, controllers="*,-scheduler") as server,
        badnetwork.before(apirun.port(server)) as network,
    ):
        kubeconfig = place / "kubeconfig"
        kubeconfig.write_text(server.node_kubeconfig.read_text().replace(server.url, network.url))
        flags = (f"--kubeconfig={kubeconfig}", "--log-format=json")
        agent = Agent(place / "a", containerd, flags=flags)
        made = World(agent, server, network, rng, tell)
        try:
            yield made
        finally:
            made.close()
